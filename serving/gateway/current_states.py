"""The state of a student now: as of the push, or after what was posted since."""

from __future__ import annotations

import collections
import dataclasses
import threading
from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa

from schemas.errors import UnknownStudentError
from serving.gateway.event_store import EventStore, PostedEvent
from serving.gateway.version_data import VersionData, VersionLacksError
from serving.states import ENDED, StudentState

KEPT: Final = 10_000
"""States after posted events that are kept in memory."""
SECOND: Final = 1_000_000

_Key = tuple[int, str, int]


@dataclasses.dataclass(frozen=True)
class CurrentState:
    """A state and what it is made of.

    Attributes:
      state: the student's.
      posted: how many posted events are in it.
      place: row of the student in the version.
    """

    state: StudentState
    posted: int
    place: int


class CurrentStates:
    """States of any version, with the events of one store.

    A version's own data reach to its `as_of`: events before that are in them, or were not
    in the export, and are not applied again. With events since, the state is of one second
    after the last of them, as the pipeline's is of one second after its last row.

    Args:
      events: what was posted.
    """

    def __init__(self, events: EventStore) -> None:
        self._events = events
        self._lock = threading.Lock()
        self._kept: collections.OrderedDict[_Key, pa.Table] = collections.OrderedDict()

    def state(self, data: VersionData, student_id: str) -> CurrentState:
        """The state of one student.

        Raises:
          UnknownStudentError: the version has no such student.
          VersionLacksError: something was posted, and the version has no histories.
          StoreUnavailableError: the store cannot be read.
        """
        place = require_student(data, student_id)
        posted = self._applied(data, student_id)
        row = self._after(data, student_id, place, posted) if posted else data.states.row(place)
        return CurrentState(state_of(row), len(posted), place)

    def rows(self, data: VersionData, student_ids: Sequence[str]) -> pa.Table:
        """The states of several students, in their order.

        Raises:
          UnknownStudentError: the version has no such student.
          VersionLacksError: as `state`.
          StoreUnavailableError: the store cannot be read.
        """
        places = [require_student(data, student_id) for student_id in student_ids]
        rows = data.states.take(places)
        active = self._events.students_since(data.as_of)
        changed = [number for number, each in enumerate(student_ids) if each in active]
        if not changed:
            return rows
        after = {
            number: self._after(data, student_ids[number], places[number], posted)
            for number in changed
            if (posted := self._applied(data, student_ids[number]))
        }
        return _replaced(rows, after)

    def active(self, data: VersionData) -> frozenset[str]:
        """Students of the version with events since its push.

        Raises:
          StoreUnavailableError: the store cannot be read.
        """
        return frozenset(s for s in self._events.students_since(data.as_of) if s in data.states)

    def _applied(self, data: VersionData, student_id: str) -> tuple[PostedEvent, ...]:
        posted = self._events.of_student(student_id, data.as_of)
        if not posted:
            return ()
        if data.state_rows is None:
            raise VersionLacksError(
                "posted events are added to the history of a student.",
                where=f"version {data.number}",
                received="no histories",
                remedy="push again with `goalpath run`: older versions have none.",
            )
        return tuple(event for event in posted if data.state_rows.knows(event.engagement_id))

    def _after(
        self, data: VersionData, student_id: str, place: int, posted: Sequence[PostedEvent]
    ) -> pa.Table:
        # Events are only ever added, so their number says which they are.
        key = (data.number, student_id, len(posted))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        assert data.histories is not None
        assert data.state_rows is not None
        history = data.histories.place(student_id)
        assert history is not None, "histories have every student of the states"
        as_of = max(data.as_of, max(event.timestamp for event in posted) + SECOND)
        row = data.state_rows.row(data.histories.row(history), posted, as_of=as_of)
        row = row.select(data.states.table.column_names).cast(data.states.table.schema)
        with self._lock:
            self._kept[key] = row
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return row


def require_student(data: VersionData, student_id: str) -> int:
    """The row of a student.

    Raises:
      UnknownStudentError: the version has no such student.
    """
    place = data.states.place(student_id)
    if place is None:
        raise UnknownStudentError(
            "a student must be in the data that the model version was made from.",
            where="student_id",
            received=repr(student_id),
            remedy="check the id, or run the pipeline again on data that have it.",
        )
    return place


def state_of(row: pa.Table) -> StudentState:
    """A row of the states' table as a state."""
    values: dict[str, object] = {
        name: column[0].as_py() for name, column in zip(row.column_names, row.columns, strict=True)
    }
    return StudentState(values, bool(values.pop(ENDED)))


def _replaced(rows: pa.Table, by: Mapping[int, pa.Table]) -> pa.Table:
    parts, begin = [], 0
    for number, row in sorted(by.items()):
        parts += [rows.slice(begin, number - begin), row]
        begin = number + 1
    return pa.concat_tables([*parts, rows.slice(begin)]).combine_chunks()
