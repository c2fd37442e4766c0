"""What the bundle's SavedModel says, through `serving_default` alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from benchmarks.quality_parts.progress import Progress
from benchmarks.quality_parts.read_examples import serialized_batches
from benchmarks.quality_parts.snapshots import Column
from components.evaluator.ranking_metrics import cut_padding
from schemas import names

Floats = npt.NDArray[np.float64]

BATCH: Final = 512
_PADDING: Final = {
    names.RANKING_SCORE: names.PAD_SCORE,
    names.LIKELIHOOD_GIVEN: names.PAD_PROBABILITY,
    names.RISK_GIVEN: names.PAD_PROBABILITY,
}


@dataclasses.dataclass(frozen=True, eq=False)
class ModelOutputs:
    """Outputs for a split of n snapshots with `total` candidates.

    Attributes:
      alone: LIKELIHOOD and RISK -> `(n,)`.
      listed: RANKING_SCORE, LIKELIHOOD_GIVEN and RISK_GIVEN -> `(total,)`, parallel to
        the candidates.
    """

    alone: dict[str, Floats]
    listed: dict[str, Floats]


def model_outputs(
    saved_model: Path, files: Sequence[Path], candidates: Column, progress: Progress
) -> ModelOutputs:
    """Runs the model over a split.

    Args:
      saved_model: its folder.
      files: TFRecord files of the split.
      candidates: the ids that the Examples list, which say where a list ends.
      progress: is told now and then.

    Raises:
      ValueError: scores of the model do not fit the candidates, or one is NaN.
    """
    signature = tf.saved_model.load(str(saved_model)).signatures[names.SIGNATURE_DEFAULT]
    lengths = candidates.lengths
    alone: dict[str, list[Floats]] = {names.LIKELIHOOD: [], names.RISK: []}
    listed: dict[str, list[Floats]] = {key: [] for key in _PADDING}
    done = 0
    for serialized in serialized_batches(files, BATCH):
        outputs = signature(**{names.EXAMPLES_INPUT: tf.constant(serialized)})
        for key, parts in alone.items():
            parts.append(outputs[key].numpy().astype(np.float64))
        here = lengths[done : done + len(serialized)]
        for key, sentinel in _PADDING.items():
            rows = outputs[key].numpy()
            for scores, length in zip(rows, here, strict=True):
                listed[key].append(cut_padding(scores, int(length), pad_score=sentinel))
        if done // 20_000 != (done + len(serialized)) // 20_000:
            progress.say(f"our model: {done + len(serialized):,} snapshots")
        done += len(serialized)
    outputs_of = ModelOutputs(
        {key: np.concatenate(parts) for key, parts in alone.items()},
        {key: np.concatenate(parts).astype(np.float64) for key, parts in listed.items()},
    )
    for key, values in (*outputs_of.alone.items(), *outputs_of.listed.items()):
        if np.isnan(values).any():
            raise ValueError(f"{key} must be a number. Received: {np.isnan(values).sum()} NaN.")
    return outputs_of
