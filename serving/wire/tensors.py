"""Tensors between NumPy and `tensorflow.TensorProto`, as TensorFlow's own code does it.

Works on any message class with the fields of `tensorflow.TensorProto`, so that a client
needs no TensorFlow. Strings are arrays of dtype object that hold bytes.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Final

import ml_dtypes
import numpy as np
import numpy.typing as npt
from google.protobuf.message import Message

Array = npt.NDArray[np.generic]

MAX_TENSOR_BYTES: Final = 1 << 31
"""Beyond it a tensor is refused: a few bytes of a request may declare any shape."""

_VARINT_BITS: Final = 7
_VARINT32_BYTES: Final = 5
_LENGTH_DELIMITED: Final = 2


class TensorFormatError(ValueError):
    """A TensorProto that is no tensor, or an array that no TensorProto can hold."""


@dataclasses.dataclass(frozen=True)
class TensorKind:
    """A data type of TensorFlow.

    Attributes:
      number: in `tensorflow.DataType`.
      name: as TensorFlow's messages print it, such as `float`.
      dtype: of NumPy; object for strings.
      field: of TensorProto, where values are written one by one.
    """

    number: int
    name: str
    dtype: np.dtype[np.generic]
    field: str


def _kinds(*rows: tuple[int, str, npt.DTypeLike, str]) -> tuple[TensorKind, ...]:
    return tuple(TensorKind(number, name, np.dtype(of), field) for number, name, of, field in rows)


KINDS: Final = _kinds(
    (1, "float", np.float32, "float_val"),
    (2, "double", np.float64, "double_val"),
    (3, "int32", np.int32, "int_val"),
    (4, "uint8", np.uint8, "int_val"),
    (5, "int16", np.int16, "int_val"),
    (6, "int8", np.int8, "int_val"),
    (7, "string", np.object_, "string_val"),
    (8, "complex64", np.complex64, "scomplex_val"),
    (9, "int64", np.int64, "int64_val"),
    (10, "bool", np.bool_, "bool_val"),
    (14, "bfloat16", ml_dtypes.bfloat16, "half_val"),
    (17, "uint16", np.uint16, "int_val"),
    (18, "complex128", np.complex128, "dcomplex_val"),
    (19, "half", np.float16, "half_val"),
    (22, "uint32", np.uint32, "uint32_val"),
    (23, "uint64", np.uint64, "uint64_val"),
)
BY_NUMBER: Final[Mapping[int, TensorKind]] = {kind.number: kind for kind in KINDS}
_BY_DTYPE: Final[Mapping[np.dtype[np.generic], TensorKind]] = {kind.dtype: kind for kind in KINDS}
_PACKED_AS_IS: Final[Mapping[str, int]] = {"float_val": 5, "double_val": 6}
"""Fields whose packed wire format is the array's own bytes -> number of the field."""


def to_array(proto: Message) -> Array:
    """The tensor of a TensorProto, as `tensorflow::Tensor::FromProto` reads it.

    Too few values repeat the last one, no value at all means zeros, and too many are cut.

    Raises:
      TensorFormatError: the type is unknown or none, a dimension is negative or unknown,
        content and shape disagree, or the tensor would be larger than `MAX_TENSOR_BYTES`.
    """
    kind = BY_NUMBER.get(proto.dtype)
    if kind is None:
        raise TensorFormatError(f"no tensor has the data type {proto.dtype}.")
    shape = _shape(proto.tensor_shape)
    count = math.prod(shape)
    if count * kind.dtype.itemsize > MAX_TENSOR_BYTES:
        raise TensorFormatError(f"a tensor has at most {MAX_TENSOR_BYTES} bytes: {shape}.")
    if count == 0:
        return np.empty(shape, kind.dtype)
    if proto.tensor_content:
        return _from_content(proto.tensor_content, kind, count).reshape(shape)
    return _from_field(getattr(proto, kind.field), kind, count).reshape(shape)


def fill_proto(proto: Message, values: npt.ArrayLike, *, content: bool = False) -> None:
    """Writes a tensor into an empty TensorProto.

    Args:
      proto: to be filled.
      values: what NumPy can read; texts are written as UTF-8.
      content: as one block of bytes, which is smaller and quicker, and not value by
        value, as TF Serving answers. Strings are always value by value.

    Raises:
      TensorFormatError: no data type of TensorFlow fits.
    """
    array = as_tensor(values)
    kind = kind_of(array)
    proto.dtype = kind.number
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    if not array.ndim:
        proto.tensor_shape.SetInParent()
    if kind.name == "string":
        proto.string_val.extend(array.ravel().tolist())
    elif content:
        proto.tensor_content = array.tobytes()
    elif array.size:
        _fill_field(proto, array, kind)


