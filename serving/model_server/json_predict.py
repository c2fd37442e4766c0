"""The body of a predict request, by rows ("instances") or by columns ("inputs")."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
from google.protobuf.message import Message

from serving.model_server.json_parse import JsonObject, JsonValue, parse_object
from serving.model_server.json_tensors import is_base64, to_tensor, walk
from serving.model_server.json_text import format_error, value_text
from serving.wire.status import Code, StatusError, invalid_argument
from serving.wire.tensors import BY_NUMBER, Array, TensorKind, shape_text

SIGNATURE_NAME: Final = "signature_name"
INSTANCES: Final = "instances"
INPUTS: Final = "inputs"

Kinds = Mapping[str, TensorKind]


class JsonFormat(enum.Enum):
    """How a body has its tensors, and the answer likewise."""

    ROW = enum.auto()
    COLUMNAR = enum.auto()


class PredictBody(NamedTuple):
    """A body: its form, and the inputs by alias."""

    format: JsonFormat
    inputs: dict[str, Array]


def signature_in(body: JsonObject) -> str:
    """The signature that a body names; "" where it names none.

    Raises:
      StatusError: it is no string.
    """
    name = body.get(SIGNATURE_NAME, "")
    if not isinstance(name, str):
        raise invalid_argument(
            f"JSON Value: {value_text(body)} not formatted correctly. 'signature_name' key must "
            "be a string value."
        )
    return name


def parse_predict(
    body: bytes, infos_of: Callable[[str], Mapping[str, Message]]
) -> tuple[str, PredictBody]:
    """Signature name ("": the default one) and tensors of a body.

    Args:
      body: JSON.
      infos_of: name of a signature -> its inputs, `tensorflow.TensorInfo` by alias.

    Raises:
      StatusError: as TF Serving's json_tensor.cc has them.
    """
    document = parse_object(body)
    name = signature_in(document)
    kinds = _kinds(infos_of(name), name)
    rows, columns = INSTANCES in document, INPUTS in document
    if rows and columns:
        raise format_error(
            document,
            "Not formatted correctly expecting only",
            f" one of '{INPUTS}' or '{INSTANCES}' keys to exist ",
        )
    if rows:
        return name, PredictBody(JsonFormat.ROW, _from_rows(document, kinds))
    if columns:
        return name, PredictBody(JsonFormat.COLUMNAR, _from_columns(document[INPUTS], kinds))
    raise invalid_argument("Missing 'inputs' or 'instances' key")


def _kinds(infos: Mapping[str, Message], name: str) -> Kinds:
    if not infos:
        raise invalid_argument("Failed to get input map for signature: ", name or "DEFAULT")
    kinds: dict[str, TensorKind] = {}
    for alias, info in infos.items():
        kind = BY_NUMBER.get(info.dtype)
        if kind is None:
            raise StatusError(
                Code.UNIMPLEMENTED, f"Conversion of JSON Value: to the type of input {alias}"
            )
        kinds[alias] = kind
    return kinds


def _from_columns(value: JsonValue, kinds: Kinds) -> dict[str, Array]:
    if not isinstance(value, dict) or is_base64(value):
        if len(kinds) > 1:
            raise invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        ((alias, kind),) = kinds.items()
        return {alias: to_tensor(value, kind)}
    inputs: dict[str, Array] = {}
    for alias, kind in kinds.items():
        if alias not in value:
            raise invalid_argument(f"Missing named input: {alias} in 'inputs' object.")
        inputs[alias] = to_tensor(value[alias], kind)
    return inputs


def _from_rows(document: JsonObject, kinds: Kinds) -> dict[str, Array]:
    rows = document[INSTANCES]
    if not isinstance(rows, list):
        raise format_error(document, f"Excepting '{INSTANCES}' to be an list/array")
    if not rows:
        raise format_error(document, f"No values in '{INSTANCES}' array")
    if not isinstance(rows[0], dict) and len(kinds) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    try:
        columns = _columns(rows, kinds)
        return {alias: to_tensor(column, kinds[alias]) for alias, column in columns.items()}
    except (StatusError, KeyError):
        return _row_by_row(rows, kinds)


def _columns(rows: list[JsonValue], kinds: Kinds) -> dict[str, list[JsonValue]]:
    """The rows' values by alias; raises KeyError where a row is of another form."""
    if not _is_named(rows[0]):
        if any(map(_is_named, rows)):
            raise KeyError
        return {next(iter(kinds)): rows}
    for row in rows:
        if not isinstance(row, dict) or row.keys() != kinds.keys():
            raise KeyError
    return {alias: [row[alias] for row in rows] for alias in kinds}  # type: ignore[index,call-overload]


def _is_named(row: JsonValue) -> bool:
    return isinstance(row, dict) and not is_base64(row)


def _row_by_row(rows: list[JsonValue], kinds: Kinds) -> dict[str, Array]:
    """Finds the row that does not fit, and says so as TF Serving does."""
    parts: dict[str, list[Array]] = {}
    named = _is_named(rows[0])
    for at, row in enumerate(rows):
        if named:
            _add_named(row, at, kinds, parts)
            continue
        if _is_named(row):
            raise invalid_argument(
                f"Expecting value/list but got object at item {at} of input list"
            )
        try:
            _add(row, next(iter(kinds)), kinds, parts)
        except StatusError as error:
            raise invalid_argument(
                f"Failed to process element: {at} of 'instances' list. Error: {error}"
            ) from error
    return {alias: np.stack(arrays) for alias, arrays in parts.items()}


def _add_named(row: JsonValue, at: int, kinds: Kinds, parts: dict[str, list[Array]]) -> None:
    if not isinstance(row, dict) or not _is_named(row):
        raise invalid_argument(f"Expecting object but got list at item {at} of input list")
    for alias, value in row.items():
        try:
            _add(value, alias, kinds, parts)
        except StatusError as error:
            raise invalid_argument(
                f"Failed to process element: {at} key: {alias} of 'instances' list. Error: {error}"
            ) from error
    if row.keys() != kinds.keys():
        raise invalid_argument(
            f"Failed to process element: {at} of 'instances' list. JSON object: {value_text(row)} "
            f"must only have keys: {','.join(sorted(kinds))}"
        )


def _add(value: JsonValue, alias: str, kinds: Kinds, parts: dict[str, list[Array]]) -> None:
    if alias not in kinds:
        raise invalid_argument("JSON object: does not have named input: ", alias)
    flat, shape = walk(value, kinds[alias])
    known = parts.setdefault(alias, [])
    if known and known[0].size != len(flat):
        raise invalid_argument(f"Expecting tensor size: {known[0].size} but got: {len(flat)}")
    if known and known[0].shape != shape:
        raise invalid_argument(
            f"Expecting shape {shape_text(known[0].shape)} but got: {shape_text(shape)}"
        )
    known.append(flat.reshape(shape))
