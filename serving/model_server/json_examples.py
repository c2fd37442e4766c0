"""The body of a classify or regress request: Examples as JSON objects."""

from __future__ import annotations

from typing import Final

from google.protobuf.message import Message

from serving.model_server.json_parse import JsonObject, JsonValue, to_bytes
from serving.model_server.json_tensors import (
    decode_base64,
    fits_decimal,
    is_base64,
    is_integer,
)
from serving.model_server.json_text import format_error, lossy_error, type_name
from serving.wire.status import StatusError, invalid_argument

CONTEXT: Final = "context"
EXAMPLES: Final = "examples"
_INT64_MAX: Final = (1 << 63) - 1
_BYTES: Final = "bytes_list"
_FLOATS: Final = "float_list"
_INTEGERS: Final = "int64_list"
_KIND_NAMES: Final = {_BYTES: "bytes", _FLOATS: "float", _INTEGERS: "int64"}


def fill_input(request_input: Message, body: JsonObject) -> None:
    """Writes the Examples of a body into an `Input`.

    Args:
      request_input: of the request, empty.
      body: with `examples`, and perhaps a `context` that holds for all of them.

    Raises:
      StatusError: as TF Serving's json_tensor.cc has them.
    """
    listed = request_input.example_list
    if CONTEXT in body:
        listed = request_input.example_list_with_context
        _fill_example(listed.context, body[CONTEXT])
    if EXAMPLES not in body:
        raise format_error(
            body, f"When method is classify, key '{EXAMPLES}' is expected and was not found"
        )
    examples = body[EXAMPLES]
    if not isinstance(examples, list):
        raise format_error(body, f"Expecting '{EXAMPLES}' value to be an list/array")
    if not examples:
        raise format_error(body, f"'{EXAMPLES}' value is an empty array")
    for example in examples:
        _fill_example(listed.examples.add(), example)


def _fill_example(example: Message, value: JsonValue) -> None:
    if not isinstance(value, dict):
        raise invalid_argument("Example must be JSON object but got JSON ", type_name(value))
    example.features.SetInParent()
    for name, content in value.items():
        feature = example.features.feature[name]
        for item in content if isinstance(content, list) else [content]:
            _add_value(feature, name, item)


def _add_value(feature: Message, name: str, item: JsonValue) -> None:
    if item is None or isinstance(item, list) or (isinstance(item, dict) and not is_base64(item)):
        raise invalid_argument(
            f"Feature: {name} has element with unexpected JSON type: {type_name(item)}"
        )
    if isinstance(item, dict):
        _list_of(feature, name, _BYTES).append(decode_base64(item))
    elif isinstance(item, str):
        _list_of(feature, name, _BYTES).append(to_bytes(item))
    elif isinstance(item, bool):
        _list_of(feature, name, _INTEGERS).append(int(item))
    elif is_integer(item):
        values = _list_of(feature, name, _INTEGERS)
        if item > _INT64_MAX:
            raise invalid_argument(f"Feature: {name} has uint64 element. Only int64 is supported.")
        values.append(int(item))
    else:
        values = _list_of(feature, name, _FLOATS)
        if not fits_decimal(float(item), "float"):
            raise lossy_error(item, "float")
        values.append(float(item))


def _list_of(feature: Message, name: str, kind: str) -> list[object]:
    """The list to append to: a protobuf container, which behaves as one."""
    found = feature.WhichOneof("kind")
    if found not in (None, kind):
        raise _kind_error(name, found)
    values: list[object] = getattr(feature, kind).value
    return values


def _kind_error(name: str, found: str) -> StatusError:
    return invalid_argument(
        f"Unexpected element type in feature: {name} expecting type: {_KIND_NAMES[found]}"
    )
