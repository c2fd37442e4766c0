"""Names that the SavedModel format gives to signatures and their tensors."""

from __future__ import annotations

from typing import Final

from google.protobuf.message import Message

DEFAULT_SIGNATURE: Final = "serving_default"
SIGNATURE_DEF: Final = "signature_def"  # the one metadata field there is

PREDICT_METHOD: Final = "tensorflow/serving/predict"
CLASSIFY_METHOD: Final = "tensorflow/serving/classify"
REGRESS_METHOD: Final = "tensorflow/serving/regress"

INPUTS: Final = "inputs"
OUTPUTS: Final = "outputs"
CLASSES: Final = "classes"
SCORES: Final = "scores"


def signature_name(model_spec: Message) -> str:
    """The signature that a `ModelSpec` asks for."""
    return model_spec.signature_name or DEFAULT_SIGNATURE


def fill_model_spec(spec: Message, asked: Message, version: int) -> None:
    """Says who answered."""
    spec.name = asked.name
    spec.signature_name = signature_name(asked)
    spec.version.value = version
