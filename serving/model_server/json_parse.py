"""Reads JSON as RapidJSON does with the settings of TF Serving.

That is more than JSON (NaN and infinities are numbers) and less (a text must be an object
here, lone surrogates are no characters), and invalid UTF-8 in a string is kept byte for
byte. Python's parser, written in C, reads the text; only where it stumbles, or could be
more lenient, `json_scan` looks for the place and the words of RapidJSON's error.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from typing import Final

from serving.model_server.json_scan import first_error
from serving.model_server.json_text import format_error
from serving.wire.status import StatusError, invalid_argument

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
JsonObject = dict[str, JsonValue]

MAX_DEPTH: Final = 500
"""Of lists and objects; beyond it, TF Serving's own parser may run out of its stack."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_TOO_DEEP: Final = "JSON Parse error: Lists and objects are nested too deeply"
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_OPENING: Final = b"[{"
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STRING_OR_SPECIAL: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|-?Inf(?:inity)?|-?NaN', re.DOTALL)


def parse_object(body: bytes) -> JsonObject:
    """The object that the text is; strings hold invalid bytes as surrogate escapes.

    Raises:
      StatusError: INVALID_ARGUMENT with RapidJSON's message and offset.
    """
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    parsed = _parse(body)
    if not isinstance(parsed, dict):
        raise format_error(parsed, "Is not object")
    return parsed


def too_deep() -> StatusError:
    """The answer to lists in lists in lists."""
    return invalid_argument(_TOO_DEEP)


def to_bytes(text: str) -> bytes:
    """The bytes of a parsed string."""
    return text.encode("utf-8", "surrogateescape")


def _parse(body: bytes) -> JsonValue:
    # An escape of a surrogate may be half of a pair, which Python lets pass.
    if b"\\u" in body or body.startswith(_BYTE_ORDER_MARK):
        _raise_first_error(body)
    # How deep Python's own parser goes depends on its version and on the call stack.
    if _depth(body) > MAX_DEPTH:
        raise too_deep()
    try:
        return _loads(body)
    except RecursionError as error:
        raise too_deep() from error
    except ValueError:
        _raise_first_error(body)
    # Python does not know all the spellings of numbers that are none.
    return _loads(_STRING_OR_SPECIAL.sub(_python_spelling, body))


def _depth(body: bytes) -> int:
    """How many lists and objects are open at once, at most."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return 0
    brackets = _STRING.sub(b"", body).translate(None, _NO_BRACKETS)
    steps = (1 if bracket in _OPENING else -1 for bracket in brackets)
    return max(itertools.accumulate(steps), default=0)


def _loads(body: bytes) -> JsonValue:
    text = body.removeprefix(_BYTE_ORDER_MARK).decode("utf-8", "surrogateescape")
    parsed: JsonValue = json.loads(text, parse_float=_float)
    return parsed


def _python_spelling(match: re.Match[bytes]) -> bytes:
    found = match.group()
    if found.startswith(b'"'):
        return found
    if found.endswith(b"NaN"):
        return b"NaN"
    return b"-Infinity" if found.startswith(b"-") else b"Infinity"


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(text)
    return value


def _raise_first_error(body: bytes) -> None:
    found = first_error(body, MAX_DEPTH)
    if found is not None:
        raise _parse_error(*found)


def _parse_error(message: str, offset: int) -> StatusError:
    return invalid_argument(f"JSON Parse error: {message} at offset: {offset}")
