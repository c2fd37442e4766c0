"""Bodies of predict requests, in the words of TF Serving's json_tensor.cc."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.model_server.json_predict import JsonFormat, parse_predict
from serving.model_server.json_tensors import to_tensor, walk
from serving.wire.status import Code, StatusError
from serving.wire.tensors import BY_NUMBER, KINDS, Array

NUMBERS = {kind.name: kind.number for kind in KINDS}


def parsed(body: str | bytes, **kinds: str) -> dict[str, Array]:
    infos = {alias: SimpleNamespace(dtype=NUMBERS[kind]) for alias, kind in kinds.items()}
    text = body.encode() if isinstance(body, str) else body
    return parse_predict(text, lambda _: infos)[1].inputs  # type: ignore[arg-type,return-value]


def refused(body: str, **kinds: str) -> str:
    with pytest.raises(StatusError) as caught:
        parsed(body, **kinds)
    assert caught.value.code is Code.INVALID_ARGUMENT
    return caught.value.message


def test_rows_of_one_input() -> None:
    array = parsed('{"instances": [[1, 2.5], [3, 4]]}', x="float")["x"]
    assert array.dtype == np.float32
    assert array.tolist() == [[1, 2.5], [3, 4]]


def test_rows_of_named_inputs() -> None:
    body = '{"instances": [{"a": [1], "b": "x"}, {"b": {"b64": "/w=="}, "a": [2]}]}'
    inputs = parsed(body, a="int64", b="string")
    assert inputs["a"].tolist() == [[1], [2]]
    assert inputs["b"].tolist() == [b"x", b"\xff"]


def test_columns() -> None:
    inputs = parsed('{"inputs": {"a": [[true], [false]], "b": 7}}', a="bool", b="uint8")
    assert inputs["a"].tolist() == [[True], [False]]
    assert (inputs["b"].shape, inputs["b"].item()) == ((), 7)


def test_columns_of_one_input_need_no_name() -> None:
    assert parsed('{"inputs": [1, 2]}', x="int32")["x"].tolist() == [1, 2]
    assert parsed('{"inputs": {"x": [1]}}', x="int32")["x"].tolist() == [1]
    assert parsed('{"inputs": {"b64": "YQ=="}}', x="string")["x"].item() == b"a"


def test_form_and_signature_are_told() -> None:
    infos = {"x": SimpleNamespace(dtype=NUMBERS["float"])}
    asked: list[str] = []

    def infos_of(name: str) -> dict[str, SimpleNamespace]:
        asked.append(name)
        return infos

    body = b'{"signature_name": "s", "instances": [1]}'
    name, content = parse_predict(body, infos_of)  # type: ignore[arg-type]
    assert (name, content.format, asked) == ("s", JsonFormat.ROW, ["s"])
    _, content = parse_predict(b'{"inputs": [1]}', infos_of)  # type: ignore[arg-type]
    assert (content.format, asked[-1]) == (JsonFormat.COLUMNAR, "")


def test_bytes_that_are_no_utf_8_come_through() -> None:
    assert parsed(b'{"inputs": ["\xff\xfe"]}', x="string")["x"].tolist() == [b"\xff\xfe"]


def test_small_integers_wrap_and_others_do_not() -> None:
    assert parsed('{"inputs": [200]}', x="int8")["x"].tolist() == [-56]
    assert "Type: Number is not of expected type: int32" in refused(
        '{"inputs": [2147483648]}', x="int32"
    )
    assert parsed('{"inputs": [18446744073709551615]}', x="uint64")["x"].tolist() == [2**64 - 1]


@pytest.mark.parametrize(
    ("body", "kinds", "message"),
    [
        ('{"signature_name": 5}', {"x": "float"},
         'JSON Value: {\n    "signature_name": 5\n} not formatted correctly. '
         "'signature_name' key must be a string value."),
        ("{}", {"x": "float"}, "Missing 'inputs' or 'instances' key"),
        ("{}", {}, "Failed to get input map for signature: DEFAULT"),
        ('{"instances": [1], "inputs": [1]}', {"x": "float"},
         'JSON Value: {\n    "instances": [\n        1\n    ],\n    "inputs": '
         "[\n        1\n    ]\n}"
         " Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "),
        ('{"instances": 5}', {"x": "float"},
         'JSON Value: {\n    "instances": 5\n} Excepting \'instances\' to be an list/array'),
        ('{"instances": []}', {"x": "float"},
         'JSON Value: {\n    "instances": []\n} No values in \'instances\' array'),
        ('{"instances": [1]}', {"x": "float", "y": "float"},
         "instances is a plain list, but expecting list of objects as multiple input tensors "
         "required as per tensorinfo_map"),
        ('{"inputs": [1]}', {"x": "float", "y": "float"},
         "inputs is a plain value/list, but expecting an object as multiple input tensors "
         "required as per tensorinfo_map"),
        ('{"inputs": {"x": 1}}', {"x": "float", "y": "float"},
         "Missing named input: y in 'inputs' object."),
        ('{"inputs": ["a"]}', {"x": "float"},
         'JSON Value: "a" Type: String is not of expected type: float'),
        ('{"inputs": [null]}', {"x": "string"},
         "JSON Value: null Type: Null is not of expected type: string"),
        ('{"inputs": [true]}', {"x": "float"},
         "JSON Value: true Type: True is not of expected type: float"),
        ('{"inputs": [1.5]}', {"x": "int64"},
         "JSON Value: 1.5 Type: Number is not of expected type: int64"),
        ('{"inputs": [1]}', {"x": "bool"},
         "JSON Value: 1 Type: Number is not of expected type: bool"),
        ('{"inputs": [16777217]}', {"x": "float"},
         "Cannot convert JSON value: 16777217 to float without loss of precision."),
        ('{"inputs": [1e39]}', {"x": "float"},
         "Cannot convert JSON value: 1e+39 to float without loss of precision."),
        ('{"inputs": [[1, 2], [3]]}', {"x": "float"},
         "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
        ('{"inputs": [1, [2]]}', {"x": "float"},
         "Encountered list at unexpected level: 1 expected < 1"),
        ('{"inputs": [[1], 2]}', {"x": "float"},
         "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        ('{"inputs": [{"b64": "%"}]}', {"x": "string"}, "Unable to base64 decode"),
        ('{"inputs": [{"b65": "YQ=="}]}', {"x": "string"},
         'JSON Value: {\n    "b65": "YQ=="\n} not formatted correctly for base64 data'),
        ('{"instances": [[1, 2], [3]]}', {"x": "float"},
         "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
         "Expecting tensor size: 2 but got: 1"),
        ('{"instances": [[[1, 2]], [[3], [4]]]}', {"x": "float"},
         "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
         "Expecting shape [1,2] but got: [2,1]"),
        ('{"instances": [{"x": 1}, {"z": 1}]}', {"x": "float"},
         "Failed to process element: 1 key: z of 'instances' list. Error: INVALID_ARGUMENT: "
         "JSON object: does not have named input: z"),
        ('{"instances": [{"x": 1}]}', {"x": "float", "y": "float"},
         "Failed to process element: 0 of 'instances' list. JSON object: "
         '{\n    "x": 1\n} must only have keys: x,y'),
        ('{"instances": [{"x": 1}, 2]}', {"x": "float"},
         "Expecting object but got list at item 1 of input list"),
        ('{"instances": [1, {"x": 1}]}', {"x": "float"},
         "Expecting value/list but got object at item 1 of input list"),
        ('{"instances": [{"x": "a"}]}', {"x": "float"},
         "Failed to process element: 0 key: x of 'instances' list. Error: INVALID_ARGUMENT: "
         'JSON Value: "a" Type: String is not of expected type: float'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(body: str, kinds: dict[str, str], message: str) -> None:
    assert refused(body, **kinds) == message


def test_types_without_json() -> None:
    with pytest.raises(StatusError) as caught:
        parsed('{"inputs": [1]}', x="half")
    assert caught.value.code is Code.UNIMPLEMENTED
    assert caught.value.message == "Conversion of JSON Value: 1 to type: half"


VALUE = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
NESTED = st.recursive(
    VALUE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("b64"), inner)
)


@given(NESTED, st.sampled_from(KINDS))
def test_whole_lists_are_converted_as_value_by_value(value: object, kind: object) -> None:
    expected = None
    try:
        flat, shape = walk(value, kind)  # type: ignore[arg-type]
    except StatusError as error:
        expected = (error.code, error.message)
    if expected is not None:
        with pytest.raises(StatusError) as caught:
            to_tensor(value, kind)  # type: ignore[arg-type]
        assert (caught.value.code, caught.value.message) == expected
        return
    array = to_tensor(value, kind)  # type: ignore[arg-type]
    assert (array.dtype, array.shape) == (kind.dtype, shape)  # type: ignore[attr-defined]
    assert array.ravel().tolist() == flat.tolist() or np.isnan(flat.astype(float)).any()


@given(st.lists(st.lists(st.floats(width=32), min_size=2, max_size=2), min_size=1, max_size=4))
def test_floats_arrive_as_they_were_sent(rows: list[list[float]]) -> None:
    array = parsed(json.dumps({"instances": rows}), x="float")["x"]
    assert array.tobytes() == np.array(rows, np.float32).tobytes() or np.isnan(rows).any()


def test_the_kinds_are_tensorflows() -> None:
    assert BY_NUMBER[NUMBERS["string"]].name == "string"
