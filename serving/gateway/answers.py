"""Who answers: the model where it can, else the vectors of the version, and it is said which."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

import pyarrow as pa

from schemas.goal_answers import MODEL
from serving.client.errors import (
    DeadlineError,
    ModelNotFoundError,
    ModelServerError,
    ServerUnavailableError,
)
from serving.client.model_client import ModelClient
from serving.gateway.current_states import CurrentState, CurrentStates
from serving.gateway.heads_cache import HeadsCache
from serving.gateway.model_health import ModelHealth
from serving.gateway.model_questions import ModelQuestions
from serving.gateway.served_versions import ServedVersions
from serving.gateway.vector_answers import VectorAnswers
from serving.gateway.version_data import VersionData

FALLBACK: Final = "vector_fallback"

Said = TypeVar("Said")


@dataclasses.dataclass(frozen=True)
class Source:
    """Where an answer comes from.

    Attributes:
      method: `MODEL` or `FALLBACK`.
      reason: why it is the fallback; None where it is the model.
      version: of model, states and vectors alike.
      label: of the version.
      as_of: the instant of the student's state, int64 microseconds.
      posted: events that were posted since the push and are in the state.
    """

    method: str
    reason: str | None
    version: int
    label: str
    as_of: int
    posted: int


@dataclasses.dataclass(frozen=True, eq=False)
class Asked:
    """A student, and the version that answers.

    Attributes:
      label: of the version.
      data: of the version.
      current: the student's state.
    """

    label: str
    data: VersionData
    current: CurrentState


@dataclasses.dataclass(frozen=True, eq=False)
class Answer(Generic[Said]):
    """What was said, of whom, and by what."""

    said: Said
    asked: Asked
    source: Source


class Answers:
    """Asks for one student or for many.

    Args:
      versions: that answer.
      states: of students.
      client: of the model server.
      health: of it.
      neighbours: of the fallback.
    """

    def __init__(
        self,
        versions: ServedVersions,
        states: CurrentStates,
        client: ModelClient,
        health: ModelHealth,
        neighbours: int,
    ) -> None:
        self._versions = versions
        self._states = states
        self._client = client
        self._health = health
        self._neighbours = neighbours
        self._cache = HeadsCache()

    def asked(self, student_id: str) -> Asked:
        """The student's state in the version that answers for this student.

        Raises:
          UnknownStudentError: the version has no such student.
          NothingServedError: no version answers.
          StoreUnavailableError: what was posted cannot be read.
        """
        label, data = self._versions.served.of(student_id)
        return Asked(label, data, self._states.state(data, student_id))

    def ask(
        self,
        student_id: str,
        by_model: Callable[[ModelQuestions, Asked], Said],
        by_vectors: Callable[[VectorAnswers, Asked], Said],
    ) -> Answer[Said]:
        """Asks the model, or the vectors where it is away.

        A version that was replaced in between is no fault: the new one is asked.

        Raises:
          UnknownStudentError: the version has no such student.
          VersionLacksError: the model is away, and there are no vectors.
          NothingServedError: no version answers.
          StoreUnavailableError: what was posted cannot be read.
        """
        asked = self.asked(student_id)
        reason = self.unasked(asked.data)
        if reason is None:
            try:
                return self._by_model(asked, by_model)
            except ModelNotFoundError as error:
                self._versions.look_soon()
                reason = describe(error)
            except ModelServerError as error:
                reason = self._failed(error)
        again = self.asked(student_id)
        if again.data is not asked.data and self.unasked(again.data) is None:
            asked = again
            try:
                return self._by_model(asked, by_model)
            except ModelServerError as error:
                reason = self._failed(error)
        said = by_vectors(VectorAnswers(asked.data, self._neighbours), asked)
        return Answer(said, asked, _source(asked, FALLBACK, reason))

    def rows(self, data: VersionData, student_ids: Sequence[str]) -> pa.Table:
        """The states of several students; see `CurrentStates.rows`."""
        return self._states.rows(data, student_ids)

    def questions(self, data: VersionData, timeout_seconds: float | None = None) -> ModelQuestions:
        """Of a version; with a time limit other than the client's, where one is given."""
        return ModelQuestions(self._client, data, timeout_seconds, self._cache)

    def vectors(self, data: VersionData) -> VectorAnswers:
        """Of a version."""
        return VectorAnswers(data, self._neighbours)

    def unasked(self, data: VersionData) -> str | None:
        """Why the model is not asked at all; None where it is."""
        if self._health.reason is not None:
            return f"the model server is away: {self._health.reason}"
        if self._health.lacks(data.number):
            return f"the model server does not have version {data.number}"
        return None

    def failed(self, error: ModelServerError) -> str:
        """The reason that an error is for the fallback; whoever asks next is spared it."""
        return self._failed(error)

    def _by_model(
        self, asked: Asked, by_model: Callable[[ModelQuestions, Asked], Said]
    ) -> Answer[Said]:
        said = by_model(self.questions(asked.data), asked)
        return Answer(said, asked, _source(asked, MODEL, None))

    def _failed(self, error: ModelServerError) -> str:
        if isinstance(error, (ServerUnavailableError, DeadlineError)):
            self._health.went_away(describe(error))
            self._versions.look_soon()
        return f"the model server is away: {describe(error)}"


def describe(error: ModelServerError) -> str:
    """An error in a few words, without what was asked."""
    return f"{error.code.name}: {error.message}"[:200]


def _source(asked: Asked, method: str, reason: str | None) -> Source:
    current = asked.current
    return Source(
        method,
        reason,
        asked.data.number,
        asked.label,
        current.state.snapshot_time,
        current.posted,
    )
