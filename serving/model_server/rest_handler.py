"""Answers REST requests: bytes in, status and JSON out."""

from __future__ import annotations

from typing import Final, NamedTuple

from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
    regression_pb2,
)

from schemas.tfx_lines import print_defaults
from serving.model_server.json_examples import fill_input
from serving.model_server.json_parse import parse_object, too_deep
from serving.model_server.json_predict import parse_predict, signature_in
from serving.model_server.json_results import (
    classification_json,
    error_json,
    predict_json,
    regression_json,
)
from serving.model_server.manager import as_status
from serving.model_server.rest_paths import BadVersionError, Target, parse_target
from serving.model_server.service import REST, ModelService
from serving.model_server.signature_names import DEFAULT_SIGNATURE, SIGNATURE_DEF
from serving.wire.status import HTTP_STATUS, Code, StatusError, invalid_argument

_OK: Final = HTTP_STATUS[Code.OK]


class Answer(NamedTuple):
    """Status and body, JSON in UTF-8."""

    status: int
    body: bytes


class RestHandler:
    """The REST API.

    Args:
      service: answers.
      timeout_ms: for the computation of a request; 0: any.
    """

    def __init__(self, service: ModelService, timeout_ms: int) -> None:
        self._service = service
        self._timeout_ms = timeout_ms or None

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """The answer to a request; an error is one, too.

        Args:
          method: of HTTP.
          path: as it was sent, without the query; begins with `/v1/`.
          body: of the request.
        """
        try:
            return Answer(_OK, _encoded(self._dispatch(parse_target(method, path), method, body)))
        except BadVersionError as error:
            return Answer(HTTP_STATUS[error.code], b"")
        except RecursionError:
            return _failed(too_deep())
        except Exception as error:  # every fault of a request ends with that request
            return _failed(as_status(error))

    def _dispatch(self, target: Target, method: str, body: bytes) -> str:
        if method == "GET":
            if not target.model:
                raise invalid_argument("Missing model name in request.")
            return self._metadata(target) if target.verb else self._status(target)
        answers = {"predict": self._predict, "classify": self._classify, "regress": self._regress}
        answer = answers.get(target.verb)
        if answer is None:  # the path's case does not matter, the verb's does
            raise invalid_argument(f"Malformed request: {method} {target.verb}")
        return answer(target, body)

    def _predict(self, target: Target, body: bytes) -> str:
        request = predict_pb2.PredictRequest()
        target.fill(request.model_spec)
        name, parsed = parse_predict(
            body,
            lambda name: self._service.signature_inputs(
                request.model_spec, name or DEFAULT_SIGNATURE
            ),
        )
        request.model_spec.signature_name = name
        outputs = self._service.predict_arrays(request.model_spec, parsed.inputs, self._timeout_ms)
        return predict_json(outputs, parsed.format)

    def _classify(self, target: Target, body: bytes) -> str:
        request = classification_pb2.ClassificationRequest()
        self._fill(request, target, body)
        response = self._service.classify(request, self._timeout_ms, REST)
        return classification_json(response.result)

    def _regress(self, target: Target, body: bytes) -> str:
        request = regression_pb2.RegressionRequest()
        self._fill(request, target, body)
        response = self._service.regress(request, self._timeout_ms, REST)
        return regression_json(response.result)

    def _fill(self, request: Message, target: Target, body: bytes) -> None:
        target.fill(request.model_spec)
        document = parse_object(body)
        request.model_spec.signature_name = signature_in(document)
        fill_input(request.input, document)

    def _status(self, target: Target) -> str:
        request = get_model_status_pb2.GetModelStatusRequest()
        target.fill(request.model_spec)
        return _proto_json(self._service.model_status(request)) + "\n"

    def _metadata(self, target: Target) -> str:
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=[SIGNATURE_DEF])
        target.fill(request.model_spec)
        response = self._service.model_metadata(request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata[SIGNATURE_DEF].Unpack(signatures)
        return (
            f'{{\n"model_spec":{_proto_json(response.model_spec)}\n,\n'
            f'"metadata": {{"signature_def": {_proto_json(signatures)}\n}}\n}}\n'
        )


def _proto_json(message: Message) -> str:
    return str(
        json_format.MessageToJson(
            message,
            **print_defaults(),
            preserving_proto_field_name=True,
            indent=1,
        )
    )


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _failed(error: StatusError) -> Answer:
    return Answer(HTTP_STATUS[error.code], _encoded(error_json(error)))
