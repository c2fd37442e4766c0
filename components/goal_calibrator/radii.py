"""How far the share that reaches a goal lies from what was predicted: conformal radii.

States of one week whose predictions are alike make a group of `size` students. For each
group of students the fit did not see, the score is

    |share that reached - mean prediction| / sqrt(p (1 - p))

and the radius is its quantile of rank ceil((m + 1) level) among m groups (split conformal
prediction: Lei et al., "Distribution-free predictive inference for regression", JASA 113,
2018). So the interval covers the share of such a group of new students, `level` of the
time, as long as they come from where the calibration students come from; that they are
of one week lets the radius hold what moves all students of a week together.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from schemas.goal_parameters import WIDE
from serving.goals.synthesis import spread

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, eq=False)
class Groups:
    """Groups of like predictions for one goal, `m` of them.

    Attributes:
      predicted: mean prediction, `[m]`.
      reached: share that reached the goal, `[m]`.
    """

    predicted: Floats
    reached: Floats


def like_groups(
    probability: Floats, reached: Floats, students: Places, period: Places, *, size: int
) -> Groups:
    """Groups of `size` students with like predictions in one period.

    Args:
      probability: of one goal, `[n]`; states for which it is ahead and known.
      reached: labels, `[n]`.
      students: a number for each, `[n]`; of several states
        of a student in a period the first is taken.
      period: a number from 0 for each state's period, `[n]`.
      size: of a group; states that are left over are in none.
    """
    # Which of a student's states is kept must not depend on its prediction.
    keys = np.stack([period, students], axis=1)
    kept = np.unique(keys, axis=0, return_index=True)[1]
    order = kept[np.lexsort((probability[kept], period[kept]))]
    starts = np.flatnonzero(np.diff(period[order], prepend=-1))
    predicted, shares = [], []
    for members in np.split(order, starts[1:]):
        groups = members[: len(members) // size * size].reshape(-1, size)
        predicted.append(probability[groups].mean(axis=1))
        shares.append(reached[groups].mean(axis=1))
    return Groups(np.concatenate([[], *predicted]), np.concatenate([[], *shares]))


def radius(groups: Groups, *, level: float, size: int) -> float:
    """The conformal radius of groups; `WIDE` where they are too few for the level."""
    count = len(groups.predicted)
    rank = math.ceil((count + 1) * level)
    if rank > count:
        return WIDE
    scores = np.abs(groups.reached - groups.predicted) / spread(groups.predicted, size)
    return float(np.sort(scores)[rank - 1])


def covered(groups: Groups, width: float, *, size: int) -> Mask:
    """Whether each group's share lies within its interval, bool `[m]`."""
    half = width * spread(groups.predicted, size)
    lower = np.clip(groups.predicted - half, 0.0, 1.0)
    upper = np.clip(groups.predicted + half, 0.0, 1.0)
    slack = 1e-9  # a share of exactly 0 or 1 against an end that was cut there
    found: Mask = (groups.reached >= lower - slack) & (groups.reached <= upper + slack)
    return found