def as_tensor(values: npt.ArrayLike) -> Array:
    """Values as an array of one of the dtypes of `KINDS`; texts become bytes."""
    # NumPy's own strings lose zeros at their end, and do not mix bytes with text.
    array = np.asarray(values, np.object_ if _is_text(values) else None)
    if array.dtype.kind in "US" or array.dtype == np.object_:
        flat = [_as_bytes(value) for value in array.ravel().tolist()]
        strings = np.empty(len(flat), np.object_)
        strings[:] = flat
        return strings.reshape(array.shape)
    return array


def kind_of(array: Array) -> TensorKind:
    """The data type of an array.

    Raises:
      TensorFormatError: TensorFlow has no such type.
    """
    kind = _BY_DTYPE.get(array.dtype)
    if kind is None:
        raise TensorFormatError(f"no tensor has the dtype {array.dtype}.")
    return kind


def shape_text(shape: tuple[int, ...]) -> str:
    """As TensorFlow prints a shape: `[2,3]`."""
    return "[" + ",".join(map(str, shape)) + "]"


def _is_text(values: object) -> bool:
    while isinstance(values, list | tuple) and values:
        values = values[0]
    return isinstance(values, str | bytes)


def _as_bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TensorFormatError(f"a string tensor holds bytes or text, not {type(value).__name__}.")


def _shape(proto: Message) -> tuple[int, ...]:
    shape = tuple(int(dim.size) for dim in proto.dim)
    if proto.unknown_rank or min(shape, default=0) < 0:
        raise TensorFormatError(f"a tensor has a known shape: {shape}.")
    return shape


def _from_content(content: bytes, kind: TensorKind, count: int) -> Array:
    if kind.name == "string":
        return _object_array(_string_list(content, count))
    if len(content) != count * kind.dtype.itemsize:
        raise TensorFormatError(f"{count} values of {kind.name} are not {len(content)} bytes.")
    if kind.name == "bool" and max(content) > 1:
        raise TensorFormatError(f"a value of bool is a byte of 0 or 1, not {max(content)}.")
    return np.frombuffer(content, kind.dtype)


def _string_list(content: bytes, count: int) -> list[bytes]:
    """`port::DecodeStringList`: the lengths as varints, then the bytes of all."""
    lengths, at = [], 0
    for _ in range(count):
        length, at = _read_varint(content, at)
        lengths.append(length)
    if at + sum(lengths) != len(content):
        raise TensorFormatError("the lengths of a list of strings are not those of its bytes.")
    ends = [at := at + length for length in lengths]
    return [content[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    """`core::GetVarint32Ptr`: five bytes at most, and bits beyond the 32nd are dropped."""
    value = 0
    for shift, byte in enumerate(content[at : at + _VARINT32_BYTES]):
        value |= (byte & 0x7F) << shift * _VARINT_BITS
        if byte < 0x80:
            return value & 0xFFFFFFFF, at + shift + 1
    raise TensorFormatError("a length in a list of strings has no end.")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= _VARINT_BITS
    out.append(value)
    return bytes(out)


def _object_array(values: list[bytes]) -> Array:
    array = np.empty(len(values), np.object_)
    array[:] = values
    return array


def _from_field(field: object, kind: TensorKind, count: int) -> Array:
    values = list(field)  # type: ignore[call-overload]
    if kind.name == "string":
        given = _object_array(values)
    elif kind.field == "half_val":
        given = np.array(values, np.int64).astype(np.uint16).view(kind.dtype)
    elif kind.dtype.kind == "c":
        part = np.float32 if kind.name == "complex64" else np.float64
        given = np.array(values[: len(values) // 2 * 2], part).view(kind.dtype)
    elif kind.field == "int_val":
        given = np.array(values, np.int64).astype(kind.dtype)
    else:
        given = np.array(values, kind.dtype)
    if not len(given):
        return np.full(count, b"" if kind.name == "string" else 0, kind.dtype)
    if len(given) >= count:
        return given[:count]
    filled = np.empty(count, kind.dtype)
    filled[: len(given)] = given
    filled[len(given) :] = given[-1]
    return filled


def _fill_field(proto: Message, array: Array, kind: TensorKind) -> None:
    number = _PACKED_AS_IS.get(kind.field)
    if number is not None:
        raw = np.ascontiguousarray(array).tobytes()
        tag = _varint(number << 3 | _LENGTH_DELIMITED)
        proto.MergeFromString(tag + _varint(len(raw)) + raw)
        return
    flat = np.ascontiguousarray(array).ravel()
    if kind.field == "half_val":
        flat = flat.view(np.uint16)
    elif kind.dtype.kind == "c":
        flat = flat.view(np.float32 if kind.name == "complex64" else np.float64)
    getattr(proto, kind.field).extend(flat.tolist())
