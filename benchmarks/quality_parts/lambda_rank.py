"""LightGBM for ranking: LambdaRank or XE-NDCG, chosen by a random search."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

import lightgbm
import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts.boosted_trees import (
    FIXED,
    PATIENCE,
    categorical_places,
    draw_parameters,
)
from benchmarks.quality_parts.candidate_lists import CandidateLists
from benchmarks.quality_parts.feature_table import FeatureTable
from benchmarks.quality_parts.progress import Progress
from benchmarks.quality_parts.sampled_ndcg import SampledNdcg
from schemas import names

Floats = npt.NDArray[np.float64]
Parameters = Mapping[str, "float | int | str | bool"]

ROUNDS: Final = 1500
_WITH_ID: Final = "with_id"
_CORRECTED: Final = "corrected"
_METRIC: Final = "sampled_ndcg"


@dataclasses.dataclass(frozen=True, eq=False)
class RankedRows:
    """Lists with the features of their candidates."""

    lists: CandidateLists
    features: FeatureTable


@dataclasses.dataclass(frozen=True, eq=False)
class TunedRanker:
    """The best trial.

    Attributes:
      booster: stopped at its best round.
      parameters: those that were drawn.
      ndcg: estimated on the calibration split.
    """

    booster: lightgbm.Booster
    parameters: Parameters
    ndcg: float

    def predict(self, features: FeatureTable) -> Floats:
        """Scores: `(total,)`."""
        matrix = _columns(features, self.parameters).matrix()
        found: Floats = np.asarray(self.booster.predict(matrix), np.float64)
        return found


def tune_ranker(
    train: RankedRows, calibration: RankedRows, *, trials: int, seed: int, progress: Progress
) -> TunedRanker:
    """The trial with the highest estimated NDCG@10 on the calibration split.

    Beside the trees, the search draws the objective, whether the engagement's id is a
    category, and whether scores are corrected for the sampling of negatives (training
    begins at -log of the probability, which is left out when ranking).

    Args:
      train: to grow trees on.
      calibration: to stop early and to choose by.
      trials: points drawn.
      seed: of the search and of LightGBM.
      progress: is told each trial.
    """
    random = np.random.default_rng(seed)
    measure = SampledNdcg(calibration.lists)
    best = None
    for trial in range(1, trials + 1):
        parameters = {
            **draw_parameters(random),
            "objective": str(random.choice(["lambdarank", "lambdarank", "rank_xendcg"])),
            "lambdarank_truncation_level": int(random.choice([10, 20, 40])),
            _WITH_ID: bool(random.integers(2)),
            _CORRECTED: bool(random.integers(2)),
        }
        tuned = _fit(train, calibration, parameters, seed, measure)
        if best is None or tuned.ndcg > best.ndcg:
            best = tuned
        progress.say(
            f"ranking: {parameters['objective']} {trial} of {trials}, NDCG {tuned.ndcg:.4f} "
            f"after {tuned.booster.best_iteration} rounds, best {best.ndcg:.4f}"
        )
    assert best is not None
    return best


def _fit(
    train: RankedRows,
    calibration: RankedRows,
    parameters: Parameters,
    seed: int,
    measure: SampledNdcg,
) -> TunedRanker:
    levels, relevance = np.unique(train.lists.grades, return_inverse=True)
    features = _columns(train.features, parameters)
    data = lightgbm.Dataset(
        features.matrix(),
        relevance,
        group=train.lists.lengths,
        init_score=-np.log(train.lists.probability) if parameters[_CORRECTED] else None,
        feature_name=[f"f{place}" for place in range(len(features.names))],
        categorical_feature=categorical_places(features),
    )
    held_out = data.create_valid(
        _columns(calibration.features, parameters).matrix(),
        np.zeros(len(calibration.lists.grades)),  # the measure has the grades
        group=calibration.lists.lengths,
    )

    def evaluate(scores: Floats, _: lightgbm.Dataset) -> tuple[str, float, bool]:
        return _METRIC, measure(np.asarray(scores)), True

    own = {key: value for key, value in parameters.items() if key not in (_WITH_ID, _CORRECTED)}
    booster = lightgbm.train(
        {
            **FIXED,
            **own,
            "metric": "None",
            "label_gain": [float(gain) for gain in np.exp2(levels) - 1],
            "seed": seed,
        },
        data,
        num_boost_round=ROUNDS,
        valid_sets=[held_out],
        feval=evaluate,
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )
    return TunedRanker(booster, parameters, float(booster.best_score["valid_0"][_METRIC]))


def _columns(features: FeatureTable, parameters: Parameters) -> FeatureTable:
    return features if parameters[_WITH_ID] else features.without(names.C_ID)
