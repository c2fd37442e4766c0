"""The REST API, on models that can be worked out by hand."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.conftest import Running
from tests.serving.model_server.asking import rest

pytestmark = pytest.mark.slow
HALF = "/v1/models/half"


def test_status_as_tf_serving_prints_it(served: Running) -> None:
    answer = rest(served, "GET", f"{HALF}/versions/1")
    assert answer == (
        200,
        '{\n "model_version_status": [\n  {\n   "version": "1",\n   "state": "AVAILABLE",\n'
        '   "status": {\n    "error_code": "OK",\n    "error_message": ""\n   }\n  }\n ]\n}\n',
    )


def test_metadata(served: Running) -> None:
    answer = rest(served, "GET", f"{HALF}/labels/old/metadata")
    parsed = answer.json
    assert parsed["model_spec"] == {"name": "half", "signature_name": "", "version": "1"}  # type: ignore[index]
    default = parsed["metadata"]["signature_def"]["signature_def"]["serving_default"]  # type: ignore[index]
    assert default["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert default["method_name"] == "tensorflow/serving/predict"


def test_rows_and_columns(served: Running) -> None:
    rows = rest(served, "POST", f"{HALF}:predict", {"instances": [1.0, 2.0, 5.0]})
    assert rows.text == '{\n    "predictions": [3.5, 4.0, 5.5\n    ]\n}'
    columns = rest(served, "POST", f"{HALF}/versions/1:predict", {"inputs": {"x": [1.0, 2.0]}})
    assert columns.json == {"outputs": [2.5, 3.0]}
    body = {"signature_name": "two", "instances": [{"x": 1.0}, {"x": 3.0}]}
    named = rest(served, "POST", f"{HALF}/labels/old:predict", body)
    assert named.json == {"predictions": [{"y": 2.5, "doubled": 2.0}, {"y": 3.5, "doubled": 6.0}]}


def test_strings_and_bytes(served: Running) -> None:
    body = {"instances": [{"text": "ä", "times": 2}, {"text": {"b64": "/w=="}, "times": 3}]}
    answer = rest(served, "POST", "/v1/models/texts:predict", body)
    first, second = answer.json["predictions"]  # type: ignore[index]
    assert first == {
        "long": False, "loud": "ä!", "raw_bytes": {"b64": "w6Q/"}, "thrice": [2, 3, 4],
    }  # fmt: skip
    assert second["loud"].encode("utf-8", "surrogateescape") == b"\xff!"
    assert second["raw_bytes"] == {"b64": "/z8="}


def test_classify_and_regress(served: Running) -> None:
    body = {"signature_name": "classify_x_to_y", "examples": [{"x": 20.0}, {"x": [3.0]}]}
    answer = rest(served, "POST", f"{HALF}:classify", body)
    assert answer.json == {"results": [[["20", 13.0]], [["3", 4.5]]]}
    body = {
        "signature_name": "regress_x_to_y",
        "context": {"x": 10.0},
        "examples": [{}, {"x": 4.0}],
    }
    answer = rest(served, "POST", f"{HALF}:regress", body)
    assert answer.text == '{\n    "results": [8.0, 5.0]\n}'


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("POST", "/v1/models/nope:predict", {"instances": [1.0]}, 404,
         "Servable not found for request: Latest(nope)"),
        ("POST", f"{HALF}/versions/9:predict", {"instances": [1.0]}, 404,
         "Servable not found for request: Specific(half, 9)"),
        ("POST", f"{HALF}/labels/new:predict", {"instances": [1.0]}, 400,
         "Unrecognized servable version label: new"),
        ("POST", f"{HALF}:predict", {"signature_name": "zz", "instances": [1.0]}, 400,
         'Serving signature name: "zz" not found in signature def'),
        ("POST", f"{HALF}:predict", {"signature_name": "no_method", "instances": [1.0]}, 500,
         "Expected prediction signature method_name to be one of {tensorflow/serving/predict, "
         "tensorflow/serving/classify, tensorflow/serving/regress}. Was: something/else"),
        ("POST", f"{HALF}:regress", {"examples": []}, 400,
         'JSON Value: {\n    "examples": []\n} \'examples\' value is an empty array'),
        ("POST", f"{HALF}:classify", {"instances": [1]}, 400,
         'JSON Value: {\n    "instances": [\n        1\n    ]\n} When method is classify, key '
         "'examples' is expected and was not found"),
        ("POST", f"{HALF}:regress", {"examples": [5]}, 400,
         "Example must be JSON object but got JSON Number"),
        ("POST", f"{HALF}:regress", {"examples": [{"x": [1.0, "a"]}]}, 400,
         "Unexpected element type in feature: x expecting type: float"),
        ("POST", f"{HALF}:regress", {"examples": [{"x": None}]}, 400,
         "Feature: x has element with unexpected JSON type: Null"),
        ("GET", "/v1/models", None, 400, "Missing model name in request."),
        ("GET", "/v1/models/nope", None, 404, "Could not find any versions of model nope"),
        ("GET", f"{HALF}/versions/9", None, 404, "Could not find version 9 of model half"),
        ("PUT", HALF, None, 400, f"Malformed request: PUT {HALF}"),
    ],
)  # fmt: skip
def test_errors(
    *, served: Running, method: str, path: str, body: object, status: int, error: str
) -> None:
    answer = rest(served, method, path, body)
    assert (answer.status, answer.error) == (status, error)


def test_a_version_beyond_64_bits_has_an_empty_answer(served: Running) -> None:
    assert rest(served, "GET", f"{HALF}/versions/{1 << 64}") == (400, "")


def test_other_paths_are_not_found(served: Running) -> None:
    answer = rest(served, "GET", "/index")
    assert answer.status == 404
    assert "<H1>Not Found</H1>" in answer.text


def test_metrics_count_what_was_asked(served: Running) -> None:
    def counted(status: str) -> int:
        page = rest(served, "GET", "/monitoring/prometheus/metrics").text
        found = re.search(rf'request_count{{model_name="half",status="{status}"}} (\d+)\n', page)
        return int(found[1]) if found else 0

    before = counted("OK"), counted("INVALID_ARGUMENT")
    rest(served, "POST", f"{HALF}:predict", {"instances": [1.0]})
    rest(served, "POST", f"{HALF}/labels/new:predict", {"instances": [1.0]})
    assert counted("OK") == before[0] + 1
    request = {"signature_name": "regress_x_to_y", "examples": [{"y": 1.0}]}
    rest(served, "POST", f"{HALF}:regress", request)
    assert counted("INVALID_ARGUMENT") == before[1] + 1


def test_a_megabyte_and_deep_lists(served: Running) -> None:
    values = [float(n) for n in range(200_000)]
    answer = rest(served, "POST", f"{HALF}:predict", {"instances": values})
    predictions = answer.json["predictions"]  # type: ignore[index]
    assert (len(predictions), predictions[-1]) == (200_000, 199_999 / 2 + 3)
    deep = b'{"instances": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    answer = rest(served, "POST", f"{HALF}:predict", raw=deep)
    assert (answer.status, "nested too deeply" in answer.error) == (400, True)
    for depth in (450, 900):
        nested = b'{"instances": ' + b"[" * depth + b'"a"' + b"]" * depth + b"}"
        assert rest(served, "POST", f"{HALF}:predict", raw=nested).status == 400


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["x", "text", "times", "b64"]), inner, max_size=2)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(["instances", "inputs", "signature_name", "examples", "context"])


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    model=st.sampled_from(["half", "texts"]),
    verb=st.sampled_from(["predict", "classify", "regress"]),
    body=st.dictionaries(KEYS, VALUE, max_size=3).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=30),
)
def test_no_body_harms_the_server(served: Running, model: str, verb: str, body: bytes) -> None:
    answer = rest(served, "POST", f"/v1/models/{model}:{verb}", raw=body)
    assert answer.status in (200, 400)
    assert rest(served, "POST", f"{HALF}:predict", {"inputs": [1.0]}).json == {"outputs": [3.5]}
