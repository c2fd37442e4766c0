"""A table of figures: methods by metrics, with intervals and the distance to the best peer."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts.bootstrap import Estimate, Measure, StudentBootstrap, weighted_mean
from benchmarks.quality_parts.calibration_bins import CalibrationBins
from benchmarks.quality_parts.labelled_rows import log_losses
from benchmarks.quality_parts.pair_order import PairOrder

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Json = dict[str, Any]

OURS: Final = "goalpath"
TRUTH: Final = "truth"
AUC: Final = "auc"
STRATA_AUC: Final = "auc_within_strata"
LOG_LOSS: Final = "log_loss"
BRIER: Final = "brier"
ECE: Final = "ece"
NDCG: Final = "ndcg"
RECALL: Final = "recall"
CONSTANT: Final = "constant"
CHANCE: Final = "chance"
LIGHTGBM: Final = "LightGBM"
LAMBDA_RANK: Final = "LightGBM LambdaRank"
# A constant has next to no calibration error, and says nothing.
_NO_PEERS: Final = (OURS, TRUTH, CONSTANT, CHANCE)
ALWAYS_COMPARED: Final = (LIGHTGBM, LAMBDA_RANK)
LOWER_IS_BETTER: Final = frozenset({LOG_LOSS, BRIER, ECE})

MeasureOf = Callable[[Floats], Measure]
"""Answers of one method -> a figure as a function of row weights."""


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a view.

    Attributes:
      student: code of each row's student, `(n,)`.
      labels: 0 or 1, `(n,)`.
      strata: codes, `(n,)`.
    """

    student: Places
    labels: Floats
    strata: Places

    def measures(self, metrics: Sequence[str]) -> dict[str, MeasureOf]:
        """The metrics of probabilities, by name."""
        known: dict[str, MeasureOf] = {
            AUC: lambda p: PairOrder(self.labels, p).auc,
            STRATA_AUC: lambda p: PairOrder(self.labels, p, self.strata).auc,
            LOG_LOSS: lambda p: weighted_mean(log_losses(self.labels, p)),
            BRIER: lambda p: weighted_mean((p - self.labels) ** 2),
            ECE: lambda p: CalibrationBins(self.labels, p).error,
        }
        return {metric: known[metric] for metric in metrics}


def figure_table(
    answers: Mapping[str, Floats],
    measures: Mapping[str, MeasureOf],
    student: Places,
    bootstrap: StudentBootstrap,
) -> Json:
    """Every metric of every method, and how far ours is from the best peer.

    Args:
      answers: method -> `(n,)`; `OURS` is among them; truth, constant and chance
        are no peers.
      measures: metric -> what makes a measure of answers.
      student: of each row, `(n,)`.
      bootstrap: the same resamples for all methods, so that differences are paired.

    Returns:
      metric -> {"methods": {method: [value, low, high]}, "best_peer": name,
      "differences": {peer: [ours - peer, low, high]}} with the best peer and those
      of `ALWAYS_COMPARED`. Undefined numbers are None.
    """
    table: Json = {}
    for metric, measure_of in measures.items():
        estimates = {
            method: bootstrap.estimate(measure_of(values), student)
            for method, values in answers.items()
        }
        entry: Json = {"methods": {method: as_triple(e) for method, e in estimates.items()}}
        best = _best_peer(metric, estimates)
        if best is not None:
            entry["best_peer"] = best
            entry["differences"] = {
                peer: as_triple(estimates[OURS].minus(estimates[peer]))
                for peer in estimates
                if peer in (best, *ALWAYS_COMPARED)
            }
        table[metric] = entry
    return table


def _best_peer(metric: str, estimates: Mapping[str, Estimate]) -> str | None:
    sign = -1 if metric in LOWER_IS_BETTER else 1
    peers = {
        method: sign * estimate.value
        for method, estimate in estimates.items()
        if not method.startswith(_NO_PEERS) and not math.isnan(estimate.value)
    }
    return max(peers, key=lambda method: peers[method]) if peers else None


def as_triple(estimate: Estimate) -> list[float | None]:
    """[value, low, high], rounded; None for NaN."""
    return [rounded(number) for number in (estimate.value, *estimate.interval)]


def rounded(number: float) -> float | None:
    """Five decimal places; None for NaN, which JSON has not."""
    return None if math.isnan(number) else round(number, 5)
