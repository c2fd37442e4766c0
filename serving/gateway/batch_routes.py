"""The route for many students at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from schemas import names
from schemas.errors import InputError
from schemas.goal_answers import MODEL, RECORDED
from schemas.goal_parameters import stage_place
from serving.client.errors import ModelServerError
from serving.gateway.answers import FALLBACK, Asked
from serving.gateway.bodies import BatchAnswer, BatchRequest
from serving.gateway.current_states import CurrentState, state_of
from serving.gateway.gateway import Gateway
from serving.gateway.predict_routes import some_engagements
from serving.gateway.problems import UnknownEngagementError
from serving.gateway.version_data import VersionData
from serving.risk_levels import risk_level
from serving.states import ENDED

UNKNOWN: Final = "unknown student"
HAS_ENDED: Final = "the student has ended: there is no next step to predict"
_GOALS: Final = frozenset({"goal", "goal_likelihood"})

Entry = dict[str, Any]


def batch_routes(gateway: Gateway) -> APIRouter:
    """The routes of a gateway."""
    router = APIRouter(tags=["predictions"])

    @router.post("/predict/batch", response_model=BatchAnswer)
    def batch(request: BatchRequest) -> Any:
        """Likelihood, risk and a goal of many students; given engagements, if some are named."""
        began = time.perf_counter()
        _require_bounded(gateway, request)
        entries: dict[str, Entry] = {}
        for label, data, students in _by_version(gateway, request.student_ids):
            asked_at = time.perf_counter()
            of_version = Batch(gateway, data, request).entries(students)
            seconds = time.perf_counter() - asked_at
            methods = [
                entry["prediction_method"] for entry in of_version.values() if "error" not in entry
            ]
            for method in sorted(set(methods)):
                gateway.metrics.saw_answer(
                    data.number, label, method, seconds, methods.count(method)
                )
            entries |= of_version
        unknown = {"error": UNKNOWN}
        predictions = [
            {"student_id": student_id, **entries.get(student_id, unknown)}
            for student_id in request.student_ids
        ]
        failed = sum("error" in entry for entry in predictions)
        # Not through the model of the answer: thousands of rows are checked for nothing.
        return JSONResponse(
            {
                "predictions": predictions,
                "total_processed": len(predictions),
                "successful_predictions": len(predictions) - failed,
                "failed_predictions": failed,
                "processing_time_seconds": time.perf_counter() - began,
            }
        )

    return router


class Told(NamedTuple):
    """What was said of a student; likelihood, risk and goal mean nothing of one who has ended."""

    likelihood: float
    risk: float
    goal: float
    ended: bool
    place: int  # of the stage


class Batch:
    """The students of one version.

    Args:
      gateway: that is asked.
      data: of the version.
      request: what is wanted.

    Raises:
      UnknownStageError: the goal is no stage.
    """

    def __init__(self, gateway: Gateway, data: VersionData, request: BatchRequest) -> None:
        self._gateway = gateway
        self._data = data
        self._types = frozenset(request.prediction_types)
        self._engagements = list(dict.fromkeys(request.engagement_ids or ()))
        self._goal = request.goal_stage or data.config.default_goal
        self._target = stage_place(data.config.stages, self._goal, "goal_stage")

    def entries(self, students: Sequence[str]) -> dict[str, Entry]:
        """Student -> entry.

        Raises:
          VersionLacksError: the model is away, and there are no vectors.
          StoreUnavailableError: what was posted cannot be read.
        """
        answers = self._gateway.answers
        rows = answers.rows(self._data, students)
        reason = answers.unasked(self._data)
        if reason is None:
            try:
                return self._by_model(students, rows)
            except ModelServerError as error:
                reason = answers.failed(error)
        return self._by_vectors(students, rows, reason)

    def _by_model(self, students: Sequence[str], rows: Any) -> dict[str, Entry]:
        limit = self._gateway.settings.batch_timeout_seconds
        said = self._gateway.answers.questions(self._data, limit).goals(
            rows, (*names.OF_STUDENT, names.GOAL_LIKELIHOOD)
        )
        likelihood, risk = (said[key].tolist() for key in names.OF_STUDENT)
        goal = said[names.GOAL_LIKELIHOOD][:, self._target].tolist()
        ended = rows[ENDED].to_pylist()
        place = [self._data.config.stages.index(stage) for stage in rows[names.Q_STAGE].to_pylist()]
        entries = {
            student: self._entry(
                Told(likelihood[row], risk[row], goal[row], ended[row], place[row]), MODEL
            )
            for row, student in enumerate(students)
        }
        if self._engagements:
            for row, student in enumerate(students):
                if not ended[row]:
                    entries[student] |= self._given(student, rows.slice(row, 1))
        return entries

    def _by_vectors(self, students: Sequence[str], rows: Any, reason: str) -> dict[str, Entry]:
        vectors = self._gateway.answers.vectors(self._data)
        stages = self._data.config.stages
        entries: dict[str, Entry] = {}
        for row, student in enumerate(students):
            state = state_of(rows.slice(row, 1))
            place = self._data.states.place(student)
            assert place is not None
            current = CurrentState(state, 0, place)
            goals = vectors.goal_state(current)
            found = self._data.advisor.predict_goal_likelihood(goals, self._goal)
            heads = goals.heads
            told = Told(
                heads.likelihood if heads else np.nan,
                heads.risk if heads else np.nan,
                found.likelihood,
                state.ended,
                stages.index(goals.stage),
            )
            entries[student] = self._entry(told, FALLBACK, reason)
        return entries

    def _entry(self, told: Told, method: str, reason: str | None = None) -> Entry:
        """One student's; of one who has ended the data say whether the goal was reached."""
        recorded = told.ended or self._target <= told.place
        entry: Entry = {
            "model_version": self._data.number,
            "current_stage": self._data.config.stages[told.place],
            "prediction_method": method,
            "reason": reason,
        }
        heads = self._types - _GOALS
        if told.ended and heads:
            return entry | {"error": HAS_ENDED}
        if "likelihood" in heads:
            entry["likelihood_score"] = told.likelihood
        if "risk" in heads:
            entry |= {"risk_score": told.risk, "risk_level": risk_level(told.risk)}
        if self._types & _GOALS:
            entry |= {
                "target_stage": self._goal,
                "goal_likelihood": float(self._target <= told.place) if recorded else told.goal,
            }
            if recorded and not heads:
                entry |= {"prediction_method": RECORDED, "reason": None}
        return entry

    def _given(self, student: str, row: Any) -> Entry:
        """The heads given each engagement, or why there are none."""
        state = state_of(row)
        place = self._data.states.place(student)
        assert place is not None
        asked = Asked("", self._data, CurrentState(state, 0, place))
        try:
            rows = some_engagements(asked, self._engagements)
        except UnknownEngagementError as error:
            return {"error": str(error)}
        said = self._gateway.answers.questions(self._data).heads(state, rows)
        given = zip(
            self._engagements,
            said[names.LIKELIHOOD_GIVEN][0].tolist(),
            said[names.RISK_GIVEN][0].tolist(),
            said[names.RANKING_SCORE][0].tolist(),
            strict=True,
        )
        return {
            "engagements": [
                {
                    "engagement_id": identifier,
                    "likelihood_score": likelihood,
                    "risk_score": risk,
                    "ranking_score": score,
                }
                for identifier, likelihood, risk, score in given
            ]
        }


def _by_version(
    gateway: Gateway, students: Sequence[str]
) -> Iterator[tuple[str, VersionData, list[str]]]:
    """The known students of each version that answers some of them."""
    served = gateway.versions.served
    parts: dict[str, tuple[VersionData, list[str]]] = {}
    for student in dict.fromkeys(students):
        label, data = served.of(student)
        if student in data.states:
            parts.setdefault(label, (data, []))[1].append(student)
    for label, (data, known) in parts.items():
        yield label, data, known


def _require_bounded(gateway: Gateway, request: BatchRequest) -> None:
    settings = gateway.settings
    students, engagements = len(request.student_ids), len(request.engagement_ids or ())
    if students > settings.batch_students:
        raise InputError(
            f"a request has at most {settings.batch_students} students.",
            where="student_ids",
            received=str(students),
            remedy="send them in parts.",
        )
    if students * engagements > settings.batch_pairs:
        raise InputError(
            f"a request has at most {settings.batch_pairs} pairs of student and engagement.",
            where="engagement_ids",
            received=str(students * engagements),
            remedy="send them in parts.",
        )
