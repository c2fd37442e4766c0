"""Predict: named tensors to named tensors, by a signature of the SavedModel."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import numpy as np
from google.protobuf.message import Message
from tensorflow_serving.apis import predict_pb2

from serving.model_server.servable import Servable
from serving.model_server.signature_names import (
    CLASSIFY_METHOD,
    PREDICT_METHOD,
    REGRESS_METHOD,
    fill_model_spec,
    signature_name,
)
from serving.wire.status import Code, StatusError, invalid_argument
from serving.wire.tensors import Array, TensorFormatError, fill_proto, to_array

_METHODS: Final = (PREDICT_METHOD, CLASSIFY_METHOD, REGRESS_METHOD)


def predict(servable: Servable, request: Message, timeout_ms: int | None) -> Message:
    """The answer to a `PredictRequest`.

    Raises:
      StatusError: as TF Serving's predict_util.cc has them.
    """
    outputs = predict_arrays(
        servable,
        signature_name(request.model_spec),
        request.inputs,
        request.output_filter,
        timeout_ms,
    )
    response = predict_pb2.PredictResponse()
    fill_model_spec(response.model_spec, request.model_spec, servable.version)
    for alias, value in outputs.items():
        fill_proto(response.outputs[alias], value)
    return response


def predict_arrays(
    servable: Servable,
    name: str,
    inputs: Mapping[str, Message | Array],
    output_filter: Iterable[str],
    timeout_ms: int | None,
) -> dict[str, Array]:
    """What a signature computes.

    Args:
      servable: has the signature.
      name: of the signature.
      inputs: alias -> tensor, decoded or not.
      output_filter: the aliases wanted; none: all.
      timeout_ms: after which it is given up; None: never.

    Returns:
      Alias -> value, in the order of `output_filter`, else sorted.

    Raises:
      StatusError: as TF Serving's predict_util.cc has them.
    """
    signature = servable.signatures.get(name)
    if signature is None:
        raise StatusError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
    _check_method(signature)
    feeds = _feeds(signature, inputs)
    aliases = output_aliases(signature, output_filter)
    fetches = [signature.outputs[alias].name for alias in aliases]
    values = servable.runner.run(feeds, fetches, timeout_ms)
    return dict(zip(aliases, values, strict=True))


def output_aliases(signature: Message, output_filter: Iterable[str]) -> list[str]:
    """The outputs that were asked for; all of the signature where none was named.

    Raises:
      StatusError: one is unknown, or named twice.
    """
    aliases: list[str] = []
    for alias in output_filter:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in "
                f"the set {{{_joined(signature.outputs)}}}."
            )
        if alias in aliases:
            raise invalid_argument("duplicate output tensor alias: ", alias)
        aliases.append(alias)
    return aliases or sorted(signature.outputs)


def _check_method(signature: Message) -> None:
    if signature.method_name not in _METHODS:
        raise StatusError(
            Code.INTERNAL,
            "Expected prediction signature method_name to be one of {"
            + ", ".join(_METHODS)
            + f"}}. Was: {signature.method_name}",
        )


def _feeds(signature: Message, inputs: Mapping[str, Message | Array]) -> dict[str, Array]:
    defaults = getattr(signature, "defaults", {})  # TensorFlow 2.14 brought them
    missing = len(signature.inputs) - len(inputs)
    if missing < 0 or (missing > 0 and not defaults):
        raise invalid_argument(_size_message(signature.inputs, inputs))
    feeds: dict[str, Array] = {}
    for alias, info in signature.inputs.items():
        given = inputs[alias] if alias in inputs else defaults.get(alias)
        if given is None:
            raise invalid_argument(
                f"Signature input alias: {alias}(feed name: {info.name}) not found in request and "
                "no default value provided. Inputs expected to be in the request "
                f"{{{_joined(inputs)}}}, or default input alias set: {_joined(defaults)}"
            )
        try:
            feeds[info.name] = given if isinstance(given, np.ndarray) else to_array(given)
        except TensorFormatError as error:
            raise invalid_argument("tensor parsing error: ", alias) from error
    seen = [alias for alias in inputs if alias in signature.inputs]
    if len(seen) != len(inputs):
        raise invalid_argument(
            f"Inputs contains invalid name. Used request inputs: {_joined(seen)}, "
            f"request input: {_joined(inputs)}"
        )
    return feeds


def _size_message(wanted: Collection[str], sent: Collection[str]) -> str:
    return (
        f"input size does not match signature: {len(sent)}!={len(wanted)} "
        f"len({{{_joined(sent)}}}) != len({{{_joined(wanted)}}}). "
        f"Sent extra: {{{_joined(set(sent) - set(wanted))}}}. "
        f"Missing but required: {{{_joined(set(wanted) - set(sent))}}}."
    )


def _joined(names: Iterable[str]) -> str:
    return ",".join(sorted(names))
