"""Answers as text, line by line as TF Serving breaks them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.model_server.json_numbers import decimals
from serving.model_server.json_predict import JsonFormat
from serving.model_server.json_results import (
    classification_json,
    error_json,
    predict_json,
    regression_json,
)
from serving.wire.status import Code, StatusError
from serving.wire.tensors import as_tensor


def floats(*values: object) -> np.ndarray:  # type: ignore[type-arg]
    return np.array(values, np.float32)


def test_one_output_by_row() -> None:
    text = predict_json({"y": floats([1, 2], [3, 4.5])}, JsonFormat.ROW)
    assert text == '{\n    "predictions": [[1.0, 2.0], [3.0, 4.5]\n    ]\n}'


def test_several_outputs_by_row() -> None:
    outputs = {"a_bytes": as_tensor([b"\xff"]), "b": np.array([[1, 2]], np.int64)}
    assert predict_json(outputs, JsonFormat.ROW) == (
        '{\n    "predictions": [\n        {\n'
        '            "a_bytes": {\n                "b64": "/w=="\n            },\n'
        '            "b": [1, 2]\n        }\n    ]\n}'
    )


def test_one_output_by_column() -> None:
    text = predict_json({"y": np.array([True, False])}, JsonFormat.COLUMNAR)
    assert text == '{\n    "outputs": [\n        true,\n        false\n    ]\n}'


def test_several_outputs_by_column() -> None:
    outputs = {"a": floats([1.5]), "b": as_tensor("x")}
    assert predict_json(outputs, JsonFormat.COLUMNAR) == (
        '{\n    "outputs": {\n        "a": [\n            [\n                1.5\n            ]\n'
        '        ],\n        "b": "x"\n    }\n}'
    )


def test_empty_lists_have_no_lines() -> None:
    text = predict_json({"y": np.empty((2, 0), np.float32)}, JsonFormat.COLUMNAR)
    assert json.loads(text) == {"outputs": [[], []]}
    text = predict_json({"y": np.empty((2, 0, 3), np.float32)}, JsonFormat.ROW)
    assert json.loads(text) == {"predictions": [[], []]}


def test_numbers_are_written_as_tf_serving_does() -> None:
    values = np.array([0.2, 1 / 3, 9e6, 3e-5, 1e30, -0.0, 16777216, np.nan, np.inf, -np.inf])
    assert decimals(values.astype(np.float32)) == [
        "0.2", "0.333333343", "9e+06", "3e-05", "1e+30", "-0.0", "16777216.0",
        "NaN", "Infinity", "-Infinity",
    ]  # fmt: skip
    assert decimals(np.array([0.1, 1 / 3])) == ["0.1", "0.33333333333333331"]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_numbers_read_back_as_they_were(values: list[float]) -> None:
    array = np.array(values, np.float32)
    back = np.array([float(text) for text in decimals(array)], np.float32)
    assert back.tobytes() == array.tobytes()


@given(st.binary(max_size=12))
def test_strings_keep_their_bytes(value: bytes) -> None:
    text = predict_json({"y": as_tensor([value])}, JsonFormat.COLUMNAR)
    parsed = json.loads(text)["outputs"][0]
    assert parsed.encode("utf-8", "surrogateescape") == value


def test_control_characters_are_escaped_in_upper_case() -> None:
    error = StatusError(Code.INTERNAL, 'a"\\\n\t\x1f/ä')
    assert error_json(error) == '{\n    "error": "a\\"\\\\\\n\\t\\u001F/ä"\n}'


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({}, "Cannot convert empty tensor map to JSON"),
        ({"y": np.float32(1).reshape(())}, "Tensor name: y has no shape information "),
        ({"y": floats()}, "Tensor name: y has invalid batch size: 0"),
        ({"a": floats(1), "b": floats(1, 2)},
         "Tensor name: b has inconsistent batch size: 2 expecting: 1"),
        ({"y": np.array([1], np.float16)}, "Failed to write JSON value for tensor type: half"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be(outputs: dict[str, object], message: str) -> None:
    with pytest.raises(StatusError) as caught:
        predict_json(outputs, JsonFormat.ROW)  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.message) == (Code.INVALID_ARGUMENT, message)


def test_classifications_and_regressions() -> None:
    classes = [SimpleNamespace(label="a", score=0.5), SimpleNamespace(label="", score=2.0)]
    result = SimpleNamespace(classifications=[SimpleNamespace(classes=classes)])
    assert classification_json(result) == (  # type: ignore[arg-type]
        '{\n    "results": [[["a", 0.5], ["", 2.0]]\n    ]\n}'
    )
    numbers = SimpleNamespace(regressions=[SimpleNamespace(value=42.0), SimpleNamespace(value=1)])
    assert regression_json(numbers) == '{\n    "results": [42.0, 1.0]\n}'  # type: ignore[arg-type]
    for empty in (SimpleNamespace(classifications=[], regressions=[]),):
        with pytest.raises(StatusError, match="empty ClassificationResults"):
            classification_json(empty)  # type: ignore[arg-type]
        with pytest.raises(StatusError, match="empty RegressionResults"):
            regression_json(empty)  # type: ignore[arg-type]
