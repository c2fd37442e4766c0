"""What each head must beat to be worth its cost: one number that needs no model.

risk        days since the last active event
likelihood  how often training students in the same stage took a step
ranking     popularity of the last 7 days in the audience
"""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from components.evaluator.ranking_metrics import ndcg_at_k
from schemas import names

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float64]

PEERS: Final = {
    names.RISK: "days since the last activity",
    names.LIKELIHOOD: "the frequency of the stage in training",
    names.RANKING_SCORE: "popularity of the last 7 days",
}
PEERS_FILE: Final = "simple_peers.json"
_DAYS_STEP: Final = 1e-3  # days that differ by less are told from each other by no one


@dataclasses.dataclass(frozen=True, eq=False)
class PeerBatch:
    """What the peers read of `n` snapshots.

    Attributes:
      stage: `[n]`.
      days_since_active: `[n]`.
      labels: LIKELIHOOD and RISK -> 0 or 1, `[n]`.
      known: LIKELIHOOD and RISK -> whether the label is, `[n]`.
      ranked: whether the list counts, `[n]`.
      popularity: of each list's candidates.
      grades: likewise.
    """

    stage: Sequence[str]
    days_since_active: Floats
    labels: Mapping[str, Floats]
    known: Mapping[str, npt.NDArray[np.bool_]]
    ranked: npt.NDArray[np.bool_]
    popularity: Sequence[Floats]
    grades: Sequence[Floats]


class StageFrequency:
    """How often a step followed, by stage, counted batch by batch."""

    def __init__(self) -> None:
        self._steps: collections.Counter[str] = collections.Counter()
        self._seen: collections.Counter[str] = collections.Counter()

    def add(self, batch: PeerBatch) -> None:
        """Counts the snapshots whose label is known."""
        known = batch.known[names.LIKELIHOOD]
        label = batch.labels[names.LIKELIHOOD]
        for stage, is_known, value in zip(batch.stage, known, label, strict=True):
            if is_known:
                self._seen[stage] += 1
                self._steps[stage] += int(value > 0)

    def of(self, stage: str) -> float:
        """In [0, 1]; 1/2 for a stage that was not seen."""
        return (self._steps[stage] + 0.5) / (self._seen[stage] + 1)


class PeerTally:
    """The figures of the peers on the evaluation split, summed batch by batch.

    Memory holds a count for each distinct value of a peer, and no snapshot.

    Args:
      frequency: of the training split.
      top_k: of NDCG.
    """

    def __init__(self, frequency: StageFrequency, top_k: int) -> None:
        self._frequency = frequency
        self._top_k = top_k
        self._counts: dict[str, dict[float, list[int]]] = {
            head: collections.defaultdict(lambda: [0, 0]) for head in names.OF_STUDENT
        }
        self._ndcg, self._lists = 0.0, 0

    def add(self, batch: PeerBatch) -> None:
        """Counts a batch."""
        frequency = {stage: self._frequency.of(stage) for stage in set(batch.stage)}
        self._count(names.LIKELIHOOD, batch, np.array([frequency[s] for s in batch.stage]))
        self._count(names.RISK, batch, np.round(batch.days_since_active / _DAYS_STEP))
        for place in np.flatnonzero(batch.ranked).tolist():
            value = ndcg_at_k(batch.popularity[place], batch.grades[place], self._top_k)
            if not math.isnan(value):
                self._ndcg += value
                self._lists += 1

    def _count(self, head: str, batch: PeerBatch, scores: Floats) -> None:
        known = batch.known[head]
        labels = (batch.labels[head][known] > 0).astype(int)
        for score, label in zip(scores[known].tolist(), labels.tolist(), strict=True):
            self._counts[head][score][label] += 1

    def figures(self) -> dict[str, float]:
        """Head -> AUC, or NDCG for the ranking; NaN where it is not defined."""
        found = {head: auc_of_counts(counts) for head, counts in self._counts.items()}
        ndcg = self._ndcg / self._lists if self._lists else float("nan")
        return {**found, names.RANKING_SCORE: ndcg}


def auc_of_counts(counts: Mapping[float, Sequence[int]]) -> float:
    """Area under the ROC curve, ties counted half.

    Args:
      counts: score -> how many of label 0 and of label 1 have it.

    Returns:
      NaN where one of the labels has none.
    """
    ordered = np.array([counts[score] for score in sorted(counts)], np.float64).reshape(-1, 2)
    negatives, positives = ordered[:, 0], ordered[:, 1]
    if not negatives.sum() or not positives.sum():
        return float("nan")
    below = np.cumsum(negatives) - negatives
    wins = (positives * (below + negatives / 2)).sum()
    return float(wins / (negatives.sum() * positives.sum()))
