"""What the goal synthesis is made of: the document `goal_parameters.json`.

`components/goal_calibrator` fits it on the calibration split, and `serving.goals`
computes with it. `K` is the number of stages, `F` that of the
factors; step `j` leads to stage `j`, from 1 to `K - 1`.
"""

from __future__ import annotations

import bisect
import enum
from collections.abc import Sequence
from typing import Annotated, Final

import pydantic

from schemas import names
from schemas.errors import UnknownStageError

FORMAT: Final = 1
WIDE: Final = 1e3
"""A radius that makes the interval [0, 1]: too little was seen to say more."""
LARGEST_LOGIT: Final = 8.0
"""Log-odds of an input are cut to this size: beyond it a head is only sure of itself."""

PROFILE_WORDS: Final = {
    names.Q_ACTIVE[28]: "active events in the last 28 days",
    names.Q_ACTIVE_DAYS[28]: "active days in the last 28",
    names.Q_DISTINCT_28: "different engagements in the last 28 days",
    names.Q_DAYS_SINCE_ACTIVE: "days since the last activity",
    names.Q_DUE_MISSED: "due dates missed",
    names.Q_DUE_DONE: "due dates met",
}
PROFILE_FEATURES: Final = tuple(PROFILE_WORDS)
"""Numbers of a state that those who reach a goal are described by."""


def stage_place(stages: Sequence[str], stage: str, where: str) -> int:
    """Place of a stage in the funnel.

    Raises:
      UnknownStageError: there is no such stage; the message names them all.
    """
    if stage not in stages:
        raise UnknownStageError(
            "a goal must be one of the stages of the model version.",
            where=where,
            received=repr(stage),
            remedy=f"use one of {', '.join(stages)}.",
        )
    return list(stages).index(stage)


class Factor(str, enum.Enum):
    """What the log-odds of a step are made of; a larger value never makes it less likely.

    Attributes:
      NETWORK: log-odds of the step by the goal head.
      LIKELIHOOD: log-odds of the likelihood head.
      SAFETY: log-odds of the risk head, negated.
      RATE: log-odds of the share of training students who took the step, from the same
        stage after as many days in it.
      RECENCY: -log(1 + days since the last active event).
      CLUSTER: log-odds of those in the student's cluster to have reached the stage that
        the step leads to, less those of all students.
    """

    NETWORK = "network"
    LIKELIHOOD = "likelihood"
    SAFETY = "safety"
    RATE = "rate"
    RECENCY = "recency"
    CLUSTER = "cluster"


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class Step(_Part):
    """The log-odds of a step: z_j = intercept + sum over factors of weight * value.

    Attributes:
      to_stage: where it leads.
      students: calibration students who stood before it, with a known outcome.
      conversions: of these, seen to take it.
      pooled: too few took it, or too few did not, for weights of its own; these are the
        weights that all steps share.
      intercept: in log-odds.
      weights: by factor, none below 0; factors that are not used have 0.
    """

    to_stage: str
    students: int = pydantic.Field(ge=0)
    conversions: int = pydantic.Field(ge=0)
    pooled: bool
    intercept: float
    weights: dict[Factor, Annotated[float, pydantic.Field(ge=0)]]


class StageRates(_Part):
    """How training students went on from a stage, by their days in it.

    Attributes:
      days: lower ends of the bins of days in the stage, ascending, the first 0; `D`.
      students: `[D][K]`, who were still in the stage at the bin's days, and observed.
      reached: `[D][K]`, of these, seen to reach the stage within the horizon.
      log_odds: `[D][K]`, of the step to each stage given the one before, by
        Aalen-Johansen from the bin's days on, shrunk to the rate of the whole stage; 0
        for stages that are not ahead.
    """

    days: tuple[float, ...]
    students: tuple[tuple[int, ...], ...]
    reached: tuple[tuple[int, ...], ...]
    log_odds: tuple[tuple[float, ...], ...]

    def counted(self, goal: int, days_in_stage: float) -> tuple[int, int]:
        """Training students in the stage for as long, and of them those that reached a goal."""
        row = max(bisect.bisect_right(self.days, days_in_stage) - 1, 0)
        return self.students[row][goal], self.reached[row][goal]


class ClusterRates(_Part):
    """A cluster of the student embedding.

    Attributes:
      name: in words.
      centroid: of unit-length embeddings, of width D.
      students: of the sample, in it.
      log_odds: `[K]`, see `Factor.CLUSTER`; 0 where nobody is observed.
    """

    name: str
    centroid: tuple[float, ...]
    students: int
    log_odds: tuple[float, ...]


class Profile(_Part):
    """How training students in a stage who reached a goal differ from the others there.

    Attributes:
      from_stage: they were in.
      goal: a later stage.
      feature: one of `PROFILE_FEATURES`.
      reached: students who reached the goal within the horizon.
      others: students who did not.
      mean_reached: of the feature, over the states of the former.
      mean_others: of the latter.
      deviation: standard deviation over all of them, above 0.
    """

    from_stage: str
    goal: str
    feature: str
    reached: int = pydantic.Field(ge=1)
    others: int = pydantic.Field(ge=1)
    mean_reached: float
    mean_others: float
    deviation: float = pydantic.Field(gt=0)


class OptionScore(_Part):
    """How well one set of factors did on students it was not fitted on.

    Attributes:
      name: of the option.
      factors: it may use.
      log_loss: mean over students' states and goals ahead, out of fold.
      brier: likewise.
      behind: log loss less that of the best option.
      standard_error: of `behind`, by student.
    """

    name: str
    factors: tuple[Factor, ...]
    log_loss: float
    brier: float
    behind: float = pydantic.Field(ge=0)
    standard_error: float = pydantic.Field(ge=0)


class GoalParameters(_Part):
    """The whole document.

    Attributes:
      format: of this document.
      stages: in order.
      horizon_days: a goal is reached within it.
      level: of the intervals.
      group_size: students of a group; see `radii`.
      factors: those of the chosen option.
      steps: `K - 1`, in order.
      rates: by stage, `K`.
      clusters: `C`; none where no clustering was stable.
      reference: `[K][K][F]`: stage -> goal step -> mean of each factor, in the order of
        `factors`, over calibration students in the stage; shares are told against it.
      radii: `[K][K]`: stage -> goal -> r. The interval is p +- r sqrt(p (1 - p)), cut to
        [0, 1]. It covers, `level` of the time, the share that reaches the goal among
        `group_size` students whose predictions in one week are alike. `WIDE` where
        nobody was seen to go from the stage to the goal, or groups were too few.
      profiles: of pairs with enough students on both sides.
      option: the chosen one: of those within a standard error of the best, the one with
        most factors.
      options: what was tried, best first.
      students: calibration students.
    """

    format: int = FORMAT
    stages: tuple[str, ...]
    horizon_days: int
    level: float
    group_size: int
    factors: tuple[Factor, ...]
    steps: tuple[Step, ...]
    rates: tuple[StageRates, ...]
    clusters: tuple[ClusterRates, ...]
    reference: tuple[tuple[tuple[float, ...], ...], ...]
    radii: tuple[tuple[float, ...], ...]
    profiles: tuple[Profile, ...]
    option: str
    options: tuple[OptionScore, ...]
    students: int
