"""The bodies of requests and answers. Names that clients of the earlier system know are kept."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final, Literal

import pydantic

from schemas.conversion_patterns import Effect, TypicalDays
from schemas.goal_answers import (
    Barrier,
    GoalReadiness,
    GoalRecommendation,
    Journey,
    Reason,
)
from schemas.goal_answers import GoalLikelihood as GoalPrediction

ID: Final = pydantic.StringConstraints(min_length=1, max_length=200)
Id = Annotated[str, ID]
_SOURCE: Final[dict[str, Any]] = {
    "prediction_method": "full_model",
    "reason": None,
    "model_version": 1795600034,
    "model_label": "stable",
    "as_of": "2025-08-31T23:48:12+00:00",
    "posted_events": 0,
    "timestamp": "2025-09-01T08:00:00+00:00",
}


def _example(**own: object) -> pydantic.ConfigDict:
    example: Any = {**own, **_SOURCE}
    return pydantic.ConfigDict(
        json_schema_extra={"example": example}, protected_namespaces=(), ser_json_inf_nan="null"
    )


class Answered(pydantic.BaseModel):
    """What every answer says of itself.

    Attributes:
      prediction_method: `full_model`, `vector_fallback` or `recorded` (the data say it).
      reason: why it is the fallback.
      model_version: of model, states and vectors alike.
      model_label: `stable` or `canary`.
      as_of: the instant of the student's state.
      posted_events: posted since the push and in the state.
      timestamp: of the answer.
    """

    model_config = pydantic.ConfigDict(protected_namespaces=())

    prediction_method: Literal["full_model", "vector_fallback", "recorded"]
    reason: str | None
    model_version: int
    model_label: str
    as_of: dt.datetime
    posted_events: int
    timestamp: dt.datetime


class LikelihoodAnswer(Answered):
    """How likely the next step is; given an engagement, if one was named and the model is there."""

    model_config = _example(
        student_id="S000002",
        engagement_id=None,
        likelihood_score=0.398,
        current_stage="Application",
        horizon_days=28,
    )

    student_id: str
    engagement_id: str | None
    likelihood_score: float
    current_stage: str
    horizon_days: int


class RiskAnswer(Answered):
    """How likely the student is to be lost, or silent."""

    model_config = _example(
        student_id="S000002",
        risk_score=0.265,
        risk_level="low",
        current_stage="Application",
        horizon_days=28,
    )

    student_id: str
    risk_score: float
    risk_level: Literal["high", "medium", "low"]
    current_stage: str
    horizon_days: int


class Offered(pydantic.BaseModel):
    """An engagement in a student's list.

    Attributes:
      rank: from 1.
      score: orders; the ranking head's, or the cosine in the fallback. No probability.
      likelihood: of a next step, were it met next; None in the fallback.
      risk: likewise.
    """

    rank: int
    engagement_id: str
    engagement_type: str
    score: float
    likelihood: float | None
    risk: float | None


class RecommendationsAnswer(Answered):
    """Open engagements, best first."""

    model_config = _example(
        student_id="S000002",
        recommendations=[
            {
                "rank": 1,
                "engagement_id": "E0038",
                "engagement_type": "email",
                "score": 2.394,
                "likelihood": 0.42,
                "risk": 0.25,
            }
        ],
        total=151,
        offset=0,
    )

    student_id: str
    recommendations: list[Offered]
    total: int
    offset: int


class GoalLikelihoodAnswer(Answered):
    """How likely a goal is, and why."""

    model_config = _example(
        student_id="S000002",
        target_stage="Enrollment",
        current_stage="Application",
        stage_distance=1,
        likelihood=0.61,
        lower=0.52,
        upper=0.69,
        interval_level=0.9,
        confidence=0.83,
        confidence_level="high",
        horizon_days=90,
        base_log_odds=-0.2,
        reasons=[{"factor": "next_step", "log_odds": 0.4, "text": "the next step is likely"}],
        notes=[],
    )

    student_id: str
    target_stage: str
    current_stage: str
    stage_distance: int
    likelihood: float
    lower: float
    upper: float
    interval_level: float
    confidence: float
    confidence_level: str
    horizon_days: int
    base_log_odds: float
    reasons: list[Reason]
    notes: list[str]


class StageTransitionAnswer(Answered):
    """How likely the step from one stage to a later one is."""

    model_config = _example(
        student_id="S000002",
        from_stage="Application",
        to_stage="Enrollment",
        probability=0.61,
        typical_days={"lower_quartile": 14, "median": 21, "upper_quartile": 35},
        students=310,
        reached=190,
        notes=[],
    )

    student_id: str
    from_stage: str
    to_stage: str
    probability: float
    typical_days: TypicalDays | None
    students: int
    reached: int
    notes: list[str]


class OfferForGoal(pydantic.BaseModel):
    """An engagement by what it goes with.

    Attributes:
      likelihood: of the goal, were it met next; None in the fallback.
      gain: over none; an association, no proved effect. None in the fallback.
      similarity: cosine of student and engagement, in the fallback alone.
    """

    rank: int
    engagement_id: str
    engagement_type: str
    likelihood: float | None = None
    gain: float | None = None
    next_step: float | None = None
    risk: float | None = None
    place_by_response: int | None = None
    evidence: Effect | None = None
    similarity: float | None = None


class ForGoalAnswer(Answered):
    """Open engagements by how much likelier they make the goal."""

    model_config = _example(
        student_id="S000002",
        target_stage="Enrollment",
        current_stage="Application",
        recommendations=[
            {
                "rank": 1,
                "engagement_id": "E0131",
                "engagement_type": "phone_call",
                "likelihood": 0.66,
                "gain": 0.05,
                "next_step": 0.44,
                "risk": 0.22,
                "place_by_response": 3,
                "evidence": None,
                "similarity": None,
            }
        ],
        total=151,
        offset=0,
    )

    student_id: str
    target_stage: str
    current_stage: str
    recommendations: list[OfferForGoal]
    total: int
    offset: int


class ReadinessAnswer(Answered):
    """Where a student stands on the way to a goal, and what is in the way."""

    student_id: str
    target_stage: str
    current_stage: str
    likelihood: float
    readiness: str
    barriers: list[Barrier]
    nearest_path: Journey | None
    prediction: GoalPrediction


class InsightsAnswer(Answered):
    """Why the likelihood is what it is, what would raise it, and how students alike fared."""

    student_id: str
    target_stage: str
    current_stage: str
    likelihood: float
    readiness: GoalReadiness
    improvements: list[GoalRecommendation]
    cluster: str | None
    students_as_long: int
    reached_as_long: int
    similar: list[Journey]
    met_by_similar: list[tuple[str, int]]


class EmbeddingAnswer(Answered):
    """A student's vector."""

    student_id: str
    embedding: list[float]


