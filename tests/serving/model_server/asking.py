"""Asks a running server as any client would, with the official stubs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import NamedTuple

import grpc
import numpy.typing as npt
from google.protobuf.message import Message

from serving.wire.tensors import Array, fill_proto, to_array
from tests.serving.conftest import Running


class Answered(NamedTuple):
    """Status and body of a REST answer."""

    status: int
    text: str

    @property
    def json(self) -> object:
        return json.loads(self.text)

    @property
    def error(self) -> str:
        parsed = json.loads(self.text)
        assert list(parsed) == ["error"]
        return str(parsed["error"])


def rest(
    running: Running, method: str, path: str, body: object = None, raw: bytes | None = None
) -> Answered:
    """An answer over REST; `body` is sent as JSON, `raw` as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", running.rest_port, timeout=60)
    sent = raw if raw is not None else None if body is None else json.dumps(body).encode()
    try:
        connection.request(method, path, sent)
        response = connection.getresponse()
        return Answered(response.status, response.read().decode("utf-8", "surrogateescape"))
    finally:
        connection.close()


class Grpc:
    """The official stubs of a running server."""

    def __init__(self, running: Running) -> None:
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        unlimited = [("grpc.max_receive_message_length", -1)]
        self.channel = grpc.insecure_channel(f"127.0.0.1:{running.grpc_port}", options=unlimited)
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def predict(self, model: str, inputs: Mapping[str, npt.ArrayLike], **spec: object) -> Message:
        return self.prediction.Predict(predict_request(model, inputs, **spec), timeout=60)


def predict_request(model: str, inputs: Mapping[str, npt.ArrayLike], **spec: object) -> Message:
    """A `PredictRequest`; `spec` may have signature, version, label and outputs."""
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest(output_filter=spec.get("outputs", ()))
    request.model_spec.name = model
    request.model_spec.signature_name = spec.get("signature", "")
    if "version" in spec:
        request.model_spec.version.value = spec["version"]
    if "label" in spec:
        request.model_spec.version_label = spec["label"]
    for alias, values in inputs.items():
        fill_proto(request.inputs[alias], values)
    return request


def arrays(response: Message) -> dict[str, Array]:
    """The outputs of a `PredictResponse`."""
    return {alias: to_array(proto) for alias, proto in response.outputs.items()}


def failure(call: grpc.RpcError) -> tuple[str, str]:
    """Code and details of a failed call."""
    return call.code().name, call.details()
