"""The golden rows of an export, and the same rows as named tensors."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas import features, names
from schemas.config import GoalpathConfig
from schemas.features import DType, FeatureSpec, Shape
from trainer.golden import golden_machine, load_golden

Array = npt.NDArray[np.generic]
Tensors = dict[str, Array]


@dataclasses.dataclass(frozen=True)
class Golden:
    """What the trainer left in `golden.npz`.

    Attributes:
      inputs: signature -> input name -> value; texts are objects of bytes.
      outputs: signature -> output name -> value, of the traced function at export.
      machine: fingerprint of the machine that exported; "" where none was written.
    """

    inputs: Mapping[str, Tensors]
    outputs: Mapping[str, Tensors]
    machine: str


def read_golden(path: Path) -> Golden:
    """Reads `golden.npz`.

    Raises:
      OSError: it cannot be read.
      ValueError: it is no golden file.
    """
    content = path.read_bytes()
    golden = load_golden(content)
    return Golden(
        {signature: sides["inputs"] for signature, sides in golden.items()},
        {signature: sides["outputs"] for signature, sides in golden.items()},
        golden_machine(content),
    )


def dense_inputs(serialized: Sequence[bytes], config: GoalpathConfig) -> Tensors:
    """Serialized Examples as the named tensors of the signature `predict`.

    Args:
      serialized: tf.Examples, `B` of them.
      config: of the data set.

    Returns:
      Scalars `[B]`, vectors `[B, size]`, lists `[B, longest]`, padded with b"" or 0; a
      list that an Example leaves out is empty.
    """
    rows = [_parse(example) for example in serialized]
    specs = (*features.query_features(config), *features.candidate_features(config))
    return {spec.key: _dense(spec, [row.get(spec.key, []) for row in rows]) for spec in specs}


def _parse(serialized: bytes) -> dict[str, list[object]]:
    from tensorflow.core.example import example_pb2  # noqa: PLC0415  keeps NumPy users light

    example = example_pb2.Example.FromString(serialized)
    return {
        key: list(getattr(feature, feature.WhichOneof("kind") or "float_list").value)
        for key, feature in example.features.feature.items()
    }


def _dense(spec: FeatureSpec, rows: Sequence[list[object]]) -> Array:
    if spec.shape is Shape.SCALAR:
        return np.array([row[0] for row in rows], _numpy_type(spec))
    if spec.shape is Shape.VECTOR:
        return np.array(rows, _numpy_type(spec))
    longest = max((len(row) for row in rows), default=0)
    pad = b"" if spec.dtype is DType.BYTES else 0
    padded = [row + [pad] * (longest - len(row)) for row in rows]
    return np.array(padded, _numpy_type(spec)).reshape(len(rows), longest)


def _numpy_type(spec: FeatureSpec) -> type:
    return {DType.BYTES: object, DType.FLOAT: np.float32, DType.INT: np.int64}[spec.dtype]


def listed(scores: Array, candidate_ids: Array) -> npt.NDArray[np.bool_]:
    """Where `[B, N]` scores are of a candidate, and not padding."""
    filled = np.zeros(scores.shape, np.bool_)
    width = min(scores.shape[1], candidate_ids.shape[1])
    filled[:, :width] = candidate_ids[:, :width] != b""
    return filled


_SCORES: Final = (*names.ATTRIBUTED_HEADS, names.GOAL_PROBABILITY)
_ATTRIBUTION: Final = (
    names.ATTRIBUTED_SCORE,
    names.ATTRIBUTION_BASELINE,
    names.COMPLETENESS_ERROR,
    names.ATTRIBUTED_FEATURE,
    names.ATTRIBUTION,
)
EXPECTED_OUTPUTS: Final[Mapping[str, tuple[str, ...]]] = {
    names.SIGNATURE_DEFAULT: _SCORES,
    names.SIGNATURE_PREDICT: _SCORES,
    names.SIGNATURE_RECOMMEND: (names.RECOMMENDED_ID, names.RECOMMENDED_SCORE),
    names.SIGNATURE_EMBED_STUDENT: (names.EMBEDDING,),
    names.SIGNATURE_EMBED_ENGAGEMENT: (names.EMBEDDING,),
    names.SIGNATURE_GOAL_GIVEN: (*names.OF_ENGAGEMENT, names.GOAL_GIVEN),
    names.SIGNATURE_ATTRIBUTE: _ATTRIBUTION,
    names.SIGNATURE_GOAL: (
        names.GOAL_LIKELIHOOD,
        names.GOAL_LOWER,
        names.GOAL_UPPER,
        names.GOAL_PROBABILITY,
        *names.OF_STUDENT,
        names.EMBEDDING,
    ),
}
