"""The candidate lists of a split that ranking is measured on."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts.snapshots import Snapshots
from components.evaluator.ranking_metrics import MEASURES
from schemas import names

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

TOP_K: Final = 10


@dataclasses.dataclass(frozen=True, eq=False)
class CandidateLists:
    """L lists with `total` candidates.

    Attributes:
      snapshot: the snapshot of each list: `(L,)`.
      places: the candidates as places in the split's flat columns: `(total,)`.
      starts: list l has the candidates from `starts[l]` to `starts[l + 1]`.
      grades: `(total,)`.
      probability: of a candidate to be in its list, above 0: `(total,)`.
    """

    snapshot: Places
    places: Places
    starts: Places
    grades: Floats
    probability: Floats

    @property
    def lengths(self) -> Places:
        """Candidates of each list: `(L,)`."""
        return np.diff(self.starts)

    @property
    def list_of(self) -> Places:
        """The list of each candidate: `(total,)`."""
        return np.repeat(np.arange(len(self.snapshot)), self.lengths)

    def restricted(self, keep: Flags) -> tuple[CandidateLists, Places]:
        """The lists with some candidates alone, where something is left to order.

        Args:
          keep: which candidates, `(total,)`.

        Returns:
          The lists that have two candidates kept, one of them with a grade; and the
          places of their candidates in this object's flat columns.
        """
        kept = np.bincount(self.list_of[keep], minlength=len(self.snapshot))
        return self._chosen(keep, self.grades, kept >= 2)

    def graded_by(self, keep: Flags) -> tuple[CandidateLists, Places]:
        """The lists with all candidates, where only some of them keep their grade.

        Args:
          keep: which, `(total,)`.

        Returns:
          As `restricted`: the lists with one of them graded.
        """
        everything = np.ones(len(self.places), bool)
        return self._chosen(everything, np.where(keep, self.grades, 0), self.lengths >= 2)

    def drawn(self, count: int, seed: int) -> CandidateLists:
        """At most `count` of the lists, whole, drawn at random and in their order."""
        random = np.random.default_rng(seed)
        drawn = random.permutation(len(self.snapshot))[:count]
        good = np.isin(np.arange(len(self.snapshot)), drawn)
        return self._chosen(np.ones(len(self.places), bool), self.grades, good)[0]

    def _chosen(self, keep: Flags, grades: Floats, good: Flags) -> tuple[CandidateLists, Places]:
        owner = self.list_of
        positive = np.bincount(owner[keep & (grades > 0)], minlength=len(self.snapshot))
        good = good & (positive > 0)
        chosen = np.flatnonzero(keep & good[owner])
        lengths = np.bincount(owner[chosen], minlength=len(self.snapshot))[good]
        lists = CandidateLists(
            self.snapshot[good],
            self.places[chosen],
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            grades[chosen],
            self.probability[chosen],
        )
        return lists, chosen

    def measure(self, name: str, scores: Floats) -> Floats:
        """The Evaluator's own measure of each list: `(L,)`.

        Args:
          name: of `components.evaluator.ranking_metrics.MEASURES`.
          scores: `(total,)`, higher is better.
        """
        one = MEASURES[name]
        bounds = zip(self.starts[:-1], self.starts[1:], strict=True)
        return np.array([one(scores[a:b], self.grades[a:b], TOP_K) for a, b in bounds], np.float64)


def candidate_lists(snapshots: Snapshots) -> CandidateLists:
    """The lists of the snapshots whose ranking weight is 1.

    Candidates with a sampling probability of 0 are left out: they are listed for the
    other heads alone.
    """
    column = snapshots.columns[names.C_ID]
    probability = snapshots.columns[names.C_SAMPLING_PROBABILITY].values.astype(np.float64)
    counted = snapshots.numbers(names.RANKING_WEIGHT) > 0
    row = column.rows
    places = np.flatnonzero(counted[row] & (probability > 0))
    lengths = np.bincount(row[places], minlength=snapshots.count)
    snapshot = np.flatnonzero(lengths)
    grades = snapshots.columns[names.C_GRADE].values.astype(np.float64)
    return CandidateLists(
        snapshot,
        places,
        np.concatenate([[0], np.cumsum(lengths[snapshot])]).astype(np.int64),
        grades[places],
        probability[places],
    )
