"""Framed records, against TensorFlow's own writer and reader."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from components.event_example_gen import tf_records
from components.event_example_gen.columns import Numbers, Texts
from components.event_example_gen.encode import ExampleEncoder

DATA = [b"", b"a", b"123456789", bytes(range(256)), b"x" * 300_000, b"\x00" * 4]


def framed(data: Sequence[bytes]) -> bytes:
    lengths = np.array([len(one) for one in data], np.int64)
    heads, feet = tf_records.heads(lengths), tf_records.blank_feet(len(data))
    rows = zip(heads.to_pylist(), data, feet.to_pylist(), strict=True)
    records = [b"".join(parts) for parts in rows]
    # Of a bytearray, since it must be open to changes, as what Arrow's kernels give is.
    buffer = pa.py_buffer(bytearray(b"".join(records)))
    ends = pa.py_buffer(np.cumsum([0, *map(len, records)]))
    array = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(records), [None, ends, buffer])
    return bytes(tf_records.seal(array))


def test_a_record_by_hand() -> None:
    # 0xe3069283 is the check value of CRC-32C: that of these nine digits.
    plain = 0xE3069283
    masked = ((plain >> 15 | plain << 17) + 0xA282EAD8) % 2**32
    found = framed([b"123456789"])
    assert found[:8] == (9).to_bytes(8, "little")
    assert found[12:21] == b"123456789"
    assert found[21:] == masked.to_bytes(4, "little")


@pytest.mark.parametrize("data", [DATA, DATA[:1], DATA[::-1]], ids=len)
def test_bytes_are_those_of_tensorflow(data: list[bytes], tmp_path: Path) -> None:
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as writer:
        for one in data:
            writer.write(one)
    assert framed(data) == (tmp_path / "theirs").read_bytes()


def test_no_records_are_no_bytes() -> None:
    assert framed([]) == b""


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    whole = framed([b"some data"])
    for place in (3, 9, 15, len(whole) - 1):
        broken = bytearray(whole)
        broken[place] ^= 1
        path = tmp_path / f"{place}"
        path.write_bytes(broken)
        with pytest.raises(tf.errors.DataLossError):
            list(tf.data.TFRecordDataset([str(path)]).as_numpy_iterator())


def test_encoded_records_hold_the_encoded_examples(tmp_path: Path) -> None:
    encoder = ExampleEncoder()
    vocabulary = pa.array(["a", "bc", "é"], pa.large_string())
    columns = {
        "f": Numbers(np.arange(3, dtype=np.float32)),
        "l": Numbers(np.arange(5), np.array([0, 2, 2, 5])),
        "t": Texts(np.array([2, 0, 1]), vocabulary),
    }
    path = tmp_path / "records"
    path.write_bytes(encoder.encode_records(columns))
    found = list(tf.data.TFRecordDataset([str(path)]).as_numpy_iterator())
    assert found == encoder.encode(columns).to_pylist()
    assert len(found) == 3


def test_encoding_no_rows_gives_no_bytes() -> None:
    columns = {"n": Numbers(np.zeros(0, np.int64)), "f": Numbers(np.zeros(0, np.float32))}
    assert bytes(ExampleEncoder().encode_records(columns)) == b""
