"""JSON, and what is said of text that is none. Messages and offsets are RapidJSON's."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serving.model_server.json_parse import MAX_DEPTH, parse_object, to_bytes
from serving.model_server.json_scan import first_error
from serving.wire.status import Code, StatusError


def refused(body: bytes) -> str:
    with pytest.raises(StatusError) as caught:
        parse_object(body)
    assert caught.value.code is Code.INVALID_ARGUMENT
    return caught.value.message


@pytest.mark.parametrize(
    ("body", "message", "offset"),
    [
        (b"   ", "The document is empty.", 3),
        (b"instances = [1, 2]", "Invalid value.", 0),
        (b'{"a": nul}', "Invalid value.", 9),
        (b'{"a": -}', "Invalid value.", 7),
        (b"{} {}", "The document root must not be followed by other values.", 3),
        (b"{1: 2}", "Missing a name for object member.", 1),
        (b'{"a": 1,}', "Missing a name for object member.", 8),
        (b'{"a" 1}', "Missing a colon after a name of object member.", 5),
        (b'{"a": 1 "b": 2}', "Missing a comma or } after an object member.", 8),
        (b'{"a": [1 2]}', "Missing a comma or ] after an array element.", 9),
        (b'{"a": [1', "Missing a comma or ] after an array element.", 8),
        (b'{"a": "\\u12G4"}', "Incorrect hex digit after \\u escape in string.", 7),
        (b'{"a": "\\udc00"}', "The surrogate pair in string is invalid.", 7),
        (b'{"a": "\\ud800x"}', "The surrogate pair in string is invalid.", 7),
        (b'{"a": "\\x"}', "Invalid escape character in string.", 7),
        (b'{"a": "b', "Missing a closing quotation mark in string.", 8),
        (b'{"a": "\n"}', "Invalid encoding in string.", 7),
        (b'{"a": 1e999}', "Number too big to be stored in double.", 6),
        (b'{"a": 1.}', "Miss fraction part in number.", 8),
        (b'{"a": 1e+}', "Miss exponent in number.", 9),
    ],
)
def test_errors_say_what_and_where(body: bytes, message: str, offset: int) -> None:
    assert refused(body) == f"JSON Parse error: {message} at offset: {offset}"


def test_an_empty_body() -> None:
    assert refused(b"") == "JSON Parse error: The document is empty"


def test_a_list_is_no_request() -> None:
    assert refused(b"[1, 2.5]") == "JSON Value: [\n    1,\n    2.5\n] Is not object"


def test_numbers_that_are_none() -> None:
    parsed = parse_object(b'{"a": [NaN, -NaN, Inf, Infinity, -Inf, -Infinity], "b": "Inf NaN"}')
    values = parsed["a"]
    assert isinstance(values, list)
    assert [math.isnan(value) for value in values[:2]] == [True, True]  # type: ignore[arg-type]
    assert values[2:] == [math.inf, math.inf, -math.inf, -math.inf]
    assert parsed["b"] == "Inf NaN"


def test_invalid_utf_8_is_kept() -> None:
    text = parse_object(b'{"a": "x\xff\xe4"}')["a"]
    assert isinstance(text, str)
    assert to_bytes(text) == b"x\xff\xe4"


def test_pairs_of_surrogates_are_one_character() -> None:
    assert parse_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 5_000, 200_000])
def test_depth_is_bounded(depth: int) -> None:
    body = b'{"a": ' + b"[" * depth + b"]" * depth + b"}"
    if depth > MAX_DEPTH + 1:
        assert "nested too deeply" in refused(body)
    assert first_error(body, MAX_DEPTH) is not None


def test_many_brackets_side_by_side_or_in_a_text_are_not_deep() -> None:
    rows = b"[1]," * (2 * MAX_DEPTH)
    text = b"[{" * MAX_DEPTH
    parsed = parse_object(b'{"a": [' + rows + b'"' + text + b'"]}')
    assert parsed["a"] == [*([[1]] * 2 * MAX_DEPTH), text.decode()]
    assert "nested too deeply" in refused(
        b'{"' + b"]" * MAX_DEPTH + b'": ' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}"
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=3))
def test_reads_what_python_writes(value: dict[str, object]) -> None:
    for ascii_only in (False, True):
        text = json.dumps(value, ensure_ascii=ascii_only)
        try:
            body = text.encode()
        except UnicodeEncodeError:  # a lone surrogate, which UTF-8 has not
            return
        assert first_error(body, MAX_DEPTH) is None
        assert parse_object(body) == value


@given(st.binary(max_size=40))
@example(b"\xef\xbb\xbf")
@example(b'{"a":1}\x00')
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    code = None
    try:
        parse_object(body)
    except StatusError as error:
        code = error.code
    assert code in (None, Code.INVALID_ARGUMENT)
    if code is None:
        assert first_error(body, MAX_DEPTH) is None


@given(st.text(alphabet='{}[]",:0123456789.eE+-truefalsn \\u', max_size=20))
def test_scanner_and_parser_agree(text: str) -> None:
    body = text.encode()
    try:
        json.loads(body)
        valid = True
    except ValueError:
        valid = False
    assert (first_error(body, MAX_DEPTH) is None) == valid
