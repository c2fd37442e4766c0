"""Routes about a goal: how likely it is, why, and what would raise it."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query

from schemas import names
from schemas.goal_answers import RECORDED, GoalLikelihood, GoalReadiness, GoalRecommendation
from schemas.goal_parameters import stage_place
from schemas.goal_state import GoalState
from serving.gateway.answers import Answer, Asked
from serving.gateway.bodies import (
    ForGoalAnswer,
    GoalLikelihoodAnswer,
    InsightsAnswer,
    OfferForGoal,
    ReadinessAnswer,
    StageTransitionAnswer,
)
from serving.gateway.gateway import Gateway
from serving.gateway.model_questions import ModelQuestions
from serving.gateway.predict_routes import (
    NotSent,
    Offset,
    StudentId,
    TopK,
    Types,
    filtered,
    stage_of,
)
from serving.gateway.vector_answers import VectorAnswers
from serving.goals.advisor import GoalAdvisor
from serving.states import as_text

Stage = Annotated[str, Query(min_length=1, max_length=200, examples=["Enrollment"])]
NO_OFFERS = "; nothing is said of what would raise the likelihood"


class Page(NamedTuple):
    """Some of a list, and how long it is."""

    offers: list[OfferForGoal]
    total: int


def goal_routes(gateway: Gateway) -> APIRouter:
    """The routes of a gateway."""
    router = APIRouter(tags=["goals"])

    @router.get("/predict/goal-likelihood", response_model=GoalLikelihoodAnswer)
    def goal_likelihood(student_id: StudentId, goal_stage: Stage | None = None) -> Any:
        """Probability to reach a stage within the goal horizon, with an interval and reasons."""
        answer = _ask(gateway, student_id, goal_stage)
        goal = _goal(answer, goal_stage)
        found = _advisor(answer).predict_goal_likelihood(answer.said, goal)
        stages = answer.asked.data.config.stages
        return {
            "student_id": student_id,
            "target_stage": goal,
            "current_stage": found.stage,
            "stage_distance": stages.index(goal) - stages.index(found.stage),
            "likelihood": found.likelihood,
            "lower": found.lower,
            "upper": found.upper,
            "interval_level": found.level,
            "confidence": found.confidence,
            "confidence_level": found.confidence_word,
            "horizon_days": found.horizon_days,
            "base_log_odds": found.base_log_odds,
            "reasons": list(found.reasons),
            "notes": list(found.notes),
            **gateway.source_of(answer, found.prediction_method),
        }

    @router.get("/predict/stage-transition", response_model=StageTransitionAnswer)
    def stage_transition(
        student_id: StudentId, to_stage: Stage, from_stage: Stage | None = None
    ) -> Any:
        """Probability to get from one stage, else the present one, to a later stage."""
        answer = _ask(gateway, student_id, to_stage, from_stage)
        start = stage_of(answer.asked) if from_stage is None else from_stage
        found = _advisor(answer).predict_stage_transition(answer.said, start, to_stage)
        return {
            "student_id": student_id,
            "from_stage": start,
            "to_stage": to_stage,
            "probability": found.probability,
            "typical_days": found.typical_days,
            "students": found.students,
            "reached": found.reached,
            "notes": list(found.notes),
            **gateway.source_of(answer, found.prediction_method),
        }

    @router.get("/analyze/goal-readiness", response_model=ReadinessAnswer)
    def goal_readiness(student_id: StudentId, goal_stage: Stage | None = None) -> Any:
        """Where the student stands, and what sets those apart who got there."""
        answer = _ask(gateway, student_id, goal_stage)
        goal = _goal(answer, goal_stage)
        found = _told(answer, _advisor(answer).analyze_goal_readiness(answer.said, goal))
        return {
            "student_id": student_id,
            "target_stage": goal,
            "current_stage": found.prediction.stage,
            "likelihood": found.prediction.likelihood,
            "readiness": found.readiness,
            "barriers": list(found.barriers),
            "nearest_path": found.nearest_path,
            "prediction": found.prediction,
            **gateway.source_of(answer, found.prediction.prediction_method),
        }

    @router.get("/insights/conversion", response_model=InsightsAnswer)
    def conversion(
        student_id: StudentId,
        goal_stage: Stage | None = None,
        top_k: Annotated[int, Query(ge=1, le=100)] = 3,
    ) -> Any:
        """Readiness, what would raise the likelihood, and how students alike fared."""

        def by_model(model: ModelQuestions, asked: Asked) -> GoalState:
            _goal_of(asked, goal_stage)
            state = asked.current.state
            offered = None if state.ended else model.open_to(state)
            return model.goal_state(asked.current, offered)

        answer = gateway.ask(student_id, by_model, _by_vectors(goal_stage))
        goal = _goal(answer, goal_stage)
        found = _advisor(answer).conversion_insights(answer.said, goal, top_k)
        readiness = _told(answer, found.readiness)
        source = gateway.source_of(answer, readiness.prediction.prediction_method)
        if source["reason"] is not None:
            source["reason"] += NO_OFFERS
        return {
            "student_id": student_id,
            "target_stage": goal,
            "current_stage": readiness.prediction.stage,
            "likelihood": readiness.prediction.likelihood,
            "readiness": readiness,
            "improvements": list(found.improvements),
            "cluster": found.cluster,
            "students_as_long": found.students_as_long,
            "reached_as_long": found.reached_as_long,
            "similar": list(found.similar),
            "met_by_similar": list(found.met_by_similar),
            **source,
        }

    _add_offers(router, gateway)
    return router


def _add_offers(router: APIRouter, gateway: Gateway) -> None:
    @router.get("/recommend/for-goal", response_model=ForGoalAnswer)
    def for_goal(
        student_id: StudentId,
        *,
        goal_stage: Stage | None = None,
        top_k: TopK = 10,
        offset: Offset = 0,
        engagement_type: Types = None,
        exclude_sent: NotSent = False,
        min_gain: Annotated[float | None, Query(ge=-1, le=1)] = None,
    ) -> Any:
        """What is open to the student now, by how much likelier the goal is given each."""

        def offered(asked: Asked) -> Any:
            rows = gateway.answers.questions(asked.data).open_to(asked.current.state)
            return filtered(asked, rows, engagement_type, exclude_sent)

        def by_model(model: ModelQuestions, asked: Asked) -> Page:
            goal = _goal_of(asked, goal_stage)
            state = model.goal_state(asked.current, offered(asked))
            # Of a threshold it is only known who passes it when all are ordered.
            wanted = offset + top_k if min_gain is None else max(1, len(state.offers))
            found = asked.data.advisor.recommend_for_goal(state, goal, wanted)
            kept = [each for each in found if min_gain is None or each.gain >= min_gain]
            total = len(state.offers) if found and min_gain is None else len(kept)
            return Page([_offer(each) for each in kept[offset : offset + top_k]], total)

        def by_vectors(vectors: VectorAnswers, asked: Asked) -> Page:
            goal = _goal_of(asked, goal_stage)
            stages = asked.data.config.stages
            reached = stages.index(goal) <= stages.index(stage_of(asked))
            if reached or asked.current.state.ended:
                return Page([], 0)
            rows = offered(asked)
            cosines = vectors.similarity(asked.current, rows).tolist()
            order = sorted(range(len(rows)), key=lambda place: -cosines[place])
            page = [
                OfferForGoal(
                    rank=rank,
                    engagement_id=as_text(rows.features[names.C_ID][place]),
                    engagement_type=as_text(rows.features[names.C_TYPE][place]),
                    similarity=cosines[place],
                )
                for rank, place in enumerate(order[offset : offset + top_k], start=offset + 1)
            ]
            return Page(page, len(order))

        answer = gateway.ask(student_id, by_model, by_vectors)
        source = gateway.source_of(answer)
        if answer.source.reason is not None:
            source["reason"] += NO_OFFERS
        return {
            "student_id": student_id,
            "target_stage": _goal(answer, goal_stage),
            "current_stage": stage_of(answer.asked),
            "recommendations": answer.said.offers,
            "total": answer.said.total,
            "offset": offset,
            **source,
        }


def _ask(gateway: Gateway, student_id: str, *stages: str | None) -> Answer[GoalState]:
    """The state for a goal question without offers; stages are checked before it is asked."""

    def by_model(model: ModelQuestions, asked: Asked) -> GoalState:
        for stage in stages:
            _goal_of(asked, stage)
        return model.goal_state(asked.current, None)

    return gateway.ask(student_id, by_model, _by_vectors(*stages))


def _by_vectors(*stages: str | None) -> Any:
    def by_vectors(vectors: VectorAnswers, asked: Asked) -> GoalState:
        for stage in stages:
            _goal_of(asked, stage)
        return vectors.goal_state(asked.current)

    return by_vectors


def _goal_of(asked: Asked, stage: str | None) -> str:
    """The stage asked about, or the configured goal.

    Raises:
      UnknownStageError: it is no stage.
    """
    config = asked.data.config
    goal = config.default_goal if stage is None else stage
    stage_place(config.stages, goal, "stage")
    return goal


def _goal(answer: Answer[Any], stage: str | None) -> str:
    return _goal_of(answer.asked, stage)


def _advisor(answer: Answer[Any]) -> GoalAdvisor:
    return answer.asked.data.advisor


def _told(answer: Answer[Any], readiness: GoalReadiness) -> GoalReadiness:
    """The same with the method that it was told by."""
    prediction: GoalLikelihood = readiness.prediction
    if prediction.prediction_method == RECORDED:
        return readiness
    told = dataclasses.replace(prediction, prediction_method=answer.source.method)
    return dataclasses.replace(readiness, prediction=told)


def _offer(found: GoalRecommendation) -> OfferForGoal:
    own = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return OfferForGoal(**own)
