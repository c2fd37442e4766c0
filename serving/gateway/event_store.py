"""Events that applications posted, kept until a version's own data hold them, and after."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final, Protocol

from schemas.errors import GoalpathError, InputError

SQLITE: Final = "sqlite:///"
POSTGRESQL: Final = ("postgresql://", "postgres://")


class EventConflictError(InputError):
    """An event id was posted before, with other content."""


class StoreUnavailableError(GoalpathError):
    """The store of events cannot be read or written now."""


@dataclasses.dataclass(frozen=True)
class PostedEvent:
    """One student met one engagement.

    Attributes:
      event_id: of the application; a second post of it changes nothing.
      student_id: as in the students table.
      engagement_id: as in the engagements table.
      timestamp: int64 microseconds since the epoch, UTC.
      response: "" where there was none.
      value: None where there is none.
      stage_after: the stage that it led to, or the word for a loss; "" where it led to none.
    """

    event_id: str
    student_id: str
    engagement_id: str
    timestamp: int
    response: str = ""
    value: float | None = None
    stage_after: str = ""


@dataclasses.dataclass(frozen=True)
class Appended:
    """What became of posted events: new ones, and ones that were there already."""

    added: int
    repeated: int


class EventStore(Protocol):
    """Where posted events are. Safe to use from several threads."""

    def append(self, events: Sequence[PostedEvent]) -> Appended:
        """Keeps all events, or none; when it returns they are on the disk.

        Raises:
          EventConflictError: an id is known with other content; nothing is kept.
          StoreUnavailableError: the store cannot be written.
        """

    def of_student(self, student_id: str, since: int) -> tuple[PostedEvent, ...]:
        """The student's events at or after an instant, in the order they were posted.

        Raises:
          StoreUnavailableError: the store cannot be read.
        """

    def students_since(self, since: int) -> frozenset[str]:
        """Who has an event at or after an instant.

        Raises:
          StoreUnavailableError: the store cannot be read.
        """

    def close(self) -> None:
        """Closes connections."""


def open_store(url: str) -> EventStore:
    """The store at a URL.

    Raises:
      InputError: the URL is of another kind.
      StoreUnavailableError: it cannot be opened.
    """
    if url.startswith(SQLITE):
        from serving.gateway.sqlite_events import SqliteEvents  # noqa: PLC0415

        return SqliteEvents(url.removeprefix(SQLITE))
    if url.startswith(POSTGRESQL):
        # The driver is of the extra `postgres`.
        from serving.gateway.postgres_events import PostgresEvents  # noqa: PLC0415

        return PostgresEvents(url)
    raise InputError(
        f"the store of events is named by {SQLITE}PATH or {POSTGRESQL[0]}...",
        where="GOALPATH_STORE_URL",
        received=url.partition(":")[0],
        remedy="leave it out for SQLite in OUT/gateway.",
    )
