"""Snapshots with the goals that were ahead of them, as flat (snapshot, goal) pairs."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts.snapshots import Snapshots
from schemas import names
from schemas.config import GoalpathConfig

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
WEEK_US = 7 * 86_400_000_000


@dataclasses.dataclass(frozen=True, eq=False)
class GoalPairs:
    """`m` pairs of a snapshot and a goal that was ahead of it, with a known outcome.

    Attributes:
      snapshot: `[m]`.
      goal: place of the goal, `[m]`.
      stage: place of the stage, `[m]`.
      reached: 0 or 1, `[m]`.
      student: a number for each student, `[m]`.
      period: a number for each cohort and week, `[m]`.
    """

    snapshot: Places
    goal: Places
    stage: Places
    reached: Floats
    student: Places
    period: Places

    def pick(self, table: Floats) -> Floats:
        """Values `[n, K]` of snapshots as those of the pairs, `[m]`."""
        found: Floats = table[self.snapshot, self.goal]
        return found


def goal_pairs(snapshots: Snapshots, config: GoalpathConfig) -> GoalPairs:
    """Every pair of a split."""
    place = {name: number for number, name in enumerate(config.stages)}
    stage = np.array([place[name] for name in snapshots.texts(names.Q_STAGE)], np.int64)
    known = snapshots.numbers(names.GOAL_WEIGHT) > 0
    ahead = known & (np.arange(len(config.stages)) > stage[:, None])
    snapshot, goal = np.nonzero(ahead)
    week = snapshots.integers(names.SNAPSHOT_TIME) // WEEK_US
    cohort = np.unique(snapshots.texts(names.COHORT).astype(str), return_inverse=True)[1]
    periods = np.stack([cohort, week], axis=1)
    period = np.unique(periods, axis=0, return_inverse=True)[1].reshape(-1)
    ids = snapshots.texts(names.STUDENT_ID).astype(str)
    student = np.unique(ids, return_inverse=True)[1]
    labels = snapshots.numbers(names.GOAL_LABEL)
    return GoalPairs(
        snapshot=snapshot,
        goal=goal,
        stage=stage[snapshot],
        reached=labels[snapshot, goal],
        student=student[snapshot],
        period=period[snapshot],
    )
