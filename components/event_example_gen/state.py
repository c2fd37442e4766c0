"""The state of students as of an instant.

`compute_states` is the one function for it: the batch pipeline calls it with the
snapshots of a partition, the gateway with one student and what was posted. A state
at t is made of rows before t, and of nothing else.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.event_example_gen import calendar, clock
from components.event_example_gen.columns import Column, Columns, Numbers, Texts
from components.event_example_gen.histories import Expiries, Runs
from components.event_example_gen.partition import Histories, Reference
from components.event_example_gen.segments import Places, expand, offsets_of
from schemas import names

_WINDOWS = (7, 28)  # days, whole weeks both


@dataclasses.dataclass(frozen=True, eq=False)
class Snapshots:
    """Which students, as of when; `n` of them.

    Attributes:
      student: row of the student, int64 `[n]`.
      t: int64 microseconds `[n]`.
    """

    student: Places
    t: clock.Instants

    def __len__(self) -> int:
        return len(self.t)

    def take(self, rows: Places) -> Snapshots:
        """The given ones, in that order."""
        return Snapshots(self.student[rows], self.t[rows])


class StateSource:
    """Histories with all that is worked out once for many states.

    Args:
      histories: of the students.
      reference: what all partitions share.
    """

    def __init__(self, histories: Histories, reference: Reference) -> None:
        self.histories = histories
        self.reference = reference

    @functools.cached_property
    def due_dates(self) -> calendar.DueDates:
        """Due dates by audience."""
        return calendar.due_dates(self.reference.engagements)

    @functools.cached_property
    def due_progress(self) -> calendar.DueProgress:
        """Due dates passed and done, by student."""
        return calendar.due_progress(
            self.histories.events,
            self.reference.engagements,
            self.histories.students.audience_code,
        )

    @functools.cached_property
    def expiries(self) -> Expiries:
        """When engagements drop out of the last 28 days."""
        return self.histories.events.distinct_until(28)

    @functools.cached_property
    def first_meetings(self) -> Expiries:
        """When each student was first active with each engagement."""
        runs = self.histories.events.by_engagement
        active = runs.first_active != clock.NEVER
        student, time = runs.student[active], runs.first_active[active]
        order = np.lexsort((time, student))
        counts = np.bincount(student, minlength=len(self.histories.students))
        return Expiries(offsets_of(counts), time[order])

    @functools.cached_property
    def stage_names(self) -> pa.LargeStringArray:
        """The configured stages."""
        return pa.array(self.reference.config.stages, pa.large_string())


def compute_states(source: StateSource, snapshots: Snapshots) -> dict[str, Column]:
    """The key and query features of the given students as of the given instants.

    Args:
      source: of the students' histories.
      snapshots: `n` of them.

    Returns:
      Every feature of `features.key_features` and `features.query_features`, `n`
      rows each.
    """
    return {
        **_keys(source, snapshots),
        **_stage(source, snapshots),
        **_activity(source, snapshots),
        **_cohort(source, snapshots),
        **_season(snapshots.t),
        **calendar.due_features(
            source.histories.events,
            source.due_dates,
            source.due_progress,
            student=snapshots.student,
            audience=source.histories.students.audience_code[snapshots.student],
            t=snapshots.t,
        ),
        **_types(source, snapshots),
        **_history(source, snapshots),
        **_profile(source, snapshots),
    }


def compute_used(source: StateSource, snapshots: Snapshots) -> dict[str, Column]:
    """What the students did with every engagement met before t: the `USED_*` features."""
    runs = source.histories.events.by_engagement
    owner, run = runs.of_students(snapshots.student)
    use = use_of_runs(runs, run, snapshots.t[owner])
    met = np.flatnonzero(use.met > 0)
    use, owner, run = use.take(met), owner[met], run[met]
    offsets = offsets_of(np.bincount(owner, minlength=len(snapshots)))
    numbers = {
        names.USED_COUNT: use.active,
        names.USED_COUNT_7: use.active_7,
        names.USED_COUNT_28: use.active_28,
        names.USED_MET: use.met,
        names.USED_DAYS_SINCE: use.days_since,
    }
    ids = source.reference.engagements.ids
    return {
        names.USED_ID: Texts(runs.code[run], ids, offsets),
        **{key: _floats(values, offsets) for key, values in numbers.items()},
    }


@dataclasses.dataclass(frozen=True, eq=False)
class Use:
    """What a student did before t with one engagement, or one type; float32 `[m]` each.

    Attributes:
      active: active events.
      active_7: those of the last 7 days.
      active_28: those of the last 28 days.
      met: events of any response.
      value: sum of their values.
      days_since: since the last event of any response; 0 without one.
    """

    active: npt.NDArray[np.float32]
    active_7: npt.NDArray[np.float32]
    active_28: npt.NDArray[np.float32]
    met: npt.NDArray[np.float32]
    value: npt.NDArray[np.float32]
    days_since: npt.NDArray[np.float32]

    def take(self, rows: Places) -> Use:
        """The given rows."""
        return Use(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))


def use_of_runs(runs: Runs, run: Places, t: clock.Instants) -> Use:
    """What lies before each t in the run beside it.

    Args:
      runs: by engagement or by type.
      run: `[m]`.
      t: `[m]`.
    """
    bounds = t[:, None] - np.array([0, 7, 28]) * clock.DAY
    place = runs.count_before(run[:, None], bounds)
    first, stop = runs.start[run], place[:, 0]
    active = runs.active_before[stop][:, None] - runs.active_before[np.c_[first, place[:, 1:]]]
    met = stop - first
    last = np.maximum(stop - 1, 0)
    some = met > 0
    seen = runs.time[last] if len(runs.time) else t
    value = runs.value_sums[last] if len(runs.time) else np.zeros(len(t))
    return Use(
        active=active[:, 0].astype(np.float32),
        active_7=active[:, 1].astype(np.float32),
        active_28=active[:, 2].astype(np.float32),
        met=met.astype(np.float32),
        value=np.where(some, value, 0.0).astype(np.float32),
        days_since=clock.days_between(t, np.where(some, seen, t)),
    )


def _floats(values: npt.NDArray[np.generic], offsets: Places | None = None) -> Numbers:
    return Numbers(values.astype(np.float32), offsets)


def _keys(source: StateSource, snapshots: Snapshots) -> Columns:
    students = source.histories.students
    return {
        names.STUDENT_ID: Texts(snapshots.student, students.ids),
        names.AUDIENCE: _text_of(students.audience, snapshots.student),
        names.COHORT: _text_of(students.cohort, snapshots.student),
        names.SNAPSHOT_TIME: Numbers(snapshots.t),
    }


def _text_of(texts: Texts, rows: Places) -> Texts:
    return Texts(texts.codes[rows], texts.vocabulary)


def _entered(source: StateSource, snapshots: Snapshots) -> clock.Instants:
    """When each student entered; t itself for one that has not."""
    entered = source.histories.entered[snapshots.student]
    return np.where((entered == clock.MISSING) | (entered > snapshots.t), snapshots.t, entered)


def _stage(source: StateSource, snapshots: Snapshots) -> Columns:
    entered = _entered(source, snapshots)
    position, since = source.histories.records.at(snapshots.student, snapshots.t, entered)
    last = source.histories.records.stages - 1
    return {
        names.Q_STAGE: Texts(position, source.stage_names),
        names.Q_STAGE_POSITION: _floats(position / last),
        names.Q_DAYS_IN_STAGE: Numbers(clock.days_between(snapshots.t, since)),
        names.Q_DAYS_SINCE_ENTRY: Numbers(clock.days_between(snapshots.t, entered)),
    }


def _activity(source: StateSource, snapshots: Snapshots) -> Columns:
    """Counts and sums over the last 7 and 28 days and over all, and week by week."""
    events, student, t = source.histories.events, snapshots.student, snapshots.t
    weeks = t[:, None] - np.arange(names.WEEKS + 1) * clock.WEEK
    place = events.count_before(student[:, None], weeks)
    first, stop = events.start[student], place[:, 0]
    begins = {days: place[:, days // 7] for days in _WINDOWS}
    begins[0] = first
    columns: dict[str, Column] = {}
    for days, begin in begins.items():
        columns[names.Q_EVENTS[days]] = _floats(stop - begin)
        columns[names.Q_ACTIVE[days]] = _difference(events.active_before, begin, stop)
        columns[names.Q_ACTIVE_DAYS[days]] = _difference(events.active_days_before, begin, stop)
        columns[names.Q_VALUE[days]] = _floats(
            _sum_before(events.value_sums, first, stop)
            - _sum_before(events.value_sums, first, begin)
        )
    weekly = -np.diff(events.active_before[place], axis=1)
    columns[names.Q_WEEKLY_ACTIVE] = Numbers(
        weekly.astype(np.float32).reshape(-1), width=names.WEEKS
    )
    return {**columns, **_recency(source, snapshots, stop), **_distinct(source, snapshots, stop)}


def _difference(before: Places, begin: Places, stop: Places) -> Numbers:
    return _floats(before[stop] - before[begin])


def _sum_before(
    sums: npt.NDArray[np.float64], first: Places, place: Places
) -> npt.NDArray[np.float64]:
    """The student's sum over [first, place)."""
    if not len(sums):
        return np.zeros(len(place))
    return np.where(place > first, sums[np.maximum(place - 1, 0)], 0.0)


