"""Intervals by resampling students: their snapshots come and go together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Measure = Callable[[Floats], float]
"""Row weights of shape `(n,)` -> a figure; NaN where it is not defined."""

_TAILS = (2.5, 97.5)


@dataclasses.dataclass(frozen=True, eq=False)
class Estimate:
    """A figure and what it is in each resample.

    Attributes:
      value: with every row counted once.
      replicates: of shape `(resamples,)`.
    """

    value: float
    replicates: Floats

    @property
    def interval(self) -> tuple[float, float]:
        """The middle 95 % of the replicates; NaN where there is none."""
        known = self.replicates[~np.isnan(self.replicates)]
        if not len(known):
            return float("nan"), float("nan")
        low, high = np.percentile(known, _TAILS)
        return float(low), float(high)

    def minus(self, other: Estimate) -> Estimate:
        """The difference, resample by resample: both saw the same students."""
        return Estimate(self.value - other.value, self.replicates - other.replicates)


class StudentBootstrap:
    """Resamples of students, the same ones for every figure.

    Args:
      students: how many there are.
      resamples: how many times as many are drawn with replacement.
      seed: of the draws.

    Raises:
      ValueError: there is no student.
    """

    def __init__(self, students: int, resamples: int, seed: int) -> None:
        if students < 1:
            raise ValueError(f"there must be a student to resample. Received: {students}.")
        random = np.random.default_rng(seed)
        shares = np.full(students, 1 / students)
        self._counts = random.multinomial(students, shares, size=resamples).astype(np.float64)

    def estimate(self, measure: Measure, student: Places) -> Estimate:
        """A figure with its replicates.

        Args:
          measure: the figure as a function of row weights.
          student: of shape `(n,)`, the student of each row, from 0.
        """
        replicates = [measure(counts[student]) for counts in self._counts]
        return Estimate(measure(np.ones(len(student))), np.asarray(replicates, np.float64))


def weighted_mean(values: Floats) -> Measure:
    """The mean of one value a row, as a function of row weights.

    Args:
      values: of shape `(n,)`.
    """

    def mean(weights: Floats) -> float:
        total = float(weights.sum())
        return float(values @ weights) / total if total else float("nan")

    return mean
