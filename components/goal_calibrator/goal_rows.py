"""States with their goal labels and what the model says of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from serving.goals.synthesis import HeadOutputs

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, eq=False)
class GoalLabels:
    """Who reached what, of `n` states.

    Attributes:
      stage: place of the stage at the state's time, `[n]`.
      days_in_stage: `[n]`.
      students: a number from 0 for each state's student, `[n]`.
      period: a number from 0 for each state's cohort and week, `[n]`.
      reached: 1 where stage k or a later one is reached within the horizon, `[n, K]`.
      known: whether that is known, `[n, K]`.
      features: `PROFILE_FEATURES` at the state's time, `[n, M]`.
    """

    stage: Places
    days_in_stage: Floats
    students: Places
    period: Places
    reached: Floats
    known: Mask
    features: Floats

    @property
    def ahead(self) -> Mask:
        """Goals that were ahead and are known, `[n, K]`: what is fitted and scored."""
        found: Mask = self.known & (np.arange(self.known.shape[1]) > self.stage[:, None])
        return found

    def take(self, rows: Mask) -> GoalLabels:
        """Some of the states."""
        values = {f.name: getattr(self, f.name)[rows] for f in dataclasses.fields(self)}
        return GoalLabels(**values)


@dataclasses.dataclass(frozen=True, eq=False)
class AnsweredRows:
    """Labelled states with the heads' outputs for them, in the same order."""

    labels: GoalLabels
    outputs: HeadOutputs
