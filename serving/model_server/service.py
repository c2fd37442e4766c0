"""Answers requests, whichever way they came, and counts them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from google.protobuf.message import Message
from tensorflow_serving.apis import model_management_pb2

from serving.model_server.classify import classify
from serving.model_server.core import ServerCore
from serving.model_server.manager import as_status
from serving.model_server.metrics import Metrics
from serving.model_server.model_answers import model_metadata, model_status
from serving.model_server.multi_inference import multi_inference
from serving.model_server.predict import predict, predict_arrays
from serving.model_server.regress import regress
from serving.model_server.servable import Servable
from serving.model_server.signature_names import signature_name
from serving.wire.status import Code, invalid_argument
from serving.wire.tensors import Array

Infer = Callable[[Servable, Message, int | None], Message]

_MICROS: Final = 1_000_000
GRPC: Final = "GRPC"
REST: Final = "REST"


class ModelService:
    """The requests of PredictionService and ModelService.

    Args:
      core: has the models.
      metrics: count.
    """

    def __init__(self, core: ServerCore, metrics: Metrics) -> None:
        self.core = core
        self._metrics = metrics

    def predict(self, request: Message, timeout_ms: int | None, entrance: str) -> Message:
        """Answers a `PredictRequest`.

        Raises:
          StatusError: the request does not end well.
        """
        return self._infer("Predict", predict, request, timeout_ms, entrance)

    def predict_arrays(
        self, model_spec: Message, inputs: Mapping[str, Array], timeout_ms: int | None
    ) -> dict[str, Array]:
        """What a REST request for `predict` asks for: alias -> array, both ways.

        Raises:
          StatusError: the request does not end well.
        """
        with self._counted("Predict", model_spec.name, REST), self.core.use(model_spec) as servable:
            name = signature_name(model_spec)
            return predict_arrays(servable, name, inputs, (), timeout_ms)

    def classify(self, request: Message, timeout_ms: int | None, entrance: str) -> Message:
        """Answers a `ClassificationRequest`.

        Raises:
          StatusError: the request does not end well.
        """
        response = self._infer("Classify", classify, request, timeout_ms, entrance)
        self._count_examples(request.model_spec.name, len(response.result.classifications))
        return response

    def regress(self, request: Message, timeout_ms: int | None, entrance: str) -> Message:
        """Answers a `RegressionRequest`.

        Raises:
          StatusError: the request does not end well.
        """
        response = self._infer("Regress", regress, request, timeout_ms, entrance)
        self._count_examples(request.model_spec.name, len(response.result.regressions))
        return response

    def multi_inference(self, request: Message, timeout_ms: int | None) -> Message:
        """Answers a `MultiInferenceRequest`.

        Raises:
          StatusError: the request does not end well.
        """
        if not request.tasks:
            raise invalid_argument("ModelSpec has no name specified.")
        with self.core.use(request.tasks[0].model_spec) as servable:
            return multi_inference(servable, request, timeout_ms)

    def model_status(self, request: Message) -> Message:
        """Answers a `GetModelStatusRequest`.

        Raises:
          StatusError: there is no such version.
        """
        return model_status(self.core, request)

    def model_metadata(self, request: Message) -> Message:
        """Answers a `GetModelMetadataRequest`.

        Raises:
          StatusError: there is no such version.
        """
        return model_metadata(self.core, request)

    def reload_config(self, request: Message) -> Message:
        """Takes the configuration of a `ReloadConfigRequest`.

        Raises:
          StatusError: it is not acceptable, or a new model did not become available.
        """
        self.core.reload_config(request.config)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.error_code = int(Code.OK)
        return response

    def signature_inputs(self, model_spec: Message, name: str) -> Mapping[str, Message]:
        """The inputs of a signature, `tensorflow.TensorInfo` by name.

        Raises:
          StatusError: there is no such servable or signature.
        """
        with self.core.use(model_spec) as servable:
            signature = servable.signatures.get(name)
            if signature is None:
                raise invalid_argument(
                    f'Serving signature name: "{name}" not found in signature def'
                )
            return dict(signature.inputs)

    def _infer(
        self, api: str, infer: Infer, request: Message, timeout_ms: int | None, entrance: str
    ) -> Message:
        if not request.HasField("model_spec"):
            raise invalid_argument("Missing ModelSpec")
        spec = request.model_spec
        with self._counted(api, spec.name, entrance), self.core.use(spec) as servable:
            return infer(servable, request, timeout_ms)

    @contextmanager
    def _counted(self, api: str, model: str, entrance: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        except Exception as error:
            self._metrics.request_count.add(model, as_status(error).code.name)
            raise
        micros = (time.perf_counter() - began) * _MICROS
        self._metrics.request_latency.add(micros, model, api, entrance)
        self._metrics.request_count.add(model, Code.OK.name)

    def _count_examples(self, model: str, count: int) -> None:
        self._metrics.example_counts.add(count, model)
        self._metrics.example_count_total.add(model, by=count)
