"""A model behind gRPC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import grpc
from google.protobuf.message import Message

from serving.client.model_client import (
    DEFAULT_SIGNATURE,
    NEWEST,
    ClientOptions,
    Inputs,
    Prediction,
    VersionStatus,
    WhichVersion,
)
from serving.client.retry import Retrier
from serving.wire import messages
from serving.wire.status import Code
from serving.wire.tensors import TensorFormatError, fill_proto, to_array

_PREDICT: Final = "/tensorflow.serving.PredictionService/Predict"
_STATUS: Final = "/tensorflow.serving.ModelService/GetModelStatus"
_UNLIMITED: Final = -1


class GrpcModelClient:
    """A `ModelClient` over gRPC.

    Args:
      options: where and how long.
      retrier: other than that of the options.
    """

    def __init__(self, options: ClientOptions, retrier: Retrier | None = None) -> None:
        self._options = options
        self._retrier = retrier or Retrier(options.retry)
        self._channel = grpc.insecure_channel(
            options.target,
            options=[
                ("grpc.max_receive_message_length", _UNLIMITED),
                ("grpc.max_send_message_length", _UNLIMITED),
                ("grpc.enable_retries", 0),
            ],
        )
        self._predict = self._method(_PREDICT, messages.PredictResponse)
        self._status = self._method(_STATUS, messages.GetModelStatusResponse)

    def predict(
        self,
        inputs: Inputs,
        *,
        signature: str = DEFAULT_SIGNATURE,
        outputs: Sequence[str] = (),
        version: WhichVersion = NEWEST,
        timeout_seconds: float | None = None,
    ) -> Prediction:
        """See `ModelClient.predict`.

        Raises:
          ModelServerError: of a kind that says what can be done.
        """
        request = messages.PredictRequest(output_filter=outputs)
        self._fill_spec(request.model_spec, version)
        request.model_spec.signature_name = signature
        for alias, values in inputs.items():
            try:
                fill_proto(request.inputs[alias], values, content=True)
            except TensorFormatError as error:
                raise self._options.error(
                    Code.INVALID_ARGUMENT, f"input {alias}: {error}"
                ) from error
        response = self._call(self._predict, request, timeout_seconds)
        return Prediction(
            {alias: to_array(proto) for alias, proto in response.outputs.items()},
            int(response.model_spec.version.value),
        )

    def versions(self, *, timeout_seconds: float | None = None) -> tuple[VersionStatus, ...]:
        """See `ModelClient.versions`.

        Raises:
          ModelServerError: of a kind that says what can be done.
        """
        request = messages.GetModelStatusRequest()
        request.model_spec.name = self._options.model
        response = self._call(self._status, request, timeout_seconds)
        found = (
            VersionStatus(status.version, status.state, status.status.error_message)
            for status in response.model_version_status
        )
        return tuple(sorted(found, key=lambda status: status.version))

    def close(self) -> None:
        """See `ModelClient.close`."""
        self._channel.close()

    def _method(self, path: str, answer: type[Message]) -> grpc.UnaryUnaryMultiCallable:
        return self._channel.unary_unary(
            path,
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=answer.FromString,
        )

    def _fill_spec(self, spec: Message, version: WhichVersion) -> None:
        spec.name = self._options.model
        if version.number is not None:
            spec.version.value = version.number
        elif version.label is not None:
            spec.version_label = version.label

    def _call(
        self, method: Callable[..., Message], request: Message, timeout_seconds: float | None
    ) -> Message:
        def attempt(left: float) -> Message:
            try:
                return method(request, timeout=left)
            except grpc.RpcError as error:
                raise self._options.error(Code(error.code().value[0]), error.details()) from error

        return self._retrier.call(attempt, self._options.limit(timeout_seconds))
