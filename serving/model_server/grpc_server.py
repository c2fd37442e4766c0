"""The gRPC services: PredictionService, ModelService and grpc.health.v1.Health."""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
from typing import Final

import grpc
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.model_server.flags import ServerOptions
from serving.model_server.manager import as_status
from serving.model_server.service import GRPC, ModelService
from serving.wire import messages
from serving.wire.status import Code, StatusError

PREDICTION_SERVICE: Final = "tensorflow.serving.PredictionService"
MODEL_SERVICE: Final = "tensorflow.serving.ModelService"
HEALTH_SERVICE: Final = "grpc.health.v1.Health"
SERVING: Final = 1  # HealthCheckResponse.ServingStatus
SERVICE_UNKNOWN: Final = 3
_WATCHED: Final = ("", PREDICTION_SERVICE, MODEL_SERVICE)
_UNLIMITED: Final = -1
_MILLIS: Final = 1000

Answer = Callable[[Message, int | None], Message]
_CODES: Final = {Code(code.value[0]): code for code in grpc.StatusCode}


def make_grpc_server(service: ModelService, options: ServerOptions) -> grpc.Server:
    """A server that listens, and answers after its `start()`.

    Raises:
      StatusError: the port or the socket is taken.
    """
    server = grpc.server(
        futures.ThreadPoolExecutor(options.request_threads, thread_name_prefix="grpc"),
        options=[
            ("grpc.max_receive_message_length", _UNLIMITED),
            ("grpc.max_send_message_length", _UNLIMITED),
            ("grpc.so_reuseport", 0),
            *_channel_arguments(options.grpc_channel_arguments),
        ],
    )
    enforce = options.enforce_session_run_timeout
    handlers = [_prediction_handler(service, enforce), _model_handler(service)]
    if options.enable_grpc_healthcheck_service:
        handlers.append(_health_handler())
    server.add_generic_rpc_handlers(tuple(handlers))
    addresses = [f"{options.bind_address}:{options.port}"]
    if options.grpc_socket_path:
        addresses.append(f"unix:{options.grpc_socket_path}")
    for address in addresses:
        _listen(server, address)
    return server


def _listen(server: grpc.Server, address: str) -> None:
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        raise StatusError(
            Code.INVALID_ARGUMENT, f"Failed to BuildAndStart gRPC server at {address}: {error}"
        ) from error


def _channel_arguments(text: str) -> list[tuple[str, int | str]]:
    pairs = [part.split("=", 1) for part in text.split(",") if "=" in part]
    return [(key, int(value) if value.lstrip("-").isdigit() else value) for key, value in pairs]


def _prediction_handler(service: ModelService, enforce: bool) -> grpc.GenericRpcHandler:
    def timed(answer: Callable[[Message, int | None, str], Message]) -> Answer:
        return lambda request, timeout_ms: answer(request, timeout_ms, GRPC)

    methods: dict[str, tuple[Answer, type[Message]]] = {
        "Predict": (timed(service.predict), predict_pb2.PredictRequest),
        "Classify": (timed(service.classify), classification_pb2.ClassificationRequest),
        "Regress": (timed(service.regress), regression_pb2.RegressionRequest),
        "MultiInference": (service.multi_inference, inference_pb2.MultiInferenceRequest),
        "GetModelMetadata": (
            lambda request, _: service.model_metadata(request),
            get_model_metadata_pb2.GetModelMetadataRequest,
        ),
    }
    return grpc.method_handlers_generic_handler(
        PREDICTION_SERVICE,
        {name: _unary(answer, kind, enforce) for name, (answer, kind) in methods.items()},
    )


def _model_handler(service: ModelService) -> grpc.GenericRpcHandler:
    methods: dict[str, tuple[Answer, type[Message]]] = {
        "GetModelStatus": (
            lambda request, _: service.model_status(request),
            get_model_status_pb2.GetModelStatusRequest,
        ),
        "HandleReloadConfigRequest": (
            lambda request, _: service.reload_config(request),
            model_management_pb2.ReloadConfigRequest,
        ),
    }
    return grpc.method_handlers_generic_handler(
        MODEL_SERVICE,
        {name: _unary(answer, kind, False) for name, (answer, kind) in methods.items()},
    )


def _unary(answer: Answer, kind: type[Message], enforce: bool) -> grpc.RpcMethodHandler:
    def handle(request: Message, context: grpc.ServicerContext) -> Message:
        try:
            return answer(request, _timeout_ms(context) if enforce else None)
        except Exception as error:  # every fault of a request ends with that request
            status = as_status(error)
            context.abort(_CODES[status.code], status.message)
            raise

    return grpc.unary_unary_rpc_method_handler(
        handle, kind.FromString, lambda response: response.SerializeToString()
    )


def _timeout_ms(context: grpc.ServicerContext) -> int | None:
    remaining = context.time_remaining()
    # gRPC says a deadline of centuries where there is none.
    if remaining is None or remaining * _MILLIS >= 1 << 31:
        return None
    return max(int(remaining * _MILLIS), 1)


def _health_handler() -> grpc.GenericRpcHandler:
    def check(request: Message, context: grpc.ServicerContext) -> Message:
        if request.service not in _WATCHED:
            context.abort(grpc.StatusCode.NOT_FOUND, "")
        return messages.HealthCheckResponse(status=SERVING)

    def watch(
        request: Message, context: grpc.ServicerContext, send: Callable[[Message], None]
    ) -> None:
        status = SERVING if request.service in _WATCHED else SERVICE_UNKNOWN
        send(messages.HealthCheckResponse(status=status))  # it changes no more

    # As grpcio-health-checking does: a watcher stays for hours, and must not hold a thread.
    watch.experimental_non_blocking = True  # type: ignore[attr-defined]

    def encoded(response: Message) -> bytes:
        return bytes(response.SerializeToString())

    decode = messages.HealthCheckRequest.FromString
    return grpc.method_handlers_generic_handler(
        HEALTH_SERVICE,
        {
            "Check": grpc.unary_unary_rpc_method_handler(check, decode, encoded),
            "Watch": grpc.unary_stream_rpc_method_handler(watch, decode, encoded),
        },
    )
