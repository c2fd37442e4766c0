"""Routes about students together: lists, those alike, and vectors."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Query

from schemas import names
from schemas.goal_answers import MODEL
from schemas.goal_parameters import stage_place
from serving.client.errors import ModelServerError
from serving.gateway.answers import FALLBACK, Asked
from serving.gateway.bodies import (
    EmbeddingAnswer,
    EngagementEmbeddingAnswer,
    SimilarAnswer,
    StudentsAnswer,
)
from serving.gateway.current_states import require_student
from serving.gateway.gateway import Gateway, instant
from serving.gateway.model_questions import ModelQuestions
from serving.gateway.predict_routes import Offset, StudentInPath
from serving.gateway.problems import UnknownEngagementError
from serving.gateway.vector_answers import VectorAnswers
from serving.gateway.vectors import StudentVectors, nearest
from serving.gateway.version_data import VersionData, VersionLacksError
from serving.risk_levels import RISK_LEVELS, risk_level
from serving.states import ENDED, require_open

HIGH_RISK: Final = RISK_LEVELS[0][0]
HIGH_POTENTIAL: Final = 0.7
Limit = Annotated[int, Query(ge=1, le=1000)]
Share = Annotated[float, Query(ge=0, le=1)]
OfStage = Annotated[str | None, Query(max_length=200, description="only students in this stage")]


def student_routes(gateway: Gateway) -> APIRouter:
    """The routes of a gateway."""
    router = APIRouter(tags=["students"])

    @router.get("/students/at-risk", response_model=StudentsAnswer)
    def at_risk(
        threshold: Share = HIGH_RISK, stage: OfStage = None, limit: Limit = 100, offset: Offset = 0
    ) -> Any:
        """Students whose risk is above a threshold, highest first."""
        return StudentList(gateway, None).page("risk", threshold, stage, limit, offset)

    @router.get("/students/high-potential", response_model=StudentsAnswer)
    def high_potential(
        threshold: Share = HIGH_POTENTIAL,
        goal_stage: Annotated[str | None, Query(max_length=200)] = None,
        stage: OfStage = None,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> Any:
        """Students for whom a goal is likelier than a threshold, likeliest first."""
        return StudentList(gateway, goal_stage).page("goal", threshold, stage, limit, offset)

    @router.get("/students/{student_id}/similar", response_model=SimilarAnswer)
    def similar(
        student_id: StudentInPath,
        top_k: Annotated[int, Query(ge=1, le=100)] = 10,
        stage: OfStage = None,
    ) -> Any:
        """Students whose vectors are most alike."""
        _, data = gateway.versions.served.of(student_id)
        place = require_student(data, student_id)
        vectors = vectors_of(data)
        among = np.ones(len(data.states), bool) if stage is None else in_stage(data, stage)
        among[place] = False
        places, cosines = nearest(vectors.unit, vectors.unit[place], among, top_k)
        ids = data.states.take(places.tolist())[names.STUDENT_ID].to_pylist()
        return {
            "student_id": student_id,
            "similar": [
                {
                    "student_id": identifier,
                    "similarity": float(cosine),
                    "current_stage": data.stages[row],
                    "ended": bool(data.ended[row]),
                }
                for identifier, cosine, row in zip(ids, cosines, places, strict=True)
            ],
            "model_version": data.number,
            "as_of": instant(data.as_of),
        }

    @router.get("/embeddings/student/{student_id}", response_model=EmbeddingAnswer)
    def student_embedding(student_id: StudentInPath) -> Any:
        """The student's vector, of now; of the push where the model is away."""

        def by_model(model: ModelQuestions, asked: Asked) -> list[float]:
            require_open(asked.current.state)
            return model.embedding(asked.current.state)

        def by_vectors(vectors: VectorAnswers, asked: Asked) -> list[float]:
            require_open(asked.current.state)
            return vectors.embedding(asked.current)

        answer = gateway.ask(student_id, by_model, by_vectors)
        return {
            "student_id": student_id,
            "embedding": answer.said,
            **gateway.source_of(answer),
        }

    @router.get("/embeddings/engagement/{engagement_id}", response_model=EngagementEmbeddingAnswer)
    def engagement_embedding(
        engagement_id: StudentInPath,
        audience: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Any:
        """The engagement's vector for an audience, else the first that it is open to."""
        data = gateway.versions.served.stable
        if data.engagement_vectors is None:
            raise lacks(data, "engagement vectors")
        for each, (places, unit) in data.engagement_vectors.rows.items():
            if audience in (None, each) and engagement_id in places:
                return {
                    "engagement_id": engagement_id,
                    "audience": each,
                    "embedding": unit[places[engagement_id]].tolist(),
                    "model_version": data.number,
                }
        raise UnknownEngagementError(
            "an engagement must be in the catalogue, and open to the audience if one is named.",
            where="engagement_id",
            received=repr(engagement_id),
        )

    return router


class StudentList:
    """All students who have not ended, by what was said of them at the push, or is said now.

    The numbers of students with events since the push are asked for anew.

    Args:
      gateway: that is asked.
      goal: a stage; None: the configured goal.

    Raises:
      UnknownStageError: the goal is no stage.
      VersionLacksError: the version was pushed without vectors.
    """

    def __init__(self, gateway: Gateway, goal: str | None) -> None:
        self._gateway = gateway
        self._data = gateway.versions.served.stable
        self._goal = goal or self._data.config.default_goal
        target = stage_place(self._data.config.stages, self._goal, "goal_stage")
        vectors = vectors_of(self._data)
        self._stages = self._data.stages.copy()
        self._open = ~self._data.ended
        self._likelihood = vectors.likelihood.copy()
        self._risk = vectors.risk.copy()
        self._goals = vectors.goals[:, target].copy()
        self._now = np.zeros(len(self._stages), bool)
        self._reason = self._renew(target)
        # Who is at the goal is no prospect.
        stages = self._data.config.stages
        self._short = np.isin(self._stages, list(stages[:target]))

    def page(
        self,
        by: Literal["risk", "goal"],
        threshold: float,
        stage: str | None,
        limit: int,
        offset: int,
    ) -> dict[str, Any]:
        """The students from `offset` on."""
        values = self._risk if by == "risk" else self._goals
        keep = self._open & (np.nan_to_num(values) > threshold)
        if by == "goal":
            keep &= self._short
        if stage is not None:
            stage_place(self._data.config.stages, stage, "stage")
            keep &= self._stages == stage
        places = np.flatnonzero(keep)
        order = places[np.argsort(-values[places], kind="stable")]
        data = self._data
        return {
            "students": self._listed(order[offset : offset + limit]),
            "total": len(order),
            "offset": offset,
            "limit": limit,
            "threshold": threshold,
            "goal_stage": self._goal,
            "prediction_method": MODEL if self._reason is None else FALLBACK,
            "reason": self._reason,
            "model_version": data.number,
            "as_of": instant(data.as_of),
            "timestamp": self._gateway.clock(),
        }

    def _listed(self, places: npt.NDArray[np.intp]) -> list[dict[str, Any]]:
        ids = self._data.states.take(places.tolist())[names.STUDENT_ID].to_pylist()
        return [
            {
                "student_id": identifier,
                "current_stage": self._stages[place],
                "likelihood_score": float(self._likelihood[place]),
                "risk_score": float(self._risk[place]),
                "risk_level": risk_level(float(self._risk[place])),
                "goal_likelihood": float(self._goals[place]),
                "posted_events": bool(self._now[place]),
            }
            for identifier, place in zip(ids, places.tolist(), strict=True)
        ]

    def _renew(self, target: int) -> str | None:
        """Asks anew about students with events; the reason why that could not be."""
        data, answers = self._data, self._gateway.answers
        active = sorted(self._gateway.states.active(data))
        if not active:
            return None
        places = np.array([require_student(data, student) for student in active])
        rows = answers.rows(data, active)
        self._open[places] = ~rows[ENDED].to_numpy()
        self._stages[places] = rows[names.Q_STAGE].to_pylist()
        reason = answers.unasked(data)
        if reason is None:
            try:
                limit = self._gateway.settings.batch_timeout_seconds
                said = answers.questions(data, limit).goals(
                    rows, (*names.OF_STUDENT, names.GOAL_LIKELIHOOD)
                )
            except ModelServerError as error:
                reason = answers.failed(error)
        if reason is not None:
            return f"{reason}; {len(active)} students with posted events are as of the push"
        self._likelihood[places] = said[names.LIKELIHOOD]
        self._risk[places] = said[names.RISK]
        self._goals[places] = said[names.GOAL_LIKELIHOOD][:, target]
        self._now[places] = True
        return None


def in_stage(data: VersionData, stage: str) -> npt.NDArray[np.bool_]:
    """Who was in a stage at the push, `[S]`.

    Raises:
      UnknownStageError: it is no stage.
    """
    stage_place(data.config.stages, stage, "stage")
    return np.asarray(data.stages == stage, np.bool_)


def vectors_of(data: VersionData) -> StudentVectors:
    """The student vectors of a version.

    Raises:
      VersionLacksError: it has none.
    """
    if data.student_vectors is None:
        raise lacks(data, "student vectors")
    return data.student_vectors


def lacks(data: VersionData, what: str) -> VersionLacksError:
    """The error for a version without vectors."""
    return VersionLacksError(
        "this is answered from the vectors of the version.",
        where=f"version {data.number}",
        received=f"no {what}",
        remedy="push again with `goalpath run`: older versions have none.",
    )