class EngagementEmbeddingAnswer(pydantic.BaseModel):
    """An engagement's vector as of the push, of length 1."""

    model_config = pydantic.ConfigDict(protected_namespaces=())

    engagement_id: str
    audience: str
    embedding: list[float]
    model_version: int


class Alike(pydantic.BaseModel):
    """A student who is like another: cosine of their vectors at the push."""

    student_id: str
    similarity: float
    current_stage: str
    ended: bool


class SimilarAnswer(pydantic.BaseModel):
    """Students alike, nearest first, as of the push."""

    model_config = pydantic.ConfigDict(protected_namespaces=())

    student_id: str
    similar: list[Alike]
    model_version: int
    as_of: dt.datetime


class Listed(pydantic.BaseModel):
    """A student in a list.

    Attributes:
      posted_events: whether events were posted since the push, so that the numbers are
        of now and not of the push.
    """

    student_id: str
    current_stage: str
    likelihood_score: float
    risk_score: float
    risk_level: str
    goal_likelihood: float
    posted_events: bool


class StudentsAnswer(pydantic.BaseModel):
    """A page of students, those above the threshold, highest first."""

    model_config = pydantic.ConfigDict(protected_namespaces=())

    students: list[Listed]
    total: int
    offset: int
    limit: int
    threshold: float
    goal_stage: str
    prediction_method: str
    reason: str | None
    model_version: int
    as_of: dt.datetime
    timestamp: dt.datetime


