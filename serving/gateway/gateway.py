"""The parts of a running gateway, put together."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from schemas import names
from schemas.errors import InputError
from schemas.goal_answers import RECORDED
from serving.client.grpc_client import GrpcModelClient
from serving.client.model_client import ClientOptions, ModelClient
from serving.client.retry import RetryPolicy
from serving.gateway.answers import Answer, Answers, Asked, Said
from serving.gateway.current_states import CurrentState, CurrentStates, state_of
from serving.gateway.event_store import EventStore, open_store
from serving.gateway.gateway_metrics import GatewayMetrics
from serving.gateway.model_config_file import ModelConfigFile
from serving.gateway.model_health import ModelHealth
from serving.gateway.model_questions import ModelQuestions
from serving.gateway.served_versions import Place, ServedVersions
from serving.gateway.settings import GatewaySettings
from serving.gateway.vector_answers import VectorAnswers
from serving.gateway.version_data import VersionData
from serving.versions import SERVING_FOLDER, model_names, serving_dir

RETRY: Final = RetryPolicy(attempts=2, first_wait_seconds=0.02, longest_wait_seconds=0.05)
"""The fallback is there at once; a request does not wait long for a server that is away."""
WARM_SECONDS: Final = 60.0
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)

Clock = Callable[[], dt.datetime]


def now() -> dt.datetime:
    """The time, UTC."""
    return dt.datetime.now(dt.timezone.utc)


def instant(micros: int) -> dt.datetime:
    """Microseconds since the epoch as a time, UTC."""
    return _EPOCH + dt.timedelta(microseconds=micros)


def micros(moment: dt.datetime) -> int:
    """A time with an offset as microseconds since the epoch."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


@dataclasses.dataclass(frozen=True, eq=False)
class Gateway:
    """All that routes need.

    Attributes:
      settings: of this gateway.
      versions: that answer.
      answers: asks for students.
      states: of students.
      events: that were posted.
      client: of the model server.
      health: of it.
      metrics: of the gateway.
      clock: tells the time.
    """

    settings: GatewaySettings
    versions: ServedVersions
    answers: Answers
    states: CurrentStates
    events: EventStore
    client: ModelClient
    health: ModelHealth
    metrics: GatewayMetrics
    clock: Clock = now

    def ask(
        self,
        student_id: str,
        by_model: Callable[[ModelQuestions, Asked], Said],
        by_vectors: Callable[[VectorAnswers, Asked], Said],
    ) -> Answer[Said]:
        """`Answers.ask`, counted and timed."""
        began = time.perf_counter()
        answer = self.answers.ask(student_id, by_model, by_vectors)
        seconds = time.perf_counter() - began
        source = answer.source
        self.metrics.saw_answer(source.version, source.label, source.method, seconds)
        return answer

    def source_of(self, answer: Answer[Any], method: str | None = None) -> dict[str, Any]:
        """The fields of `bodies.Answered`.

        Args:
          answer: that was given.
          method: `RECORDED` where the data say it, whoever was asked.
        """
        source = answer.source
        recorded = method == RECORDED
        return {
            "prediction_method": RECORDED if recorded else source.method,
            "reason": None if recorded else source.reason,
            "model_version": source.version,
            "model_label": source.label,
            "as_of": instant(source.as_of),
            "posted_events": source.posted,
            "timestamp": self.clock(),
        }

    def close(self) -> None:
        """Ends threads and connections."""
        self.versions.stop()
        self.client.close()
        self.events.close()


def open_gateway(settings: GatewaySettings) -> Gateway:
    """A gateway that follows the versions of a folder; to be closed.

    Raises:
      InputError: there is not one model, or the store's URL cannot be used.
      StoreUnavailableError: the store of events cannot be opened.
    """
    name = settings.model_name or _only_model(settings)
    client = GrpcModelClient(
        ClientOptions(settings.model_server, name, settings.model_timeout_seconds, RETRY)
    )
    health = ModelHealth()
    config_file = settings.model_config_file
    keeper = (
        ModelConfigFile(config_file, name, serving_dir(settings.out, name).absolute(), health)
        if config_file is not None
        else None
    )
    events = open_store(settings.events_url)
    place = Place(settings.out, name, settings.folder)
    versions = ServedVersions(
        place,
        client,
        health,
        keeper.write if keeper is not None else None,
        lambda data: warm(client, data),
    )
    states = CurrentStates(events)
    versions.start(settings.poll_seconds)
    answers = Answers(versions, states, client, health, settings.neighbours)
    return Gateway(settings, versions, answers, states, events, client, health, GatewayMetrics())


def warm(client: ModelClient, data: VersionData) -> None:
    """Asks about one student what routes ask, with the time that a first answer takes.

    Raises:
      ModelServerError: it does not answer.
    """
    found = np.flatnonzero(~data.ended)
    if not len(found):
        return
    questions = ModelQuestions(client, data, timeout_seconds=WARM_SECONDS)
    row = data.states.row(int(found[0]))
    state = state_of(row)
    offered = questions.open_to(state)
    questions.goal_state(CurrentState(state, 0, int(found[0])), offered)
    questions.heads(state, offered)
    questions.heads(state)
    questions.embedding(state)
    questions.goals(row, names.OF_STUDENT)


def _only_model(settings: GatewaySettings) -> str:
    found = model_names(settings.out)
    if len(found) != 1:
        raise InputError(
            "a gateway serves one model.",
            where=str(settings.out / SERVING_FOLDER),
            received=", ".join(found) or "none",
            remedy="set GOALPATH_MODEL_NAME, or run `goalpath run --out OUT` first.",
        )
    return found[0]
