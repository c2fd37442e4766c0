"""Asks the signatures of a finished run's SavedModel about Examples."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts.progress import Progress
from benchmarks.quality_parts.read_examples import serialized_batches
from schemas import features, names
from schemas.config import GoalpathConfig
from trainer.batching import dense_from_examples

BATCH: Final = 512
Floats = npt.NDArray[np.float64]
Tensors = dict[str, npt.NDArray[np.generic]]
Loaded = Any  # TensorFlow has no types: a loaded SavedModel


@dataclasses.dataclass(frozen=True, eq=False)
class GoalAnswers:
    """Of `n` snapshots.

    Attributes:
      likelihood: by stage, `[n, K]`.
      lower: `[n, K]`.
      upper: `[n, K]`.
      next_step: of the likelihood head, `[n]`.
    """

    likelihood: Floats
    lower: Floats
    upper: Floats
    next_step: Floats


def ask_goals(
    model: Loaded, files: Sequence[Path], config: GoalpathConfig, progress: Progress
) -> GoalAnswers:
    """The signature `goal` for every Example, in the order of the files."""
    function = model.signatures[names.SIGNATURE_GOAL]
    keys = (*names.GOAL_VALUES, names.LIKELIHOOD)
    parts: dict[str, list[Floats]] = {key: [] for key in keys}
    done = 0
    for serialized in serialized_batches(files, BATCH):
        answers = function(
            **dense_from_examples(serialized, features.query_features(config), config)
        )
        for key in keys:
            parts[key].append(answers[key].numpy().astype(np.float64))
        done += len(serialized)
        if done % (100 * BATCH) == 0:
            progress.say(f"asked about {done:,} snapshots")
    joined = [np.concatenate(parts[key]) for key in keys]
    return GoalAnswers(*joined)