def _recency(source: StateSource, snapshots: Snapshots, stop: Places) -> Columns:
    """Days since the last event, and the last active one; since entry without one."""
    events, entered = source.histories.events, _entered(source, snapshots)
    first = events.start[snapshots.student]
    last = {
        names.Q_DAYS_SINCE_EVENT: stop - 1,
        names.Q_DAYS_SINCE_ACTIVE: events.last_active[stop],
    }
    columns: dict[str, Column] = {}
    for key, place in last.items():
        since = entered.copy()
        there = place >= first
        since[there] = events.time[place[there]]
        columns[key] = Numbers(clock.days_between(snapshots.t, since))
    return columns


def _distinct(source: StateSource, snapshots: Snapshots, stop: Places) -> Columns:
    """Distinct engagements with an active event, of the last 28 days and of all."""
    events, student, t = source.histories.events, snapshots.student, snapshots.t
    active = events.active_before[stop] - events.active_before[events.start[student]]
    return {
        names.Q_DISTINCT_28: _floats(active - source.expiries.count_before(student, t)),
        names.Q_DISTINCT_ALL: _floats(source.first_meetings.count_before(student, t)),
    }


def _cohort(source: StateSource, snapshots: Snapshots) -> Columns:
    cohorts = source.reference.cohorts
    code = source.histories.students.cohort_code[snapshots.student]
    known, t = code >= 0, snapshots.t
    starts, closes = t, t
    if len(cohorts.starts):
        starts = np.where(known, cohorts.starts[code], t)
        closes = np.where(known, cohorts.closes[code], t)
    return {
        names.Q_COHORT_KNOWN: _floats(known),
        names.Q_DAYS_SINCE_START: Numbers(clock.days_between(t, starts)),
        names.Q_DAYS_TO_CLOSE: Numbers(clock.days_between(closes, t)),
    }


