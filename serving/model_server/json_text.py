"""Parts of a request as text, for the messages of errors."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import numpy as np

from serving.model_server.json_numbers import decimal
from serving.wire.status import StatusError, invalid_argument

_INDENT = "    "
_FLOAT_MAX = float(np.finfo(np.float32).max)
_ESCAPES = {code: f"\\u{code:04X}" for code in range(32)} | {
    ord(char): "\\" + escape for char, escape in zip('"\\\b\f\n\r\t', '"\\bfnrt', strict=True)
}


def type_name(value: object) -> str:
    """The JSON type of a parsed value, as TF Serving calls it."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    kinds: dict[type, str] = {dict: "Object", list: "Array", str: "String"}
    return kinds.get(type(value), "Number")


def value_text(value: object) -> str:
    """A parsed value as RapidJSON's PrettyWriter writes it.

    A number alone is written as results are (`json_numbers`), one inside of a list by its
    shortest digits.
    """
    if isinstance(value, float):
        return decimal(value, np.float32 if abs(value) <= _FLOAT_MAX else np.float64)
    return "".join(_pretty(value, ""))


def quoted(text: str) -> str:
    """A JSON string with RapidJSON's escapes: control characters, quote and backslash."""
    return f'"{text.translate(_ESCAPES)}"'


def type_error(value: object, kind: str) -> StatusError:
    """A value is of another type than the input."""
    return invalid_argument(
        f"JSON Value: {value_text(value)} Type: {type_name(value)} is not of expected type: {kind}"
    )


def format_error(value: object, *parts: object) -> StatusError:
    """A value has another form than is expected."""
    return invalid_argument(f"JSON Value: {value_text(value)} ", *parts)


def lossy_error(value: object, target: str) -> StatusError:
    """A number has no equal in the type of the input."""
    return invalid_argument(
        f"Cannot convert JSON value: {value_text(value)} to {target} without loss of precision."
    )


def _pretty(value: object, indent: str) -> Iterator[str]:
    inner = indent + _INDENT
    if isinstance(value, dict) and value:
        for at, (name, item) in enumerate(value.items()):
            yield f"{',' if at else '{'}\n{inner}{quoted(name)}: "
            yield from _pretty(item, inner)
        yield f"\n{indent}}}"
    elif isinstance(value, list) and value:
        for at, item in enumerate(value):
            yield f"{',' if at else '['}\n{inner}"
            yield from _pretty(item, inner)
        yield f"\n{indent}]"
    else:
        yield _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float):
        return _shortest(value)
    return json.dumps(value)


def _shortest(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    mantissa, mark, exponent = repr(value).partition("e")
    return f"{mantissa}e{int(exponent)}" if mark else mantissa
