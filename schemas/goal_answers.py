"""The answers to goal questions."""

from __future__ import annotations

import dataclasses
from typing import Final

from schemas.conversion_patterns import Effect, TypicalDays

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
      notes: what else has to be known about the number.
      prediction_method: `MODEL`, or `RECORDED` where it is known already.
      confidence: see `serving.goals.advisor`.
      confidence_word: "high" from .8, "medium" from .5, else "low".
      base_log_odds: of an average student in the stage; 0 where nothing is predicted.
      reasons: largest share first.
    """

    student_id: str
    stage: str
    goal: str
    horizon_days: int
    likelihood: float
    lower: float
    upper: float
    level: float
    notes: tuple[str, ...]
    prediction_method: str
    confidence: float = 1.0
    confidence_word: str = "high"
    base_log_odds: float = 0.0
    reasons: tuple[Reason, ...] = ()


@dataclasses.dataclass(frozen=True)
class StageTransition:
    """How likely a student is to get from one stage to another within the horizon.

    Attributes:
      probability: where `from_stage` is ahead: given that it is reached.
      typical_days: quartiles of the days it took training students to get from
        `from_stage` to `to_stage`; None where none did.
      students: training students seen in the stage that counts, for as long.
      reached: of these, those that got to `to_stage`.
      notes: what else has to be known.
    """

    student_id: str
    from_stage: str
    to_stage: str
    probability: float
    typical_days: TypicalDays | None
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
      evidence: what training students did after meeting it, or its type, in this stage;
        None where too few met it to say.
    """

    rank: int
    engagement_id: str
    engagement_type: str
    likelihood: float
    gain: float
    next_step: float
    risk: float
    place_by_response: int
    evidence: Effect | None


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
class Journey:
    """How one training student, who is not named, got from this stage to the goal.

    Attributes:
      similarity: cosine of the two students' embeddings, in [-1, 1].
      reached: the furthest stage within the horizon.
      days: to reach it.
      types: met actively on the way, in their order, those that several students met.
      engagements: likewise, ids.
    """

    similarity: float
    reached: str
    days: float
    types: tuple[str, ...]
    engagements: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class GoalReadiness:
    """Where a student stands.

    Attributes:
      prediction: of the goal.
      readiness: a word for it.
      barriers: worst first.
      nearest_path: of the student most alike who reached the goal from this stage; None
        where nobody was seen to.
    """

    prediction: GoalLikelihood
    readiness: str
    barriers: tuple[Barrier, ...]
    nearest_path: Journey | None


@dataclasses.dataclass(frozen=True)
class ConversionInsights:
    """Why the prediction is what it is, what would raise it, and who was like that.

    Attributes:
      readiness: the prediction with its reasons, and what is lacking.
      improvements: engagements that go with a higher likelihood, best first.
      cluster: name of the cluster that the student is in; None where there are none.
      students_as_long: training students in the stage for as long.
      reached_as_long: of these, those that reached the goal.
      similar: students most alike who made it, nearest first.
      met_by_similar: types that these met, and how many of them did, most first.
    """

    readiness: GoalReadiness
    improvements: tuple[GoalRecommendation, ...]
    cluster: str | None
    students_as_long: int
    reached_as_long: int
    similar: tuple[Journey, ...]
    met_by_similar: tuple[tuple[str, int], ...]
