"""Arrays as JSON and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from serving.client.json_arrays import from_json, to_json
from serving.wire.tensors import KINDS, TensorFormatError, as_tensor

BY_NAME = {kind.name: kind for kind in KINDS}


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.float32([[1, 2.5]]), [[1.0, 2.5]]),
        (np.int64(3), 3),
        (np.empty((0, 2), np.int32), []),
        (as_tensor([["a"], [b"\xff"]]), [["a"], [{"b64": "/w=="}]]),
        (np.array([True]), [True]),
    ],
)
def test_arrays_as_lists(array: np.ndarray, expected: object) -> None:  # type: ignore[type-arg]
    assert to_json(np.asarray(array)) == expected


def test_types_without_json_are_refused() -> None:
    with pytest.raises(TensorFormatError, match="JSON has no half"):
        to_json(np.array([1], np.float16))


@pytest.mark.parametrize(
    ("value", "kind", "rank", "expected"),
    [
        ([[1, 2]], "float", 2, np.float32([[1, 2]])),
        (7, "int64", 0, np.int64(7)),
        ([], "float", 2, np.empty((0, 0), np.float32)),
        ([[], []], "float", 2, np.empty((2, 0), np.float32)),
        ([], "float", None, np.empty(0, np.float32)),
        ([True], "bool", 1, np.array([True])),
    ],
)
def test_lists_as_arrays(value: object, kind: str, rank: int | None, expected: object) -> None:
    found = from_json(value, BY_NAME[kind], rank)
    assert (found.dtype, found.shape) == (np.asarray(expected).dtype, np.shape(expected))
    assert found.tolist() == np.asarray(expected).tolist()


def test_texts_and_base64_are_bytes() -> None:
    found = from_json(["ä", {"b64": "/w=="}], BY_NAME["string"], 1)
    assert found.tolist() == ["ä".encode(), b"\xff"]


def test_floats_keep_their_bits() -> None:
    values = np.float32([0.1, 1 / 3, 1e-45, np.inf])
    back = from_json(json.loads(json.dumps(to_json(values))), BY_NAME["float"], 1)
    assert back.tobytes() == values.tobytes()