class BatchRequest(pydantic.BaseModel):
    """Many students at once."""

    model_config = pydantic.ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "student_ids": ["S000002", "S000003"],
                "prediction_types": ["likelihood", "risk", "goal"],
                "goal_stage": "Enrollment",
            }
        },
    )

    student_ids: Annotated[list[Id], pydantic.Field(min_length=1)]
    engagement_ids: list[Id] | None = None
    prediction_types: Annotated[
        list[Literal["likelihood", "risk", "goal", "goal_likelihood"]],
        pydantic.Field(min_length=1),
    ] = ["likelihood", "risk"]
    goal_stage: str | None = None


class BatchAnswer(pydantic.BaseModel):
    """One entry for each student asked about, in the order of the request.

    An entry has `student_id`, the numbers asked for by their old names, `prediction_method`,
    `reason` and `model_version`; or `student_id` and `error`.
    """

    predictions: list[dict[str, Any]]
    total_processed: int
    successful_predictions: int
    failed_predictions: int
    processing_time_seconds: float


class EventBody(pydantic.BaseModel):
    """One student met one engagement.

    Attributes:
      event_id: of the application; posting it again changes nothing.
      timestamp: ISO 8601; without an offset it is in the time zone of the data.
      stage_after: the stage that it led to, or `lost`.
    """

    model_config = pydantic.ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "event_id": "crm-2025-09-01-000123",
                "student_id": "S000002",
                "engagement_id": "E0038",
                "timestamp": "2025-09-01T07:59:00+00:00",
                "response": "clicked",
                "value": 1.0,
            }
        },
    )

    event_id: Id
    student_id: Id
    engagement_id: Id
    timestamp: dt.datetime
    response: Annotated[str, pydantic.StringConstraints(max_length=200)] = ""
    value: Annotated[float, pydantic.Field(allow_inf_nan=False)] | None = None
    stage_after: Annotated[str, pydantic.StringConstraints(max_length=200)] = ""


class EventsBody(pydantic.BaseModel):
    """Several events; all are kept, or none."""

    model_config = pydantic.ConfigDict(extra="forbid")

    events: Annotated[list[EventBody], pydantic.Field(min_length=1)]


class EventsAnswer(pydantic.BaseModel):
    """What became of posted events. They are on the disk when this is sent.

    Attributes:
      accepted: new ones.
      duplicates: that were posted before.
      in_states: how many are after the data of the version that answers, so that its states
        have them; the others are of a time that its data cover.
    """

    model_config = pydantic.ConfigDict(
        json_schema_extra={"example": {"accepted": 1, "duplicates": 0, "in_states": 1}}
    )

    accepted: int
    duplicates: int
    in_states: int


class HealthAnswer(pydantic.BaseModel):
    """Whether the gateway answers, and by what.

    Attributes:
      status: `healthy`; `degraded` where answers come from vectors or events cannot be kept;
        `unavailable` where nothing answers.
      reasons: of anything but `healthy`.
    """

    model_config = pydantic.ConfigDict(protected_namespaces=())

    status: Literal["healthy", "degraded", "unavailable"]
    reasons: list[str]
    model_version: int | None
    model_server: bool
    timestamp: dt.datetime


class InfoAnswer(pydantic.BaseModel):
    """What is served."""

    model_config = pydantic.ConfigDict(protected_namespaces=())

    model_name: str
    model_version: int
    canary_version: int | None
    canary_share: float
    as_of: dt.datetime
    created: str
    goalpath_version: str
    stages: list[str]
    default_goal: str
    horizons: dict[str, int]
    students: int
    engagements: int
    engagement_types: list[str]
    embedding_dimensions: int | None
    examples: dict[str, int]
