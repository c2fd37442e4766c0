"""Tensors on the wire, worked out by hand and against TensorFlow's own C++."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.wire.messages import TensorProto
from serving.wire.tensors import (
    KINDS,
    MAX_TENSOR_BYTES,
    TensorFormatError,
    fill_proto,
    to_array,
)

FLOAT, INT32, STRING, INT8, HALF, BOOL = 1, 3, 7, 6, 19, 10


def proto(dtype: int, shape: list[int], **fields: object) -> TensorProto:
    made = TensorProto(dtype=dtype, **fields)
    made.tensor_shape.SetInParent()
    for size in shape:
        made.tensor_shape.dim.add(size=size)
    return made


def test_too_few_values_repeat_the_last() -> None:
    assert to_array(proto(FLOAT, [2, 2], float_val=[1, 2])).tolist() == [[1, 2], [2, 2]]


def test_no_values_are_zeros_and_too_many_are_cut() -> None:
    assert to_array(proto(INT32, [3])).tolist() == [0, 0, 0]
    assert to_array(proto(STRING, [2])).tolist() == [b"", b""]
    assert to_array(proto(INT32, [1], int_val=[5, 6])).tolist() == [5]


def test_small_integers_wrap_around() -> None:
    assert to_array(proto(INT8, [2], int_val=[200, -1])).tolist() == [200 - 256, -1]


def test_a_scalar_has_no_dimension() -> None:
    array = to_array(proto(FLOAT, [], float_val=[2.5]))
    assert (array.shape, array.item()) == ((), 2.5)


def test_half_is_bits_in_an_integer() -> None:
    # 0x3C00 is 1.0 and 0xC000 is -2.0 in IEEE 754 binary16.
    assert to_array(proto(HALF, [2], half_val=[0x3C00, 0xC000])).tolist() == [1.0, -2.0]


def test_strings_as_content_are_lengths_then_bytes() -> None:
    content = bytes([2, 0, 3]) + b"ab" + b"xyz"
    assert to_array(proto(STRING, [3], tensor_content=content)).tolist() == [b"ab", b"", b"xyz"]


@pytest.mark.parametrize(
    "broken",
    [
        proto(0, [1]),
        proto(99, [1]),
        proto(FLOAT, [-1]),
        proto(FLOAT, [2], tensor_content=b"1234567"),
        proto(STRING, [2], tensor_content=b"\x05\x01ab"),
        proto(STRING, [1], tensor_content=b"\xff"),
        proto(STRING, [1], tensor_content=b"\x80\x80\x80\x80\x80\x00"),
        proto(BOOL, [3], tensor_content=b"\x00\x01\x02"),
        proto(FLOAT, [1 << 40]),
        proto(FLOAT, [1 << 33, 1 << 33, 1 << 33]),
    ],
)
def test_what_is_no_tensor(broken: TensorProto) -> None:
    with pytest.raises(TensorFormatError):
        to_array(broken)


def test_a_length_of_a_string_has_32_bits() -> None:
    cut = proto(STRING, [1], tensor_content=b"\x81\x80\x80\x80\x10a")
    assert to_array(cut).tolist() == [b"a"]


def test_the_largest_tensor_is_bounded() -> None:
    fits = MAX_TENSOR_BYTES // 4
    with pytest.raises(TensorFormatError, match="at most"):
        to_array(proto(FLOAT, [fits + 1]))


def test_unknown_rank_is_no_tensor() -> None:
    broken = proto(FLOAT, [])
    broken.tensor_shape.unknown_rank = True
    with pytest.raises(TensorFormatError):
        to_array(broken)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("content", [False, True])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0), (2, 3)])
def test_every_kind_comes_back(kind: object, content: bool, shape: tuple[int, ...]) -> None:
    dtype = kind.dtype  # type: ignore[attr-defined]
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    array = values.astype(dtype)
    if kind.name == "string":  # type: ignore[attr-defined]
        array = np.array([b"%d\x00" % n for n in values.ravel()] or 0, object)
        array = array.reshape(shape) if values.size else values.astype(object)
    made = TensorProto()
    fill_proto(made, array, content=content)
    back = to_array(TensorProto.FromString(made.SerializeToString()))
    assert back.dtype == dtype
    assert back.shape == shape
    assert back.tolist() == array.tolist()


def test_nan_and_infinity_keep_their_bits() -> None:
    array = np.array([np.nan, np.inf, -np.inf, -0.0], np.float32)
    made = TensorProto()
    fill_proto(made, array)
    assert list(made.float_val[1:3]) == [np.inf, -np.inf]
    assert to_array(made).tobytes() == array.tobytes()


def test_no_tensor_holds_objects() -> None:
    with pytest.raises(TensorFormatError, match="bytes or text, not dict"):
        fill_proto(TensorProto(), np.array([{}], object))
    with pytest.raises(TensorFormatError, match="datetime64"):
        fill_proto(TensorProto(), np.array(["2024-01-01"], "datetime64[D]"))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from([kind for kind in KINDS if not kind.name.startswith("complex")]),
    shape=st.lists(st.integers(-1, 3), max_size=3),
    numbers=st.lists(st.integers(0, 127), max_size=5),
    content=st.binary(max_size=24),
)
def test_agrees_with_tensorflow(
    kind: object, shape: list[int], numbers: list[int], content: bytes
) -> None:
    import tensorflow as tf

    values = [b"%d" % n for n in numbers] if kind.name == "string" else numbers  # type: ignore[attr-defined]
    made = proto(kind.number, shape, tensor_content=content)  # type: ignore[attr-defined]
    getattr(made, kind.field).extend(values)  # type: ignore[attr-defined]
    try:
        dtype = tf.dtypes.as_dtype(kind.number)  # type: ignore[attr-defined]
        expected = tf.io.parse_tensor(made.SerializeToString(), dtype).numpy()
    except tf.errors.InvalidArgumentError:
        with pytest.raises(TensorFormatError):
            to_array(made)
        return
    actual = to_array(made)
    assert actual.shape == np.shape(expected)
    if kind.name == "string":  # type: ignore[attr-defined]
        assert actual.ravel().tolist() == np.ravel(expected).tolist()
    else:
        assert actual.tobytes() == expected.tobytes()
