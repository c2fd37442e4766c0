"""Tensors from parsed JSON: nested lists of numbers, strings, booleans or base64 objects.

Whole lists are checked and converted at once; only when something does not fit, the values
are walked one by one, in TF Serving's order (json_tensor.cc), to say what it is.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final, cast

import numpy as np

from serving.model_server.json_parse import to_bytes
from serving.model_server.json_text import lossy_error, type_error, value_text
from serving.wire.status import Code, StatusError, invalid_argument
from serving.wire.tensors import Array, TensorKind

B64: Final = "b64"
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_SPACE: Final = re.compile(r"\s+")
_INT_RANGES: Final[Mapping[str, range]] = {
    # The small ones are checked as int32, and wrap around.
    **dict.fromkeys(("int32", "int16", "int8", "uint8"), range(-(1 << 31), 1 << 31)),
    "int64": range(-(1 << 63), 1 << 63),
    "uint32": range(1 << 32),
    "uint64": range(1 << 64),
}
_ANY_INTEGER: Final = range(-(1 << 63), 1 << 64)  # beyond it RapidJSON has doubles
_MANTISSA: Final[Mapping[str, int]] = {"float": 24, "double": 53}


def to_tensor(value: object, kind: TensorKind) -> Array:
    """The tensor that a parsed value is.

    Args:
      value: a scalar, or a list of lists of equal lengths.
      kind: of the input.

    Raises:
      StatusError: lengths or levels differ, or a value is of another type.
    """
    flat, shape = _flattened(value)
    converted = None if flat is None else _converted(flat, kind)
    if converted is None:
        converted, shape = walk(value, kind)
    return converted.reshape(shape)


def walk(value: object, kind: TensorKind) -> tuple[Array, tuple[int, ...]]:
    """`to_tensor` value by value, with the first error in TF Serving's order.

    Returns:
      The flat values, and the shape.

    Raises:
      StatusError: lengths or levels differ, or a value is of another type.
    """
    shape = dense_shape(value)
    values = list(_leaves(value, 0, shape, kind))
    array = np.empty(len(values), kind.dtype)
    if kind.field == "int_val":
        array = np.array(values, np.int64).astype(kind.dtype)
    elif values:
        array[:] = values
    return array, shape


def dense_shape(value: object) -> tuple[int, ...]:
    """The shape by the first element of each level."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def is_base64(value: object) -> bool:
    """Whether it is `{"b64": "..."}`."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get(B64), str)


def decode_base64(value: object) -> bytes:
    """The bytes of `{"b64": "..."}`.

    Raises:
      StatusError: it is something else, or no base64.
    """
    if not (isinstance(value, dict) and is_base64(value)):
        raise invalid_argument(
            f"JSON Value: {value_text(value)} not formatted correctly for base64 data"
        )
    text = _SPACE.sub("", str(value[B64]))
    try:
        if not _BASE64.fullmatch(text):
            raise binascii.Error("characters")
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except binascii.Error as error:
        raise invalid_argument("Unable to base64 decode") from error


def fits_decimal(number: float, kind_name: str) -> bool:
    """Whether a number has a near enough equal: RapidJSON's lossless, TF Serving's way."""
    if isinstance(number, int) and number in _ANY_INTEGER:
        return abs(number) < 1 << _MANTISSA[kind_name]
    limit = np.finfo(np.float32 if kind_name == "float" else np.float64).max
    return not math.isfinite(number) or abs(number) <= float(limit)


def is_integer(value: object) -> bool:
    """Whether RapidJSON holds it as an integer."""
    return type(value) is int and value in _ANY_INTEGER


def _flattened(value: object) -> tuple[list[object] | None, tuple[int, ...]]:
    """All leaves and the shape; None where the lists are of different lengths."""
    shape: list[int] = []
    level: list[object] = [value]
    while level and isinstance(level[0], list):
        size = len(level[0])
        if any(type(item) is not list or len(item) != size for item in level):
            return None, ()
        shape.append(size)
        level = list(chain.from_iterable(cast(list[list[object]], level)))
    return level, tuple(shape)


def _converted(flat: list[object], kind: TensorKind) -> Array | None:
    """None where some value is of another type."""
    types = set(map(type, flat))
    if kind.name in _MANTISSA:
        return _decimals(flat, kind) if types <= {int, float} else None
    if kind.name in _INT_RANGES:
        return _integers(flat, kind) if types <= {int} else None
    if kind.name == "bool":
        return np.array(flat, np.bool_) if types <= {bool} else None
    if kind.name == "string" and types <= {str, dict}:
        return _strings(flat)
    return None


def _strings(flat: list[object]) -> Array | None:
    strings = np.empty(len(flat), np.object_)
    try:
        strings[:] = [
            to_bytes(item) if isinstance(item, str) else decode_base64(item) for item in flat
        ]
    except StatusError:
        return None
    return strings


def _decimals(flat: list[object], kind: TensorKind) -> Array | None:
    try:
        numbers = np.array(flat, np.float64)
    except OverflowError:  # an integer beyond every double
        return None
    suspects = np.flatnonzero(~(np.abs(numbers) < 1 << _MANTISSA[kind.name]))
    for at in suspects.tolist():
        if not fits_decimal(cast(float, flat[at]), kind.name):
            return None
    return numbers.astype(kind.dtype)


def _integers(flat: list[object], kind: TensorKind) -> Array | None:
    within = _INT_RANGES[kind.name]
    integers = cast(list[int], flat)
    if integers and not (min(integers) in within and max(integers) in within):
        return None
    if kind.field == "int_val":
        return np.array(flat, np.int64).astype(kind.dtype)
    return np.array(flat, kind.dtype)


def _leaves(
    value: object, level: int, shape: tuple[int, ...], kind: TensorKind
) -> Iterator[object]:
    rank = len(shape)
    if not isinstance(value, list):
        if level != rank:
            raise invalid_argument(
                f"JSON Value: {value_text(value)} found at incorrect level: {level + 1} in the "
                f"JSON DOM. Expected at level: {rank}"
            )
        yield _leaf(value, kind)
        return
    if level >= rank:
        raise invalid_argument(f"Encountered list at unexpected level: {level} expected < {rank}")
    if len(value) != shape[level]:
        raise invalid_argument(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected "
            f"size: {shape[level]}"
        )
    for item in value:
        yield from _leaves(item, level + 1, shape, kind)


def _leaf(value: object, kind: TensorKind) -> object:
    if isinstance(value, dict):
        if kind.name != "string":
            raise type_error(value, kind.name)
        return decode_base64(value)
    if kind.name == "string":
        if not isinstance(value, str):
            raise type_error(value, kind.name)
        return to_bytes(value)
    if kind.name == "bool":
        if not isinstance(value, bool):
            raise type_error(value, kind.name)
        return value
    return _number(value, kind)


def _number(value: object, kind: TensorKind) -> float:
    if kind.name in _MANTISSA:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise type_error(value, kind.name)
        if not fits_decimal(value, kind.name):
            raise lossy_error(value, kind.name)
        return float(value)
    if kind.name in _INT_RANGES:
        if type(value) is not int or value not in _INT_RANGES[kind.name]:
            raise type_error(value, kind.name)
        return value
    raise StatusError(
        Code.UNIMPLEMENTED,
        f"Conversion of JSON Value: {value_text(value)} to type: {kind.name}",
    )
