"""Figures of goal likelihoods: how true, how well ordered, how well covered."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from benchmarks.goal_parts.goal_snapshots import GoalPairs
from benchmarks.quality_parts.calibration_bins import CalibrationBins
from components.goal_calibrator.radii import Groups, like_groups

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class GoalFigures:
    """Of some pairs.

    Attributes:
      pairs: how many.
      reached: share.
      brier: mean of (p - y)^2.
      auc: NaN where all pairs have one outcome.
      ece: over 15 bins of equal mass.
    """

    pairs: int
    reached: float
    brier: float
    auc: float
    ece: float


def measure(reached: Floats, predicted: Floats) -> GoalFigures:
    """The figures of predictions `[m]` against outcomes `[m]`."""
    both = 0 < reached.sum() < len(reached)
    return GoalFigures(
        pairs=len(reached),
        reached=float(reached.mean()) if len(reached) else float("nan"),
        brier=float(((predicted - reached) ** 2).mean()) if len(reached) else float("nan"),
        auc=float(metrics.roc_auc_score(reached, predicted)) if both else float("nan"),
        ece=CalibrationBins(reached, predicted).error() if len(reached) else float("nan"),
    )


def violations(likelihood: Floats) -> int:
    """Snapshots `[n, K]` with a farther goal that is likelier than a nearer one."""
    return int((np.diff(likelihood, axis=1) > 0).any(axis=1).sum())


@dataclasses.dataclass(frozen=True)
class Coverage:
    """How many groups of like students had their share inside the interval.

    Attributes:
      groups: how many.
      covered: share of them.
      width: mean, of the intervals.
    """

    groups: int
    covered: float
    width: float


def coverage(
    pairs: GoalPairs, rows: Flags, likelihood: Floats, ends: tuple[Floats, Floats], size: int
) -> Coverage:
    """Groups as `components/goal_calibrator/radii.py` makes them, of one goal.

    A group's interval is the mean of its students' own.

    Args:
      pairs: `m` of them.
      rows: those of the goal, `[m]`.
      likelihood: `[m]`.
      ends: lower and upper, `[m]` each.
      size: of a group.
    """

    def grouped(values: Floats) -> Groups:
        return like_groups(
            likelihood[rows], values[rows], pairs.student[rows], pairs.period[rows], size=size
        )

    share = grouped(pairs.reached).reached
    # The mean of anything over the same groups, by the function that averages outcomes.
    lower, upper = grouped(ends[0]).reached, grouped(ends[1]).reached
    slack = 1e-6
    inside = (share >= lower - slack) & (share <= upper + slack)
    if not len(share):
        return Coverage(0, float("nan"), float("nan"))
    return Coverage(len(share), float(inside.mean()), float((upper - lower).mean()))
