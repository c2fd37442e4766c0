"""An `EventStore` in a database with SQL; what differs between databases is in subclasses."""

from __future__ import annotations

import abc
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from schemas.errors import GoalpathError
from serving.gateway.event_store import (
    Appended,
    EventConflictError,
    PostedEvent,
    StoreUnavailableError,
)

_COLUMNS: Final = (
    "event_id, student_id, engagement_id, posted_timestamp, response, value, stage_after"
)

Answer = TypeVar("Answer")
Connection = Any  # of the DB-API, which has no types


class SqlEvents(abc.ABC):
    """One connection a thread, so that threads never wait for each other but to write.

    Args:
      where: names the store in errors; without a password.
    """

    placeholder: str
    schema: tuple[str, ...]
    begin: str | None = None
    faults: tuple[type[Exception], ...]

    def __init__(self, where: str) -> None:
        self._where = where
        self._own = threading.local()
        self._lock = threading.Lock()
        self._all: list[Connection] = []
        with self._connection() as connection:
            for statement in self.schema:
                connection.execute(statement)
            connection.commit()

    @abc.abstractmethod
    def connect(self) -> Connection:
        """A new connection that keeps a transaction open until `commit`."""

    def append(self, events: Sequence[PostedEvent]) -> Appended:
        """See `EventStore.append`.

        Raises:
          EventConflictError: an id is known with other content; nothing is kept.
          StoreUnavailableError: the store cannot be written.
        """
        marks = ", ".join([self.placeholder] * 7)
        insert = (
            f"INSERT INTO events ({_COLUMNS}) VALUES ({marks}) ON CONFLICT (event_id) DO NOTHING"
        )
        return self._again(lambda: self._append(insert, events))

    def _append(self, insert: str, events: Sequence[PostedEvent]) -> Appended:
        added = 0
        with self._connection() as connection:
            if self.begin:
                connection.execute(self.begin)
            # In one order, so that two posts never wait for each other.
            for event in sorted(events, key=lambda each: each.event_id):
                new = connection.execute(insert, _row(event)).rowcount == 1
                if not new:
                    self._require_same(connection, event)
                added += new
            connection.commit()
        return Appended(added, len(events) - added)

    def of_student(self, student_id: str, since: int) -> tuple[PostedEvent, ...]:
        """See `EventStore.of_student`.

        Raises:
          StoreUnavailableError: the store cannot be read.
        """
        mark = self.placeholder
        rows = self._read(
            f"SELECT {_COLUMNS} FROM events WHERE student_id = {mark} "
            f"AND posted_timestamp >= {mark} ORDER BY sequence",
            (student_id, since),
        )
        return tuple(PostedEvent(*row) for row in rows)

    def students_since(self, since: int) -> frozenset[str]:
        """See `EventStore.students_since`.

        Raises:
          StoreUnavailableError: the store cannot be read.
        """
        rows = self._read(
            f"SELECT DISTINCT student_id FROM events WHERE posted_timestamp >= {self.placeholder}",
            (since,),
        )
        return frozenset(row[0] for row in rows)

    def close(self) -> None:
        """See `EventStore.close`."""
        with self._lock:
            for connection in self._all:
                with contextlib.suppress(*self.faults):
                    connection.close()
            self._all.clear()
        self._own = threading.local()

    def _read(self, statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        def read() -> list[tuple[Any, ...]]:
            with self._connection() as connection:
                rows: list[tuple[Any, ...]] = connection.execute(statement, values).fetchall()
                connection.commit()
            return rows

        return self._again(read)

    def _again(self, work: Callable[[], Answer]) -> Answer:
        """Once more on a new connection: the old one may have ended with the server.

        An append may be done twice by that, which changes nothing.
        """
        try:
            return work()
        except StoreUnavailableError:
            return work()

    def _require_same(self, connection: Connection, event: PostedEvent) -> None:
        found = connection.execute(
            f"SELECT {_COLUMNS} FROM events WHERE event_id = {self.placeholder}",
            (event.event_id,),
        ).fetchone()
        if found is None or PostedEvent(*found) != event:
            raise EventConflictError(
                "an event id stands for one event for ever.",
                where="event_id",
                received=event.event_id,
                remedy="give the event an id of its own; what was posted first is kept.",
            )

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Connection]:
        """This thread's connection, without a transaction after a fault, or without itself."""
        try:
            connection = getattr(self._own, "connection", None) or self._open()
            try:
                yield connection
            except GoalpathError:
                connection.rollback()
                raise
        except self.faults as error:
            self._drop()
            raise StoreUnavailableError(
                "the store of events must be there.",
                where=self._where,
                received=f"{type(error).__name__}: {error}".strip(),
                remedy="see that it runs and has room; post again, nothing is kept twice.",
            ) from error

    def _open(self) -> Connection:
        connection = self.connect()
        self._own.connection = connection
        with self._lock:
            self._all.append(connection)
        return connection

    def _drop(self) -> None:
        connection = getattr(self._own, "connection", None)
        if connection is None:
            return
        self._own.connection = None
        with self._lock, contextlib.suppress(ValueError):
            self._all.remove(connection)
        with contextlib.suppress(*self.faults):
            connection.close()


def _row(event: PostedEvent) -> tuple[object, ...]:
    return (
        event.event_id,
        event.student_id,
        event.engagement_id,
        event.timestamp,
        event.response,
        event.value,
        event.stage_after,
    )
