"""MultiInference: several classifications and regressions of the same Examples at once."""

from __future__ import annotations

from google.protobuf.message import Message
from tensorflow_serving.apis import inference_pb2

from serving.model_server.classify import classification_tensors, fill_classifications
from serving.model_server.example_input import serialized_examples
from serving.model_server.regress import fill_regressions, regression_tensors
from serving.model_server.servable import Servable
from serving.model_server.signature_names import (
    CLASSIFY_METHOD,
    REGRESS_METHOD,
    fill_model_spec,
    signature_name,
)
from serving.wire.status import Code, StatusError, invalid_argument


def multi_inference(servable: Servable, request: Message, timeout_ms: int | None) -> Message:
    """The answer to a `MultiInferenceRequest`: one run of the graph for all tasks.

    Raises:
      StatusError: as TF Serving's multi_inference.cc has them.
    """
    input_names: list[str] = []
    fetches: dict[str, None] = {}
    seen: set[str] = set()
    for task in request.tasks:
        _check_task(servable, request, task, seen)
        input_name, outputs = _tensors(servable, task)
        input_names.append(input_name)
        fetches.update(dict.fromkeys(outputs))
        if input_name != input_names[0]:
            raise invalid_argument("Input tensor must be the same for all Signatures.")
    examples = serialized_examples(request.input)
    values = servable.runner.run({input_names[0]: examples}, list(fetches), timeout_ms)
    computed = dict(zip(fetches, values, strict=True))
    response = inference_pb2.MultiInferenceResponse()
    for task in request.tasks:
        signature = servable.signatures[signature_name(task.model_spec)]
        result = response.results.add()
        if task.method_name == CLASSIFY_METHOD:
            fill_classifications(result.classification_result, signature, len(examples), computed)
        else:
            fill_regressions(result.regression_result, signature, len(examples), computed)
        fill_model_spec(result.model_spec, task.model_spec, servable.version)
    return response


def _check_task(servable: Servable, request: Message, task: Message, seen: set[str]) -> None:
    if not task.model_spec.name:
        raise invalid_argument("Found ModelSpec with an empty model name.")
    if task.model_spec.name != request.tasks[0].model_spec.name:
        raise invalid_argument(
            "All ModelSpecs in a MultiInferenceRequest must access the same model name."
        )
    name = signature_name(task.model_spec)
    if name in seen:
        raise invalid_argument("Duplicate evaluation of signature: ", name)
    seen.add(name)
    if name not in servable.signatures:
        raise invalid_argument("Requested signature not found in model graph: ", name)


def _tensors(servable: Servable, task: Message) -> tuple[str, list[str]]:
    signature = servable.signatures[signature_name(task.model_spec)]
    if task.method_name == CLASSIFY_METHOD:
        return classification_tensors(signature)
    if task.method_name == REGRESS_METHOD:
        input_name, output_name = regression_tensors(signature)
        return input_name, [output_name]
    raise StatusError(Code.UNIMPLEMENTED, f"Unsupported signature method_name: {task.method_name}")
