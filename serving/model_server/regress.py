"""Regress: Examples to one number each."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import Message
from tensorflow_serving.apis import regression_pb2

from serving.model_server.example_input import serialized_examples
from serving.model_server.servable import Servable
from serving.model_server.signature_names import (
    INPUTS,
    OUTPUTS,
    REGRESS_METHOD,
    fill_model_spec,
    signature_name,
)
from serving.wire.status import Code, StatusError, invalid_argument
from serving.wire.tensors import Array, kind_of, shape_text


def regress(servable: Servable, request: Message, timeout_ms: int | None) -> Message:
    """The answer to a `RegressionRequest`.

    Raises:
      StatusError: as TF Serving's regressor.cc has them.
    """
    signature = servable.inference_signature(signature_name(request.model_spec))
    input_name, output_name = regression_tensors(signature)
    examples = serialized_examples(request.input)
    values = servable.runner.run({input_name: examples}, [output_name], timeout_ms)
    response = regression_pb2.RegressionResponse()
    fill_model_spec(response.model_spec, request.model_spec, servable.version)
    fill_regressions(response.result, signature, len(examples), {output_name: values[0]})
    return response


def regression_tensors(signature: Message) -> tuple[str, str]:
    """Names in the graph of the input and of the output.

    Raises:
      StatusError: the signature is none for regression.
    """
    if signature.method_name != REGRESS_METHOD:
        raise invalid_argument(
            "Expected regression signature method_name to be "
            f"{REGRESS_METHOD}. Was: {signature.method_name}"
        )
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if len(signature.outputs) != 1:
        raise invalid_argument("Expected one output Tensor.")
    for key, there in ((INPUTS, signature.inputs), (OUTPUTS, signature.outputs)):
        if key not in there:
            raise StatusError(
                Code.FAILED_PRECONDITION, f"No regression {key} found in SignatureDef: {signature}"
            )
    return signature.inputs[INPUTS].name, signature.outputs[OUTPUTS].name


def fill_regressions(
    result: Message, signature: Message, examples: int, computed: Mapping[str, Array]
) -> None:
    """Writes a `RegressionResult`.

    Args:
      result: to be filled.
      signature: of method regress.
      examples: how many were asked about.
      computed: name in the graph -> value; float32, `[B]` or `[B, 1]`.

    Raises:
      StatusError: the output has another shape or type.
    """
    value = computed[signature.outputs[OUTPUTS].name]
    if not (value.ndim == 1 or (value.ndim == 2 and value.shape[1] == 1)):
        raise invalid_argument(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got ",
            shape_text(value.shape),
        )
    if value.shape[0] != examples:
        raise invalid_argument(
            "Input batch size did not match output batch size: ", examples, " vs. ", value.shape[0]
        )
    if kind_of(value).name != "float":
        raise invalid_argument(
            f"Expected output Tensor of DT_FLOAT.  Got: DT_{kind_of(value).name.upper()}"
        )
    for number in value.ravel().tolist():
        result.regressions.add().value = number
