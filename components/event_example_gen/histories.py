"""The events of students, sorted, with what is counted from them."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.event_example_gen import clock
from components.event_example_gen.columns import sorted_distinct
from components.event_example_gen.segments import (
    Places,
    count_before,
    expand,
    last_true,
    offsets_of,
    running_sums,
)
from schemas.config import ResponsesConfig

Flags = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, eq=False)
class Responses:
    """What the responses of a partition mean; `V` of them, ascending.

    Attributes:
      vocabulary: large strings `[V]`; "" where an event has none.
      active: bool `[V]`.
      lost: bool `[V]`.
      grade: float32 `[V]`, relevance for ranking.
    """

    vocabulary: pa.LargeStringArray
    active: Flags
    lost: Flags
    grade: npt.NDArray[np.float32]


def responses_of(texts: pa.Array, config: ResponsesConfig) -> Responses:
    """What the distinct texts mean by the configuration."""
    vocabulary = sorted_distinct(texts)
    listed = vocabulary.to_pylist()
    active = np.array([config.active is None or text in config.active for text in listed], bool)
    grade = [
        config.grades.get(text, 1.0 if is_active else 0.0)
        for text, is_active in zip(listed, active, strict=True)
    ]
    lost = np.array([text in config.lost for text in listed], bool)
    return Responses(vocabulary, active, lost, np.array(grade, np.float32))


@dataclasses.dataclass(frozen=True, eq=False)
class Events:
    """Events by student and time; `N` of them.

    At one instant they stand by engagement, response, value and stage, so that the
    order of the rows in the files does not matter.

    Attributes:
      start: `[S + 1]`; the events of student s are [start[s], start[s + 1]).
      student: int64 `[N]`.
      time: int64 microseconds `[N]`.
      engagement: place in the catalogue, int64 `[N]`.
      type: place in the vocabulary of types, int64 `[N]`.
      response: place in `responses.vocabulary`, int64 `[N]`.
      value: float64 `[N]`, 0 where there is none.
      responses: what they mean.
    """

    start: Places
    student: Places
    time: clock.Instants
    engagement: Places
    type: Places
    response: Places
    value: npt.NDArray[np.float64]
    responses: Responses

    def __len__(self) -> int:
        return len(self.time)

    @functools.cached_property
    def active(self) -> Flags:
        """Whether each event is active: bool `[N]`."""
        return self.responses.active[self.response]

    @functools.cached_property
    def grade(self) -> npt.NDArray[np.float32]:
        """Relevance of each event for ranking: float32 `[N]`."""
        return self.responses.grade[self.response]

    @functools.cached_property
    def active_before(self) -> Places:
        """How many of the first n events are active: `[N + 1]`."""
        return offsets_of(self.active)

    @functools.cached_property
    def last_active(self) -> Places:
        """The last active event among the first n, of whichever student: `[N + 1]`; -1: none."""
        return np.concatenate(([-1], last_true(self.active)))

    @functools.cached_property
    def value_sums(self) -> npt.NDArray[np.float64]:
        """The student's sum of values up to and with each event: `[N]`."""
        return running_sums(self.value, self.start[self.student])

    @functools.cached_property
    def active_days_before(self) -> Places:
        """How many of the first n events are the first active one of their UTC day."""
        places = np.flatnonzero(self.active)
        day, student = clock.utc_day(self.time[places]), self.student[places]
        first = np.ones(len(places), bool)
        first[1:] = (day[1:] != day[:-1]) | (student[1:] != student[:-1])
        flags = np.zeros(len(self), bool)
        flags[places[first]] = True
        return offsets_of(flags)

    def count_before(self, student: Places, t: clock.Instants) -> Places:
        """The place after the last event of each student before `t`; the shape of `t`."""
        return count_before(self.time, self.start[student], self.start[student + 1], t)

    @functools.cached_property
    def by_engagement(self) -> Runs:
        """The events of each student and engagement."""
        return runs_of(self, self.engagement)

    @functools.cached_property
    def by_type(self) -> Runs:
        """The events of each student and engagement type."""
        return runs_of(self, self.type)

    def distinct_until(self, days: int) -> Expiries:
        """When engagements drop out of the student's last `days` days."""
        return _expiries(self, days)


