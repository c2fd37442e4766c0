"""LightGBM for a probability: a random search, each trial stopped early."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Final

import lightgbm
import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts.feature_table import FeatureTable
from benchmarks.quality_parts.labelled_rows import LabelledRows
from benchmarks.quality_parts.progress import Progress

Floats = npt.NDArray[np.float64]
Parameters = Mapping[str, "float | int | str | bool"]

ROUNDS: Final = 3000
PATIENCE: Final = 60
FIXED: Final[Parameters] = {
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 2,
    "bagging_freq": 1,
}


@dataclasses.dataclass(frozen=True, eq=False)
class TunedTrees:
    """The best trial.

    Attributes:
      booster: stopped at its best round.
      parameters: those that were drawn.
      loss: its log loss on the calibration split.
    """

    booster: lightgbm.Booster
    parameters: Parameters
    loss: float

    def predict(self, features: FeatureTable) -> Floats:
        """Probabilities: `(n,)`."""
        found: Floats = np.asarray(self.booster.predict(features.matrix()), np.float64)
        return found


def draw_parameters(random: np.random.Generator) -> dict[str, float | int]:
    """One point of the search space, the same for probabilities and for ranking."""
    return {
        "num_leaves": int(random.choice([4, 8, 15, 31, 63])),
        "learning_rate": _log_uniform(random, 0.02, 0.1),
        "min_data_in_leaf": int(random.choice([20, 50, 100, 200, 400])),
        "feature_fraction": float(random.uniform(0.3, 1.0)),
        "bagging_fraction": float(random.uniform(0.5, 1.0)),
        "lambda_l2": _log_uniform(random, 0.1, 30.0),
        "cat_smooth": _log_uniform(random, 5.0, 100.0),
    }


def _log_uniform(random: np.random.Generator, low: float, high: float) -> float:
    return math.exp(random.uniform(math.log(low), math.log(high)))


def tune_trees(
    train: LabelledRows,
    calibration: LabelledRows,
    *,
    trials: int,
    seed: int,
    progress: Progress,
    label: str,
) -> TunedTrees:
    """The trial with the lowest log loss on the calibration split.

    Args:
      train: to grow trees on.
      calibration: to stop early and to choose by.
      trials: points drawn.
      seed: of the search and of LightGBM.
      progress: is told each trial.
      label: what it is told.
    """
    random = np.random.default_rng(seed)
    best = None
    for trial in range(1, trials + 1):
        parameters = draw_parameters(random)
        tuned = fit_trees(train, calibration, parameters, seed)
        if best is None or tuned.loss < best.loss:
            best = tuned
        progress.say(
            f"{label}: LightGBM {trial} of {trials}, log loss {tuned.loss:.4f} after "
            f"{tuned.booster.best_iteration} rounds, best {best.loss:.4f}"
        )
    assert best is not None
    return best


def fit_trees(
    train: LabelledRows, calibration: LabelledRows, parameters: Parameters, seed: int
) -> TunedTrees:
    """One trial."""
    data = lightgbm.Dataset(
        train.features.matrix(),
        train.labels,
        feature_name=[f"f{place}" for place in range(len(train.features.names))],
        categorical_feature=categorical_places(train.features),
        free_raw_data=True,
    )
    held_out = data.create_valid(calibration.features.matrix(), calibration.labels)
    booster = lightgbm.train(
        {**FIXED, **parameters, "objective": "binary", "metric": "binary_logloss", "seed": seed},
        data,
        num_boost_round=ROUNDS,
        valid_sets=[held_out],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )
    loss = float(booster.best_score["valid_0"]["binary_logloss"])
    return TunedTrees(booster, parameters, loss)


def categorical_places(features: FeatureTable) -> list[int]:
    """Where the categories are in `FeatureTable.matrix`."""
    return list(range(len(features.numbers), len(features.names)))
