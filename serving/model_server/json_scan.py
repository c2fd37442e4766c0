r"""Where RapidJSON stops in a text that is no JSON, and what it says.

A scanner over bytes that follows the grammar in RapidJSON's order of looking, with a stack
of its own in place of recursion. The messages are those of rapidjson/error/en.h.
"""

from __future__ import annotations

import re
from typing import Final

EMPTY: Final = "The document is empty."
NOT_SINGULAR: Final = "The document root must not be followed by other values."
INVALID_VALUE: Final = "Invalid value."
MISS_NAME: Final = "Missing a name for object member."
MISS_COLON: Final = "Missing a colon after a name of object member."
MISS_COMMA_OBJECT: Final = "Missing a comma or } after an object member."
MISS_COMMA_ARRAY: Final = "Missing a comma or ] after an array element."
BAD_HEX: Final = "Incorrect hex digit after \\u escape in string."
BAD_SURROGATE: Final = "The surrogate pair in string is invalid."
BAD_ESCAPE: Final = "Invalid escape character in string."
MISS_QUOTE: Final = "Missing a closing quotation mark in string."
BAD_ENCODING: Final = "Invalid encoding in string."
TOO_BIG: Final = "Number too big to be stored in double."
MISS_FRACTION: Final = "Miss fraction part in number."
MISS_EXPONENT: Final = "Miss exponent in number."
TOO_DEEP: Final = "Lists and objects are nested too deeply."

_SPACE: Final = re.compile(rb"[ \n\r\t]*")
_PLAIN: Final = re.compile(rb'[^"\\\x00-\x1f]*')
_HEX: Final = re.compile(rb"[0-9a-fA-F]{0,4}")
_NUMBER: Final = re.compile(rb"-?(?:0|[1-9][0-9]*)")
_DIGITS: Final = re.compile(rb"[0-9]+")
_WORDS: Final = (b"null", b"true", b"false", b"Infinity", b"Inf", b"NaN")
_HIGH: Final = range(0xD800, 0xDC00)
_LOW: Final = range(0xDC00, 0xE000)


class _Stop(Exception):  # noqa: N818  not an error of this program
    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.found = (message, offset)


def first_error(text: bytes, max_depth: int) -> tuple[str, int] | None:
    """Message and offset of the first error; None where there is none.

    Args:
      text: UTF-8, valid or not.
      max_depth: of lists and objects in one another.
    """
    scanner = _Scanner(text[3:] if text.startswith(b"\xef\xbb\xbf") else text, max_depth)
    try:
        scanner.scan()
    except _Stop as stop:
        return stop.found
    return None


class _Scanner:
    def __init__(self, text: bytes, max_depth: int) -> None:
        self._text = text
        self._max_depth = max_depth
        self._at = 0
        self._open: list[bytes] = []  # the brackets that would close what is open

    def scan(self) -> None:
        self._skip_space()
        if self._at >= len(self._text):
            raise _Stop(EMPTY, self._at)
        self._value()
        while self._open:
            self._after_value()
        self._skip_space()
        if self._at < len(self._text):
            raise _Stop(NOT_SINGULAR, self._at)

    def _peek(self) -> bytes:
        return self._text[self._at : self._at + 1]

    def _skip_space(self) -> None:
        match = _SPACE.match(self._text, self._at)
        assert match is not None
        self._at = match.end()

    def _value(self) -> None:
        """One value, or the begin of a list or an object that has something in it."""
        while True:
            first = self._peek()
            if first == b"[":
                if not self._enter(b"]"):
                    return
            elif first == b"{":
                if not self._enter(b"}"):
                    return
                self._name()
            else:
                self._scalar(first)
                return

    def _enter(self, closing: bytes) -> bool:
        self._at += 1
        self._skip_space()
        if self._peek() == closing:
            self._at += 1
            return False
        self._open.append(closing)
        if len(self._open) > self._max_depth:
            raise _Stop(TOO_DEEP, self._at)
        return True

    def _after_value(self) -> None:
        self._skip_space()
        closing = self._open[-1]
        found = self._peek()
        if found == closing:
            self._at += 1
            self._open.pop()
        elif found == b",":
            self._at += 1
            self._skip_space()
            if closing == b"}":
                self._name()
            self._value()
        else:
            message = MISS_COMMA_OBJECT if closing == b"}" else MISS_COMMA_ARRAY
            raise _Stop(message, self._at)

    def _name(self) -> None:
        if self._peek() != b'"':
            raise _Stop(MISS_NAME, self._at)
        self._string()
        self._skip_space()
        if self._peek() != b":":
            raise _Stop(MISS_COLON, self._at)
        self._at += 1
        self._skip_space()

    def _scalar(self, first: bytes) -> None:
        if first == b'"':
            self._string()
        elif first in (b"n", b"t", b"f"):
            self._word(next(word for word in _WORDS if word.startswith(first)))
        else:
            self._number()

    def _word(self, word: bytes) -> None:
        for expected in word:
            if self._peek() != bytes([expected]):
                raise _Stop(INVALID_VALUE, self._at)
            self._at += 1

    def _number(self) -> None:
        start = self._at
        if self._special_number():
            return
        match = _NUMBER.match(self._text, self._at)
        if match is None:
            # A minus sign is taken before the digit after it is missed.
            raise _Stop(INVALID_VALUE, start + (self._peek() == b"-"))
        self._at = match.end()
        if self._peek() == b".":
            self._at += 1
            self._digits(MISS_FRACTION)
        if self._peek() in (b"e", b"E"):
            self._at += 1
            if self._peek() in (b"+", b"-"):
                self._at += 1
            self._digits(MISS_EXPONENT)
        if abs(float(self._text[start : self._at])) == float("inf"):
            raise _Stop(TOO_BIG, start)

    def _special_number(self) -> bool:
        at = self._at + (self._peek() == b"-")
        for word in (b"Infinity", b"Inf", b"NaN"):
            if self._text.startswith(word, at):
                self._at = at + len(word)
                return True
        return False

    def _digits(self, message: str) -> None:
        match = _DIGITS.match(self._text, self._at)
        if match is None:
            raise _Stop(message, self._at)
        self._at = match.end()

    def _string(self) -> None:
        self._at += 1
        while True:
            match = _PLAIN.match(self._text, self._at)
            assert match is not None
            self._at = match.end()
            found = self._peek()
            if found == b'"':
                self._at += 1
                return
            if found == b"\\":
                self._escape()
            elif found in (b"", b"\x00"):
                raise _Stop(MISS_QUOTE, self._at)
            else:
                raise _Stop(BAD_ENCODING, self._at)

    def _escape(self) -> None:
        start = self._at
        kind = self._text[start + 1 : start + 2]
        if kind != b"u":
            if kind == b"" or kind not in b'"\\/bfnrt':
                raise _Stop(BAD_ESCAPE, start)
            self._at += 2
            return
        first = self._hex(start)
        if first in _LOW:
            raise _Stop(BAD_SURROGATE, start)
        if first in _HIGH and not self._second_half(start):
            raise _Stop(BAD_SURROGATE, start)

    def _second_half(self, start: int) -> bool:
        return self._text[self._at : self._at + 2] == b"\\u" and self._hex(start) in _LOW

    def _hex(self, start: int) -> int:
        match = _HEX.match(self._text, self._at + 2)
        assert match is not None
        if match.end() - match.start() != 4:
            raise _Stop(BAD_HEX, start)
        self._at = match.end()
        return int(match.group(), 16)
