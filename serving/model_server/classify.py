"""Classify: Examples to labels with scores."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import Message
from tensorflow_serving.apis import classification_pb2

from serving.model_server.example_input import serialized_examples
from serving.model_server.servable import Servable
from serving.model_server.signature_names import (
    CLASSES,
    CLASSIFY_METHOD,
    INPUTS,
    SCORES,
    fill_model_spec,
    signature_name,
)
from serving.wire.status import Code, StatusError, invalid_argument
from serving.wire.tensors import Array, kind_of, shape_text


def classify(servable: Servable, request: Message, timeout_ms: int | None) -> Message:
    """The answer to a `ClassificationRequest`.

    Raises:
      StatusError: as TF Serving's classifier.cc has them.
    """
    signature = servable.inference_signature(signature_name(request.model_spec))
    input_name, output_names = classification_tensors(signature)
    examples = serialized_examples(request.input)
    values = servable.runner.run({input_name: examples}, output_names, timeout_ms)
    response = classification_pb2.ClassificationResponse()
    fill_model_spec(response.model_spec, request.model_spec, servable.version)
    computed = dict(zip(output_names, values, strict=True))
    fill_classifications(response.result, signature, len(examples), computed)
    return response


def classification_tensors(signature: Message) -> tuple[str, list[str]]:
    """Names in the graph of the input and of the one or two outputs.

    Raises:
      StatusError: the signature is none for classification.
    """
    if signature.method_name != CLASSIFY_METHOD:
        raise invalid_argument(
            "Expected classification signature method_name to be "
            f"{CLASSIFY_METHOD}. Was: {signature.method_name}"
        )
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if len(signature.outputs) not in (1, 2):
        raise invalid_argument(
            f"Expected one or two output Tensors, found {len(signature.outputs)}"
        )
    if INPUTS not in signature.inputs:
        raise StatusError(
            Code.FAILED_PRECONDITION,
            f"No classification inputs found in SignatureDef: {signature}",
        )
    found = [key for key in (CLASSES, SCORES) if key in signature.outputs]
    if not found:
        raise StatusError(
            Code.FAILED_PRECONDITION,
            "Expected classification signature outputs to contain at least one of "
            f'"{CLASSES}" or "{SCORES}". Signature was: {signature}',
        )
    return signature.inputs[INPUTS].name, [signature.outputs[key].name for key in found]


def fill_classifications(
    result: Message, signature: Message, examples: int, computed: Mapping[str, Array]
) -> None:
    """Writes a `ClassificationResult`.

    Args:
      result: to be filled.
      signature: of method classify.
      examples: how many were asked about.
      computed: name in the graph -> value; classes string and scores float32, `[B, C]`.

    Raises:
      StatusError: an output has another shape or type.
    """
    classes = _checked(signature, CLASSES, "string", examples, computed)
    scores = _checked(signature, SCORES, "float", examples, computed)
    given = [part for part in (classes, scores) if part is not None]
    if len(given) > 1 and given[0].shape[1] != given[1].shape[1]:
        raise invalid_argument(
            "Tensors class and score should match in dim_size(1). Got "
            f"{given[0].shape[1]} vs. {given[1].shape[1]}"
        )
    for row in range(examples):
        into = result.classifications.add()
        for column in range(given[0].shape[1]):
            added = into.classes.add()
            if classes is not None:
                added.label = classes[row, column]
            if scores is not None:
                added.score = float(scores[row, column])


def _checked(
    signature: Message, key: str, kind: str, examples: int, computed: Mapping[str, Array]
) -> Array | None:
    if key not in signature.outputs:
        return None
    value = computed[signature.outputs[key].name]
    if value.ndim != 2:
        raise invalid_argument(
            "Expected Tensor shape: [batch_size num_classes] but got ", shape_text(value.shape)
        )
    if kind_of(value).name != kind:
        wanted, got = f"DT_{kind.upper()}", f"DT_{kind_of(value).name.upper()}"
        raise invalid_argument(f"Expected {key} Tensor of {wanted}. Got: {got}")
    if value.shape[0] != examples:
        raise invalid_argument(
            f"Expected {key} output batch size of {examples}. Got: {value.shape[0]}"
        )
    return value
