"""Arrays as nested JSON lists, and back where type and rank are known."""

from __future__ import annotations

import base64
from itertools import chain
from typing import Final

import numpy as np

from serving.wire.tensors import Array, TensorFormatError, TensorKind, kind_of

B64: Final = "b64"
_NO_JSON: Final = frozenset(("complex64", "complex128", "half", "bfloat16", "uint16"))


def to_json(array: Array) -> object:
    """Nested lists; bytes that are no UTF-8 as `{"b64": ...}`.

    Raises:
      TensorFormatError: TF Serving reads no such type from JSON.
    """
    kind = kind_of(array)
    if kind.name in _NO_JSON:
        raise TensorFormatError(f"JSON has no {kind.name}.")
    if kind.name != "string":
        return array.tolist()
    return _texts(array.tolist())


def from_json(value: object, kind: TensorKind, rank: int | None) -> Array:
    """The array of nested lists.

    Args:
      value: scalar or lists.
      kind: of the output.
      rank: known from the signature; None: as deep as the lists are. It tells the shape of
        an empty batch: `[]` of rank 2 is `[0, 0]`.
    """
    shape: list[int] = []
    level: list[object] = [value]
    while level and isinstance(level[0], list):
        shape.append(len(level[0]))
        level = list(chain.from_iterable(item for item in level if isinstance(item, list)))
    missing = 0 if rank is None or level else max(rank - len(shape), 0)
    array = np.empty(len(level), kind.dtype)
    if level:
        array[:] = [_bytes(item) for item in level] if kind.name == "string" else level
    return array.reshape(shape + [0] * missing)


def _texts(value: object) -> object:
    if isinstance(value, list):
        return [_texts(item) for item in value]
    assert isinstance(value, bytes)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {B64: base64.b64encode(value).decode()}


def _bytes(value: object) -> bytes:
    if isinstance(value, dict):
        return base64.b64decode(value[B64])
    return str(value).encode("utf-8", "surrogateescape")
