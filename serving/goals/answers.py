"""The answers to goal questions."""

from __future__ import annotations

import dataclasses
from typing import Final

MODEL: Final = "full_model"
RECORDED: Final = "recorded"
"""The number is no prediction: the data say what happened."""


@dataclasses.dataclass(frozen=True)
class Reason:
    """A factor's share of the prediction.

    Attributes:
      factor: which.
      log_odds: its share; with `GoalLikelihood.base_log_odds` all shares add up to the
        log-odds of the prediction.
      text: what it says of the student.
    """

    factor: str
    log_odds: float
    text: str


@dataclasses.dataclass(frozen=True)
class GoalLikelihood:
    """How likely a student is to reach a goal.

    Attributes:
      student_id: who.
      stage: now.
      goal: asked about.
      horizon_days: within which.
      likelihood: probability to reach the goal or a later stage.
      lower: end of the interval.
      upper: end of the interval.
      level: of the interval.
      confidence: see `serving.goals.advisor`.
      confidence_word: "high" from .8, "medium" from .5, else "low".
      base_log_odds: of an average student in the stage; 0 where nothing is predicted.
      reasons: largest share first.
      notes: what else has to be known about the number.
      prediction_method: `MODEL`, or `RECORDED` where it is known already.
    """

    student_id: str
    stage: str
    goal: str
    horizon_days: int
    likelihood: float
    lower: float
    upper: float
    level: float
    confidence: float
    confidence_word: str
    base_log_odds: float
    reasons: tuple[Reason, ...]
    notes: tuple[str, ...]
    prediction_method: str


@dataclasses.dataclass(frozen=True)
class StageTransition:
    """How likely a student is to get from one stage to another within the horizon.

    Attributes:
      probability: where `from_stage` is ahead: given that it is reached.
      students: training students seen in the stage that counts, for as long.
      reached: of these, those that got to `to_stage`.
      notes: what else has to be known.
    """

    student_id: str
    from_stage: str
    to_stage: str
    probability: float
    students: int
    reached: int
    notes: tuple[str, ...]
    prediction_method: str


@dataclasses.dataclass(frozen=True)
class GoalRecommendation:
    """An engagement by what the goal's likelihood is, were it met next.

    Attributes:
      gain: `likelihood` less that with no engagement given; an association under the
        sending policy of the past, no effect that was proved.
      next_step: likelihood head, given it.
      risk: risk head, given it.
      place_by_response: in the order of the ranking head, from 1.
    """

    rank: int
    engagement_id: str
    engagement_type: str
    likelihood: float
    gain: float
    next_step: float
    risk: float
    place_by_response: int


@dataclasses.dataclass(frozen=True)
class Barrier:
    """What sets a student apart from those who reached the goal from the same stage.

    Attributes:
      feature: of the state.
      value: the student's.
      mean_reached: of students who reached the goal.
      mean_others: of students who did not.
      students: counted on either side together.
      text: in plain words.
    """

    feature: str
    value: float
    mean_reached: float
    mean_others: float
    students: int
    text: str


@dataclasses.dataclass(frozen=True)
class GoalReadiness:
    """Where a student stands: the prediction, a word for it, and barriers, worst first."""

    prediction: GoalLikelihood
    readiness: str
    barriers: tuple[Barrier, ...]


@dataclasses.dataclass(frozen=True)
class ConversionInsights:
    """Why the prediction is what it is, what would raise it, and who was like that.

    Attributes:
      similar_students: training students in the stage for as long.
      similar_reached: of these, those that reached the goal.
    """

    readiness: GoalReadiness
    improvements: tuple[GoalRecommendation, ...]
    similar_students: int
    similar_reached: int
