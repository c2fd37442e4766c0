"""LightGBM's LambdaRank: a random search, each trial stopped early."""

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

Floats = npt.NDArray[np.float64]
Parameters = Mapping[str, "float | int | str | bool"]

ROUNDS: Final = 1500
SEARCH_LISTS: Final = 5000
_CORRECTED: Final = "corrected"
_CORRECTED_SHARE: Final = 0.75
_METRIC: Final = "sampled_ndcg"


@dataclasses.dataclass(frozen=True, eq=False)
class RankedRows:
    """Lists with the features of their candidates."""

    lists: CandidateLists
    features: FeatureTable

    def drawn(self, count: int, seed: int) -> RankedRows:
        """At most `count` of the lists."""
        lists = self.lists.drawn(count, seed)
        return RankedRows(lists, self.features.take(np.isin(self.lists.places, lists.places)))

    def without(self, name: str) -> RankedRows:
        """All features but one."""
        return RankedRows(self.lists, self.features.without(name))


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
        found: Floats = np.asarray(self.booster.predict(features.matrix()), np.float64)
        return found


def search_ranker(
    train: RankedRows, calibration: RankedRows, *, trials: int, seed: int, progress: Progress
) -> TunedRanker:
    """The trial with the highest estimated NDCG@10 on the calibration split.

    Beside the trees, the search draws whether scores are corrected for the sampling of
    negatives: training then begins at -log of the probability, which is left out when
    ranking. (XE-NDCG in place of LambdaRank was worse in every trial.) It is on
    `SEARCH_LISTS` lists at most.

    Args:
      train: to grow trees on.
      calibration: to stop early and to choose by.
      trials: points drawn.
      seed: of the search and of LightGBM.
      progress: is told each trial.
    """
    random = np.random.default_rng(seed)
    train, calibration = (rows.drawn(SEARCH_LISTS, seed) for rows in (train, calibration))
    best = None
    for trial in range(1, trials + 1):
        parameters = {
            **draw_parameters(random),
            "lambdarank_truncation_level": int(random.choice([10, 20, 40])),
            _CORRECTED: bool(random.random() < _CORRECTED_SHARE),
        }
        tuned = fit_ranker(train, calibration, parameters, seed)
        if best is None or tuned.ndcg > best.ndcg:
            best = tuned
        progress.say(
            f"ranking: LambdaRank {trial} of {trials}, NDCG {tuned.ndcg:.4f} "
            f"after {tuned.booster.best_iteration} rounds, best {best.ndcg:.4f}"
        )
    assert best is not None
    return best


def fit_ranker(
    train: RankedRows, calibration: RankedRows, parameters: Parameters, seed: int
) -> TunedRanker:
    """One trial."""
    measure = SampledNdcg(calibration.lists)
    levels, relevance = np.unique(train.lists.grades, return_inverse=True)
    data = lightgbm.Dataset(
        train.features.matrix(),
        relevance,
        group=train.lists.lengths,
        init_score=-np.log(train.lists.probability) if parameters[_CORRECTED] else None,
        feature_name=[f"f{place}" for place in range(len(train.features.names))],
        categorical_feature=categorical_places(train.features),
    )
    held_out = data.create_valid(
        calibration.features.matrix(),
        np.zeros(len(calibration.lists.grades)),  # the measure has the grades
        group=calibration.lists.lengths,
    )

    def evaluate(scores: Floats, _: lightgbm.Dataset) -> tuple[str, float, bool]:
        return _METRIC, measure(np.asarray(scores)), True

    booster = lightgbm.train(
        {
            **FIXED,
            **{key: value for key, value in parameters.items() if key != _CORRECTED},
            "objective": "lambdarank",
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