def sort_events(
    *,
    student: Places,
    time: clock.Instants,
    engagement: Places,
    response: Places,
    value: npt.NDArray[np.float64],
    stage: npt.NDArray[np.int64],
    types: npt.NDArray[np.integer[Any]],
    responses: Responses,
    students: int,
) -> Events:
    """Brings events into their order.

    Args:
      student: row of each event's student.
      time: of each event.
      engagement: place of each event's engagement in the catalogue.
      response: place in `responses.vocabulary`.
      value: NaN where there is none.
      stage: place of the stage led to, -1 where there is none; orders ties only.
      types: type of each engagement of the catalogue.
      responses: what they mean.
      students: how many there are.
    """
    order = np.lexsort((stage, value, response, engagement, time, student))
    student, engagement = student[order], engagement[order]
    return Events(
        start=offsets_of(np.bincount(student, minlength=students)),
        student=student,
        time=time[order],
        engagement=engagement,
        type=types[engagement].astype(np.int64),
        response=response[order],
        value=np.nan_to_num(value[order], nan=0.0),
        responses=responses,
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Runs:
    """Events by student, code and time: one run for each student and code met; `U` runs.

    Attributes:
      order: places of the events, `[N]`.
      student_start: `[S + 1]`; the runs of student s are [student_start[s], ...).
      student: `[U]`.
      code: engagement or type, `[U]`, ascending within a student.
      start: `[U + 1]`; the events of run u are order[start[u]:start[u + 1]].
      time: of the events in this order, `[N]`.
      active_before: how many of the first n in this order are active, `[N + 1]`.
      value_sums: sum of values from the start of the run, `[N]`.
      first_active: time of the run's first active event; `clock.NEVER`: none. `[U]`.
      width: one more than the highest code; the key of a run is
        student * width + code.
    """

    order: Places
    student_start: Places
    student: Places
    code: Places
    start: Places
    time: clock.Instants
    active_before: Places
    value_sums: npt.NDArray[np.float64]
    first_active: clock.Instants
    width: int

    @functools.cached_property
    def keys(self) -> Places:
        """Student * width + code of each run, ascending: `[U]`."""
        return self.student * self.width + self.code

    def find(self, student: Places, code: Places) -> Places:
        """The run of each (student, code); -1 where the student never met the code."""
        if not len(self.keys):
            return np.full(len(student), -1)
        wanted = student * self.width + code
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        found = (self.keys[place] == wanted) & (code < self.width)
        return np.where(found, place, -1)

    def count_before(self, run: Places, t: clock.Instants) -> Places:
        """The place in this order after the last event of each run before `t`."""
        return count_before(self.time, self.start[run], self.start[run + 1], t)

    def of_students(self, student: Places) -> tuple[Places, Places]:
        """All runs of each given student: which of the given ones, and the run."""
        first = self.student_start[student]
        return expand(first, self.student_start[student + 1] - first)


def runs_of(events: Events, code: Places) -> Runs:
    """Orders events by student and code."""
    width = int(code.max(initial=-1)) + 1
    keys = events.student * width + code
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    counts = np.diff(np.append(first, len(keys)))
    start = np.append(first, len(keys))
    student, run_code = np.divmod(keys[first], max(width, 1))
    active, time = events.active[order], events.time[order]
    active_times = np.where(active, time, clock.NEVER)
    return Runs(
        order=order,
        student_start=offsets_of(np.bincount(student, minlength=len(events.start) - 1)),
        student=student,
        code=run_code,
        start=start,
        time=time,
        active_before=offsets_of(active),
        value_sums=running_sums(events.value[order], np.repeat(first, counts)),
        first_active=_segment_min(active_times, first),
        width=width,
    )


def _segment_min(values: clock.Instants, first: Places) -> clock.Instants:
    return np.minimum.reduceat(values, first) if len(first) else values


@dataclasses.dataclass(frozen=True, eq=False)
class Expiries:
    """When each active event stops keeping its engagement among those of the last days.

    The engagement of an active event at x is among those of [t - days, t) for t in
    (x, x + days], or until the next active event with it takes over. So the distinct
    engagements at t are the active events before t less the expiries before t.

    Attributes:
      start: `[S + 1]`.
      time: int64, ascending within a student, one for each active event.
    """

    start: Places
    time: clock.Instants

    def count_before(self, student: Places, t: clock.Instants) -> Places:
        """How many expiries of each student lie before `t`."""
        start = self.start[student]
        return count_before(self.time, start, self.start[student + 1], t) - start


def _expiries(events: Events, days: int) -> Expiries:
    runs = events.by_engagement
    run = np.repeat(np.arange(len(runs.code)), np.diff(runs.start))
    places = np.flatnonzero(events.active[runs.order])
    time, run = runs.time[places], run[places]
    expiry = time + days * clock.DAY
    same = run[1:] == run[:-1]
    expiry[:-1] = np.where(same, np.minimum(expiry[:-1], time[1:]), expiry[:-1])
    student = runs.student[run]
    order = np.lexsort((expiry, student))
    counts = np.bincount(student, minlength=len(events.start) - 1)
    return Expiries(offsets_of(counts), expiry[order])


def response_codes(texts: pa.Array, responses: Responses) -> Places:
    """The place of each text in the vocabulary."""
    place = pc.index_in(texts, value_set=responses.vocabulary)
    codes: Places = place.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes
