"""Answers as JSON, with RapidJSON's PrettyWriter's line breaks as TF Serving sets them."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from google.protobuf.message import Message

from serving.model_server.json_numbers import decimal, decimals, join_single_line
from serving.model_server.json_predict import JsonFormat
from serving.model_server.json_tensors import B64
from serving.model_server.json_text import quoted
from serving.wire.status import StatusError, invalid_argument
from serving.wire.tensors import Array, kind_of

_INDENT: Final = "    "
_BYTES_SUFFIX: Final = "_bytes"  # an output so named holds bytes, and is written as base64
_INTEGERS: Final = frozenset(("int32", "int16", "int8", "uint8", "int64", "uint32", "uint64"))


def error_json(error: StatusError) -> str:
    """An error for the client."""
    return f'{{\n{_INDENT}"error": {quoted(error.message)}\n}}'


def predict_json(outputs: Mapping[str, Array], form: JsonFormat) -> str:
    """The outputs of a signature by alias; by row each needs the same first dimension.

    Raises:
      StatusError: there is none, batch sizes differ, or a type has no JSON.
    """
    if not outputs:
        raise invalid_argument("Cannot convert empty tensor map to JSON")
    if form is JsonFormat.COLUMNAR:
        return _columnar(outputs)
    return _by_row(outputs)


def classification_json(result: Message) -> str:
    """A `ClassificationResult`: for each Example a list of [label, score].

    Raises:
      StatusError: it is empty.
    """
    if not result.classifications:
        raise invalid_argument("Cannot convert empty ClassificationResults to JSON")
    rows = [
        join_single_line([f"[{quoted(c.label)}, {decimal(c.score)}]" for c in row.classes])
        for row in result.classifications
    ]
    return _results(", ".join(rows) + f"\n{_INDENT}")


def regression_json(result: Message) -> str:
    """A `RegressionResult`: a number for each Example.

    Raises:
      StatusError: it is empty.
    """
    if not result.regressions:
        raise invalid_argument("Cannot convert empty RegressionResults to JSON")
    values = np.array([regression.value for regression in result.regressions], np.float32)
    return _results(", ".join(decimals(values)))


def _results(items: str) -> str:
    return f'{{\n{_INDENT}"results": [{items}]\n}}'


def _by_row(outputs: Mapping[str, Array]) -> str:
    rows = _batch_size(outputs)
    named = len(outputs) > 1
    depth = 3 if named else 2
    columns = {
        alias: _nested(_texts(alias, value, depth + value.ndim - 1), value.shape[1:], rows)
        for alias, value in outputs.items()
    }
    if not named:
        (column,) = columns.values()
        items = ", ".join(column)
    else:
        items = ",".join(
            f"\n{_INDENT * 2}{{"
            + ",".join(
                f"\n{_INDENT * 3}{quoted(alias)}: {column[row]}"
                for alias, column in columns.items()
            )
            + f"\n{_INDENT * 2}}}"
            for row in range(rows)
        )
    return f'{{\n{_INDENT}"predictions": [{items}\n{_INDENT}]\n}}'


def _batch_size(outputs: Mapping[str, Array]) -> int:
    size = 0
    for alias, value in outputs.items():
        if not value.ndim:
            raise invalid_argument(f"Tensor name: {alias} has no shape information ")
        if len(value) < 1:
            raise invalid_argument(f"Tensor name: {alias} has invalid batch size: {len(value)}")
        if size not in (0, len(value)):
            raise invalid_argument(
                f"Tensor name: {alias} has inconsistent batch size: {len(value)} expecting: {size}"
            )
        size = len(value)
    return size


def _columnar(outputs: Mapping[str, Array]) -> str:
    named = len(outputs) > 1
    depth = 2 if named else 1
    columns = {
        alias: _indented(_texts(alias, value, depth + value.ndim), value.shape, depth)
        for alias, value in outputs.items()
    }
    if not named:
        (content,) = columns.values()
    else:
        members = ",".join(
            f"\n{_INDENT * 2}{quoted(alias)}: {text}" for alias, text in columns.items()
        )
        content = f"{{{members}\n{_INDENT}}}"
    return f'{{\n{_INDENT}"outputs": {content}\n}}'


def _texts(alias: str, value: Array, depth: int) -> list[str]:
    """Each value as text; `depth` containers are open around it."""
    kind = kind_of(value).name
    if kind in ("float", "double"):
        return decimals(value)
    if kind in _INTEGERS:
        return list(map(str, value.ravel().tolist()))
    if kind == "bool":
        return ["true" if item else "false" for item in value.ravel().tolist()]
    if kind != "string":
        raise invalid_argument("Failed to write JSON value for tensor type: ", kind)
    if not alias.endswith(_BYTES_SUFFIX):
        return [quoted(_text(item)) for item in value.ravel().tolist()]
    inner, outer = _INDENT * (depth + 1), _INDENT * depth
    encoded = (base64.b64encode(item).decode() for item in value.ravel().tolist())
    return [f'{{\n{inner}"{B64}": "{text}"\n{outer}}}' for text in encoded]


def _text(value: object) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _nested(texts: Sequence[str], shape: Sequence[int], rows: int) -> list[str]:
    """For each row its values as lists of lists on one line; `shape` is that of a row."""
    items = list(texts)
    for axis in reversed(range(len(shape))):
        groups = rows * math.prod(shape[:axis])
        items = [join_single_line(part) for part in _parts(items, shape[axis], groups)]
    return items


def _indented(texts: Sequence[str], shape: Sequence[int], depth: int) -> str:
    """Values as lists of lists, each element on a line; `depth` containers are open."""
    items = list(texts)
    for axis in reversed(range(len(shape))):
        outer, inner = _INDENT * (depth + axis), _INDENT * (depth + axis + 1)
        items = [
            f"[\n{inner}" + f",\n{inner}".join(part) + f"\n{outer}]" if part else "[]"
            for part in _parts(items, shape[axis], math.prod(shape[:axis]))
        ]
    return items[0]


def _parts(items: Sequence[str], size: int, groups: int) -> list[Sequence[str]]:
    return [items[at * size : (at + 1) * size] for at in range(groups)]
