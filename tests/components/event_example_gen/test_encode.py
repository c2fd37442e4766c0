"""Encoded columns, read back by the protobuf library."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from components.event_example_gen.columns import Column, Columns, Numbers, Texts
from components.event_example_gen.encode import ExampleEncoder

Value = bytes | int | float

SMALLEST, LARGEST = -(2**63), 2**63 - 1
# Where a varint grows by a byte, and either side of it.
INTEGERS = [0, 1, 127, 128, 16_383, 16_384, 2**56 - 1, 2**56, LARGEST, -1, -128, SMALLEST]
FLOATS = [0.0, -0.0, 1.5, -3.25e-38, 1e-45, 3.4028235e38, math.inf, -math.inf]
TEXTS = ["", "a", "é", "日本語", "\U0001f393 campus", "a\x00b", "x" * 127, "y" * 128]


def vocabulary(texts: Sequence[str]) -> pa.LargeStringArray:
    return pa.array(texts, pa.large_string())


def texts(rows: Sequence[Sequence[str]]) -> Texts:
    flat = [text for row in rows for text in row]
    listed = sorted(set(flat))
    codes = np.array([listed.index(text) for text in flat], np.int64)
    return Texts(codes, vocabulary(listed), offsets(rows))


def integers(rows: Sequence[Sequence[int]]) -> Numbers:
    return Numbers(np.array([value for row in rows for value in row], np.int64), offsets(rows))


def floats(rows: Sequence[Sequence[float]]) -> Numbers:
    return Numbers(np.array([value for row in rows for value in row], np.float32), offsets(rows))


def offsets(rows: Sequence[Sequence[object]]) -> np.ndarray:
    return np.cumsum([0, *map(len, rows)])


def encode(columns: Columns) -> list[bytes]:
    return list(ExampleEncoder().encode(columns).to_pylist())


def parse(record: bytes) -> dict[str, tuple[str, list[Value]]]:
    """Feature key -> the name of its list, and the values."""
    found = {}
    for key, feature in tf.train.Example.FromString(record).features.feature.items():
        kind = feature.WhichOneof("kind")
        found[key] = (kind, list(getattr(feature, kind).value))
    return found


def values(column: Columns | Column, key: str = "k") -> list[list[Value]]:
    columns = {key: column} if isinstance(column, Numbers | Texts) else column
    return [parse(record)[key][1] for record in encode(columns)]


def test_one_integer_a_row() -> None:
    column = Numbers(np.array(INTEGERS, np.int64))
    assert values(column) == [[value] for value in INTEGERS]
    assert {parse(record)["k"][0] for record in encode({"k": column})} == {"int64_list"}


def test_one_float_a_row_keeps_every_bit() -> None:
    expected = np.array(FLOATS, np.float32)
    column = Numbers(expected)
    found = np.array(values(column), np.float32).reshape(-1)
    assert found.tobytes() == expected.tobytes()
    assert {parse(record)["k"][0] for record in encode({"k": column})} == {"float_list"}


def test_a_float_that_is_no_number() -> None:
    [[found]] = values(Numbers(np.array([np.nan], np.float32)))
    assert math.isnan(float(found))


def test_one_text_a_row() -> None:
    column = Texts(np.arange(len(TEXTS)), vocabulary(TEXTS))
    assert values(column) == [[text.encode()] for text in TEXTS]
    assert {parse(record)["k"][0] for record in encode({"k": column})} == {"bytes_list"}


@pytest.mark.parametrize("codes", [np.int32, np.int64])
def test_texts_come_from_the_vocabulary_as_often_as_they_are_named(codes: type) -> None:
    column = Texts(np.array([2, 0, 2, 2], codes), vocabulary(["a", "b", "c"]))
    assert values(column) == [[b"c"], [b"a"], [b"c"], [b"c"]]


def test_vectors_have_so_many_values_in_every_row() -> None:
    columns = {
        "f": Numbers(np.arange(6, dtype=np.float32), width=3),
        "i": Numbers(np.arange(4, dtype=np.int64) - 1, width=2),
        "t": Texts(np.array([0, 1, 1, 1]), vocabulary(["a", "bc"]), width=2),
    }
    assert [parse(record) for record in encode(columns)] == [
        {
            "f": ("float_list", [0.0, 1.0, 2.0]),
            "i": ("int64_list", [-1, 0]),
            "t": ("bytes_list", [b"a", b"bc"]),
        },
        {
            "f": ("float_list", [3.0, 4.0, 5.0]),
            "i": ("int64_list", [1, 2]),
            "t": ("bytes_list", [b"bc", b"bc"]),
        },
    ]


def test_lists_of_any_length_with_empty_ones_between_and_at_the_ends() -> None:
    numbers = [[], INTEGERS, [], [7], []]
    fractions = [[], FLOATS, [], [0.5], []]
    words = [[], TEXTS, [], ["z"], []]
    columns = {"f": floats(fractions), "i": integers(numbers), "t": texts(words)}
    for row, record in enumerate(encode(columns)):
        found = parse(record)
        expected = [float(value) for value in np.array(fractions[row], np.float32)]
        assert found["f"] == ("float_list", expected)
        assert found["i"] == ("int64_list", numbers[row])
        assert found["t"] == ("bytes_list", [text.encode() for text in words[row]])


def test_lists_that_are_all_empty() -> None:
    columns = {"f": floats([[], []]), "i": integers([[], []]), "t": texts([[], []])}
    expected = {"f": ("float_list", []), "i": ("int64_list", []), "t": ("bytes_list", [])}
    assert [parse(record) for record in encode(columns)] == [expected, expected]


# Past the headers made ahead (512), past those that are kept (16,384), and about there.
@pytest.mark.parametrize("length", [511, 512, 513, 16_383, 16_384, 16_385, 70_000])
def test_long_lists_beside_short_ones(length: int) -> None:
    whole = list(range(length))
    rows = [[1], whole, [], [5, 6]]
    columns = {
        "f": floats(rows),
        "i": integers([[value % 100 for value in row] for row in rows]),
        "t": texts([["ab"[value % 2] for value in row] for row in rows]),
    }
    for row, record in zip(rows, encode(columns), strict=True):
        found = parse(record)
        assert found["f"][1] == row
        assert found["i"][1] == [value % 100 for value in row]
        assert found["t"][1] == [b"ab"[value % 2 : value % 2 + 1] for value in row]


def test_a_long_list_leaves_the_headers_right_for_what_follows() -> None:
    encoder = ExampleEncoder()
    for length in (3, 600, 2, 40_000, 0, 599, 5_000):
        [record] = encoder.encode({"k": integers([[1] * length])}).to_pylist()
        assert parse(record)["k"][1] == [1] * length


def test_bytes_are_those_of_the_protobuf_library() -> None:
    # Its deterministic order of a map is that of the keys.
    columns: Columns = {
        "a": floats([[1.0, 2.0], []]),
        "b": integers([[-1], [3, 4, 5]]),
        "c": texts([[], ["one", "two"]]),
        "d" * 200: Numbers(np.array([9, 10], np.int64)),
        "é": Texts(np.array([1, 0]), vocabulary(["u", "v"])),
    }
    rows = [parse(record) for record in encode(columns)]
    for row, record in zip(rows, encode(columns), strict=True):
        example = tf.train.Example()
        for key, (kind, content) in row.items():
            getattr(example.features.feature[key], kind).value.extend(content)
            getattr(example.features.feature[key], kind).SetInParent()
        assert record == example.SerializeToString(deterministic=True)


def test_a_batch_without_rows() -> None:
    assert encode({"i": integers([]), "t": texts([]), "f": Numbers(np.zeros(0, np.float32))}) == []


def test_columns_must_be_of_one_length() -> None:
    columns = {"a": integers([[1], [2]]), "b": integers([[1]])}
    with pytest.raises(ValueError, match=r"one length. Received: \[1, 2\]"):
        encode(columns)
    with pytest.raises(ValueError, match=r"one length. Received: \[\]"):
        encode({})


def test_batches_of_one_encoder_do_not_mix_up_vocabularies() -> None:
    encoder = ExampleEncoder()
    shared = vocabulary(["for", "ever"])
    for batch in range(50):
        # Each is let go of at the next turn, so that its address may be used again.
        own = vocabulary([f"batch {batch}", "x" * batch])
        columns = {"own": Texts(np.array([0, 1]), own), "shared": Texts(np.array([1, 0]), shared)}
        found = [parse(record) for record in encoder.encode(columns).to_pylist()]
        assert [row["own"][1] for row in found] == [[f"batch {batch}".encode()], [b"x" * batch]]
        assert [row["shared"][1] for row in found] == [[b"ever"], [b"for"]]
        if batch % 7 == 6:
            encoder.forget_vocabularies()


def test_vocabularies_are_kept_until_they_are_to_be_forgotten() -> None:
    encoder = ExampleEncoder()
    texts_of_a_partition = vocabulary(["one", "two"])
    watched = weakref.ref(texts_of_a_partition)
    encoder.encode({"k": Texts(np.array([0]), texts_of_a_partition)})
    del texts_of_a_partition
    assert watched() is not None
    encoder.forget_vocabularies()
    assert watched() is None


def test_what_was_encoded_before_changes_no_byte() -> None:
    columns = {"f": floats([[1.0], [2.0, 3.0]]), "t": texts([["a"], ["b", "é"]])}
    used = ExampleEncoder()
    used.encode({"f": floats([[0.0] * 5_000]), "t": texts([["z"] * 9_000])})
    used.forget_vocabularies()
    assert used.encode(columns).to_pylist() == encode(columns)


def test_a_sliced_vocabulary() -> None:
    column = Texts(np.array([0, 1]), vocabulary(["left out", "b", "c"]).slice(1))
    assert values(column) == [[b"b"], [b"c"]]


def test_a_key_of_many_bytes() -> None:
    key = "k" * 300
    assert values({key: Numbers(np.array([1, 2], np.int64))}, key) == [[1], [2]]
