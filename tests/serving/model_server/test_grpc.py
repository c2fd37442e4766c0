"""The gRPC services, by the official stubs, on models that can be worked out by hand."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.wire import messages
from tests.serving.conftest import Running
from tests.serving.model_server.asking import Grpc, arrays, failure, predict_request

pytestmark = pytest.mark.slow
X = np.array([1.0, 2.0, 5.0], np.float32)


@pytest.fixture(name="stubs", scope="module")
def _stubs(served: Running) -> Grpc:
    return Grpc(served)


def refused(stubs: Grpc, request: Message, method: str = "Predict") -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        getattr(stubs.prediction, method)(request, timeout=60)
    return failure(caught.value)


def examples(request: Message, *values: float) -> Message:
    for value in values:
        example = request.input.example_list.examples.add()
        example.features.feature["x"].float_list.value.append(value)
    return request


def regression(*values: float, signature: str = "regress_x_to_y") -> Message:
    from tensorflow_serving.apis import regression_pb2

    request = examples(regression_pb2.RegressionRequest(), *values)
    request.model_spec.name, request.model_spec.signature_name = "half", signature
    return request


def classification(*values: float, signature: str = "classify_x_to_y") -> Message:
    from tensorflow_serving.apis import classification_pb2

    request = examples(classification_pb2.ClassificationRequest(), *values)
    request.model_spec.name, request.model_spec.signature_name = "half", signature
    return request


def test_predict_says_who_answered(stubs: Grpc) -> None:
    response = stubs.predict("half", {"x": X})
    assert arrays(response)["y"].tolist() == [3.5, 4.0, 5.5]  # x / 2 + 3
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("half", 2, "serving_default")
    assert list(response.outputs["y"].float_val) == [3.5, 4.0, 5.5]  # value by value


def test_version_and_label_choose(stubs: Grpc) -> None:
    for choice in ({"version": 1}, {"label": "old"}):
        response = stubs.predict("half", {"x": X}, **choice)
        assert arrays(response)["y"].tolist() == [2.5, 3.0, 4.5]
        assert response.model_spec.version.value == 1


def test_the_filter_chooses_outputs(stubs: Grpc) -> None:
    both = arrays(stubs.predict("half", {"x": X}, signature="two"))
    assert sorted(both) == ["doubled", "y"]
    one = arrays(stubs.predict("half", {"x": X}, signature="two", outputs=["doubled"]))
    assert {alias: value.tolist() for alias, value in one.items()} == {"doubled": [2, 4, 10]}


def test_any_shape_and_no_rows(stubs: Grpc) -> None:
    square = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    assert arrays(stubs.predict("half", {"x": square}))["y"].shape == (1, 2, 3)
    assert arrays(stubs.predict("half", {"x": np.empty((0, 4), np.float32)}))["y"].shape == (0, 4)
    assert arrays(stubs.predict("half", {"x": np.float32(2)}))["y"].item() == 4.0


def test_nan_and_infinity_are_numbers(stubs: Grpc) -> None:
    y = arrays(stubs.predict("half", {"x": np.array([np.nan, np.inf], np.float32)}))["y"]
    assert np.isnan(y[0])
    assert y[1] == np.inf


def test_strings_booleans_and_integers(stubs: Grpc) -> None:
    inputs = {"text": [b"a\x00", b"\xff"], "times": np.array([2, 3])}
    found = {alias: a.tolist() for alias, a in arrays(stubs.predict("texts", inputs)).items()}
    assert found == {
        "loud": [b"a\x00!", b"\xff!"],
        "raw_bytes": [b"a\x00?", b"\xff?"],
        "long": [False, True],
        "thrice": [[2, 3, 4], [3, 4, 5]],
    }


@pytest.mark.parametrize(
    ("model", "inputs", "spec", "code", "details"),
    [
        ("nope", {"x": X}, {}, "NOT_FOUND", "Servable not found for request: Latest(nope)"),
        ("half", {"x": X}, {"version": 99}, "NOT_FOUND",
         "Servable not found for request: Specific(half, 99)"),
        ("half", {"x": X}, {"label": "new"}, "INVALID_ARGUMENT",
         "Unrecognized servable version label: new"),
        ("", {"x": X}, {}, "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        ("half", {"x": X}, {"signature": "zz"}, "FAILED_PRECONDITION",
         'Serving signature key "zz" not found.'),
        ("half", {"x": X}, {"signature": "no_method"}, "INTERNAL",
         "Expected prediction signature method_name to be one of {tensorflow/serving/predict, "
         "tensorflow/serving/classify, tensorflow/serving/regress}. Was: something/else"),
        ("half", {}, {}, "INVALID_ARGUMENT",
         "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. "
         "Missing but required: {x}."),
        ("half", {"x": X, "z": X}, {}, "INVALID_ARGUMENT",
         "input size does not match signature: 2!=1 len({x,z}) != len({x}). Sent extra: {z}. "
         "Missing but required: {}."),
        ("half", {"x": X}, {"outputs": ["q"]}, "INVALID_ARGUMENT",
         "output tensor alias not found in signature: q Outputs expected to be in the set {y}."),
        ("half", {"x": X}, {"outputs": ["y", "y"]}, "INVALID_ARGUMENT",
         "duplicate output tensor alias: y"),
        ("half", {"x": ["a"]}, {}, "INVALID_ARGUMENT",
         "Expects arg[0] to be float but string is provided"),
    ],
)  # fmt: skip
def test_bad_requests(
    *, stubs: Grpc, model: str, inputs: object, spec: dict[str, object], code: str, details: str
) -> None:
    request = predict_request(model, inputs, **spec)  # type: ignore[arg-type]
    assert refused(stubs, request) == (code, details)


def test_another_name_for_an_input(stubs: Grpc) -> None:
    code, details = refused(stubs, predict_request("half", {"z": X}))
    assert code == "INVALID_ARGUMENT"
    assert details.startswith("Signature input alias: x(feed name: free:0) not found in request")


def test_tensors_that_are_none(stubs: Grpc) -> None:
    request = predict_request("half", {"x": X})
    request.inputs["x"].tensor_shape.dim[0].size = 1 << 45
    assert refused(stubs, request) == ("INVALID_ARGUMENT", "tensor parsing error: x")
    request.inputs["x"].tensor_shape.unknown_rank = True
    assert refused(stubs, request) == ("INVALID_ARGUMENT", "tensor parsing error: x")


def test_wrong_ranks_are_tensorflows_to_refuse(stubs: Grpc) -> None:
    inputs = {"text": [b"a"], "times": np.int64(1)}  # a scalar, where rows are cut from
    code, details = refused(stubs, predict_request("texts", inputs))
    assert code == "INVALID_ARGUMENT"
    assert "strided_slice" in details


def test_a_request_without_model_spec(stubs: Grpc) -> None:
    from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

    expected = ("INVALID_ARGUMENT", "Missing ModelSpec")
    assert refused(stubs, predict_pb2.PredictRequest()) == expected
    metadata = get_model_metadata_pb2.GetModelMetadataRequest()
    assert refused(stubs, metadata, "GetModelMetadata") == expected
    with pytest.raises(grpc.RpcError) as caught:
        stubs.models.GetModelStatus(get_model_status_pb2.GetModelStatusRequest())
    assert failure(caught.value) == expected


def test_regress(stubs: Grpc) -> None:
    response = stubs.prediction.Regress(regression(80.0, 1.0))
    assert [item.value for item in response.result.regressions] == [43.0, 3.5]
    assert response.model_spec.version.value == 2


def test_classify(stubs: Grpc) -> None:
    response = stubs.prediction.Classify(classification(20.0))
    (row,) = response.result.classifications
    assert [(c.label, c.score) for c in row.classes] == [("20", 13.0)]


def test_a_context_holds_for_all_examples(stubs: Grpc) -> None:
    request = regression()
    listed = request.input.example_list_with_context
    listed.context.features.feature["x"].float_list.value.append(10.0)
    listed.examples.add()
    listed.examples.add().features.feature["x"].float_list.value.append(4.0)
    response = stubs.prediction.Regress(request)
    assert [item.value for item in response.result.regressions] == [8.0, 5.0]


@pytest.mark.parametrize(
    ("method", "make", "details"),
    [
        ("Regress", regression, "Input is empty."),
        ("Regress", lambda: regression(1, signature="zz"),
         "No signature was found with the name: zz"),
        ("Regress", lambda: regression(1, signature="serving_default"),
         "Expected regression signature method_name to be tensorflow/serving/regress. "
         "Was: tensorflow/serving/predict"),
        ("Classify", lambda: classification(1, signature="regress_x_to_y"),
         "Expected classification signature method_name to be tensorflow/serving/classify. "
         "Was: tensorflow/serving/regress"),
    ],
)  # fmt: skip
def test_bad_examples(stubs: Grpc, method: str, make: object, details: str) -> None:
    assert refused(stubs, make(), method) == ("INVALID_ARGUMENT", details)  # type: ignore[operator]


def multi(*tasks: tuple[str, str, str], values: tuple[float, ...] = (8.0,)) -> Message:
    from tensorflow_serving.apis import inference_pb2

    request = examples(inference_pb2.MultiInferenceRequest(), *values)
    for model, signature, method in tasks:
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name, task.model_spec.signature_name = model, signature
    return request


REGRESS = ("half", "regress_x_to_y", "regress")
CLASSIFY = ("half", "classify_x_to_y", "classify")


def test_multi_inference(stubs: Grpc) -> None:
    response = stubs.prediction.MultiInference(multi(CLASSIFY, REGRESS))
    first, second = response.results
    assert first.classification_result.classifications[0].classes[0].label == "8"
    assert second.regression_result.regressions[0].value == 7.0
    assert second.model_spec.signature_name == "regress_x_to_y"


@pytest.mark.parametrize(
    ("request_of", "code", "details"),
    [
        (multi, "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (lambda: multi(REGRESS, ("texts", "regress_x_to_y", "regress")), "INVALID_ARGUMENT",
         "All ModelSpecs in a MultiInferenceRequest must access the same model name."),
        (lambda: multi(REGRESS, REGRESS), "INVALID_ARGUMENT",
         "Duplicate evaluation of signature: regress_x_to_y"),
        (lambda: multi(("half", "zz", "regress")), "INVALID_ARGUMENT",
         "Requested signature not found in model graph: zz"),
        (lambda: multi(("half", "serving_default", "predict")), "UNIMPLEMENTED",
         "Unsupported signature method_name: tensorflow/serving/predict"),
        (lambda: multi(REGRESS, values=()), "INVALID_ARGUMENT", "Input is empty."),
    ],
)  # fmt: skip
def test_bad_tasks(stubs: Grpc, request_of: object, code: str, details: str) -> None:
    assert refused(stubs, request_of(), "MultiInference") == (code, details)  # type: ignore[operator]


def test_status_and_metadata(stubs: Grpc) -> None:
    from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

    status = get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name = "half"
    listed = stubs.models.GetModelStatus(status).model_version_status
    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert [(v.version, v.state, v.status.error_code) for v in listed] == [
        (1, available, 0), (2, available, 0),
    ]  # fmt: skip
    status.model_spec.version.value = 5
    with pytest.raises(grpc.RpcError) as caught:
        stubs.models.GetModelStatus(status)
    assert failure(caught.value) == ("NOT_FOUND", "Could not find version 5 of model half")

    asked = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    asked.model_spec.name = "texts"
    response = stubs.prediction.GetModelMetadata(asked)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert sorted(signatures.signature_def["serving_default"].inputs) == ["text", "times"]
    assert response.model_spec.version.value == 7
    asked.metadata_field.append("more")
    code, details = refused(stubs, asked, "GetModelMetadata")
    assert (code, details) == ("INVALID_ARGUMENT", "Metadata field %s is not supportedmore")


def test_health(stubs: Grpc) -> None:
    check = stubs.channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=lambda request: request.SerializeToString(),
        response_deserializer=messages.HealthCheckResponse.FromString,
    )
    assert check(messages.HealthCheckRequest()).status == 1
    with pytest.raises(grpc.RpcError) as caught:
        check(messages.HealthCheckRequest(service="other"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_those_who_watch_keep_nobody_waiting(stubs: Grpc) -> None:
    watch = stubs.channel.unary_stream(
        "/grpc.health.v1.Health/Watch",
        request_serializer=lambda request: request.SerializeToString(),
        response_deserializer=messages.HealthCheckResponse.FromString,
    )
    watching = [watch(messages.HealthCheckRequest()) for _ in range(40)]
    assert [next(stream).status for stream in watching] == [1] * 40
    assert next(watch(messages.HealthCheckRequest(service="other"))).status == 3
    assert arrays(stubs.predict("half", {"x": X}))["y"].tolist() == [3.5, 4.0, 5.5]
    for stream in watching:
        stream.cancel()


def raw_call(stubs: Grpc, method: str, body: bytes) -> str:
    call = stubs.channel.unary_unary(
        f"/tensorflow.serving.PredictionService/{method}",
        request_serializer=None,
        response_deserializer=None,
    )
    try:
        call(body, timeout=60)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


def test_bytes_that_are_no_message(stubs: Grpc) -> None:
    body = predict_request("half", {"x": X}).SerializeToString()
    assert raw_call(stubs, "Predict", body) == "OK"
    assert raw_call(stubs, "Predict", body[:-3]) == "INTERNAL"
    assert raw_call(stubs, "Predict", b"\xff" * 20) == "INTERNAL"
    assert raw_call(stubs, "NoSuchMethod", body) == "UNIMPLEMENTED"


KNOWN = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"}


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    model=st.sampled_from(["half", "texts", "nope"]),
    signature=st.sampled_from(["", "two", "regress_x_to_y", "zz"]),
    alias=st.sampled_from(["x", "text", "times", "inputs", ""]),
    dtype=st.integers(-1, 25),
    shape=st.lists(st.integers(-2, 3) | st.sampled_from([1 << 20, 1 << 62]), max_size=4),
    content=st.binary(max_size=16),
    floats=st.lists(st.floats(width=32), max_size=4),
    outputs=st.lists(st.sampled_from(["y", "doubled", "q"]), max_size=2),
)
def test_no_request_harms_the_server(
    *,
    stubs: Grpc,
    model: str,
    signature: str,
    alias: str,
    dtype: int,
    shape: list[int],
    content: bytes,
    floats: list[float],
    outputs: list[str],
) -> None:
    request = predict_request(model, {}, signature=signature, outputs=outputs)
    tensor = request.inputs[alias]
    tensor.dtype, tensor.tensor_content = dtype, content
    tensor.float_val.extend(floats)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    # Examples of half's regression are parsed from what should be a vector of strings.
    assert raw_call(stubs, "Predict", request.SerializeToString()) in KNOWN
    assert arrays(stubs.predict("half", {"x": X}))["y"].tolist() == [3.5, 4.0, 5.5]