def _season(t: clock.Instants) -> Columns:
    """The place of t in the UTC year and week, on a circle."""
    year = 2 * np.pi * clock.year_fraction(t)
    week = 2 * np.pi * clock.weekday(t) / 7
    return {
        names.Q_YEAR_SIN: _floats(np.sin(year)),
        names.Q_YEAR_COS: _floats(np.cos(year)),
        names.Q_WEEKDAY_SIN: _floats(np.sin(week)),
        names.Q_WEEKDAY_COS: _floats(np.cos(week)),
    }


def _types(source: StateSource, snapshots: Snapshots) -> Columns:
    """One value for each engagement type met before t, in order of the type's name."""
    runs = source.histories.events.by_type
    owner, run = runs.of_students(snapshots.student)
    use = use_of_runs(runs, run, snapshots.t[owner])
    met = np.flatnonzero(use.met > 0)
    use, owner = use.take(met), owner[met]
    offsets = offsets_of(np.bincount(owner, minlength=len(snapshots)))
    numbers = {
        names.TYPE_ACTIVE_28: use.active_28,
        names.TYPE_ACTIVE_ALL: use.active,
        names.TYPE_MET_ALL: use.met,
        names.TYPE_VALUE_ALL: use.value,
        names.TYPE_DAYS_SINCE: use.days_since,
    }
    types = source.reference.engagements.types.vocabulary
    return {
        names.TYPE_NAME: Texts(runs.code[run[met]], types, offsets),
        **{key: Numbers(values, offsets) for key, values in numbers.items()},
    }


def _history(source: StateSource, snapshots: Snapshots) -> Columns:
    """The last events before t, latest first."""
    events, engagements = source.histories.events, source.reference.engagements
    first = events.start[snapshots.student]
    stop = events.count_before(snapshots.student, snapshots.t)
    length = np.minimum(stop - first, source.reference.config.snapshots.history_length)
    offsets = offsets_of(length)
    owner, place = expand(np.zeros(len(length), np.int64), length)
    place = stop[owner] - 1 - place
    days = clock.days_between(snapshots.t[owner], events.time[place])
    return {
        names.HISTORY_ID: Texts(events.engagement[place], engagements.ids, offsets),
        names.HISTORY_TYPE: Texts(events.type[place], engagements.types.vocabulary, offsets),
        names.HISTORY_RESPONSE: Texts(events.response[place], events.responses.vocabulary, offsets),
        names.HISTORY_DAYS_AGO: Numbers(days, offsets),
        names.HISTORY_VALUE: _floats(events.value[place], offsets),
        names.HISTORY_ACTIVE: _floats(events.active[place], offsets),
    }


def _profile(source: StateSource, snapshots: Snapshots) -> Columns:
    columns: dict[str, Column] = {}
    for key, attribute in source.histories.students.attributes.items():
        columns.update(attribute.columns(key, snapshots.student, snapshots.t))
    return columns
