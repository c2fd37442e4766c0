"""Due dates as an audience sees them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from components.event_example_gen import clock
from components.event_example_gen.catalogue import Engagements
from components.event_example_gen.columns import Numbers
from components.event_example_gen.histories import Events
from components.event_example_gen.segments import Places, count_before, offsets_of
from schemas import names

Flags = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, eq=False)
class DueDates:
    """The due dates of the engagements open to each audience, by date and engagement.

    Attributes:
      start: `[A + 1]`; the due dates of audience a are [start[a], start[a + 1]).
      time: int64 microseconds.
      engagement: which is due.
    """

    start: Places
    time: clock.Instants
    engagement: Places


def due_dates(engagements: Engagements) -> DueDates:
    """The due dates of every audience."""
    listed = []
    for audience in range(len(engagements.audiences)):
        rows = engagements.of_audience(audience)
        rows = rows[engagements.due[rows] != clock.MISSING]
        listed.append(rows[np.argsort(engagements.due[rows], kind="stable")])
    engagement = np.concatenate([*listed, np.zeros(0, np.int64)]).astype(np.int64)
    counts = np.array([len(rows) for rows in listed], np.int64)
    return DueDates(offsets_of(counts), engagements.due[engagement], engagement)


@dataclasses.dataclass(frozen=True, eq=False)
class DueProgress:
    """When each student had both passed a due date and done what was due.

    Attributes:
      start: `[S + 1]`.
      time: for each student and engagement open to it, met actively and with a due
        date, the later of due date and first active event; ascending within a student.
    """

    start: Places
    time: clock.Instants


def due_progress(events: Events, engagements: Engagements, audience: Places) -> DueProgress:
    """The progress of students with their due dates.

    Args:
      events: of the students.
      engagements: the catalogue.
      audience: of each student, `[S]`.
    """
    runs = events.by_engagement
    due = engagements.due[runs.code]
    counts = (
        (due != clock.MISSING)
        & (runs.first_active != clock.NEVER)
        & engagements.is_open(runs.code, audience[runs.student])
    )
    student = runs.student[counts]
    done = np.maximum(due, runs.first_active)[counts]
    order = np.lexsort((done, student))
    return DueProgress(offsets_of(np.bincount(student, minlength=len(audience))), done[order])


def due_features(
    events: Events,
    dates: DueDates,
    progress: DueProgress,
    *,
    student: Places,
    audience: Places,
    t: clock.Instants,
) -> Mapping[str, Numbers]:
    """Counts of due dates around `t`, and the nearest on either side.

    Of several engagements due at one instant, the nearest due date is that of the
    first id ahead and of the last id behind.

    Args:
      events: of all students.
      dates: of all audiences.
      progress: of all students.
      student: row of the student of each state, `[n]`.
      audience: of each state, `[n]`.
      t: of each state, `[n]`.
    """
    start, stop = dates.start[audience], dates.start[audience + 1]
    bounds = t[:, None] + np.array([0, 7, 28]) * clock.DAY
    place = count_before(dates.time, start[:, None], stop[:, None], bounds)
    passed, first = place[:, 0] - start, progress.start[student]
    done = count_before(progress.time, first, progress.start[student + 1], t) - first
    counts = {
        names.Q_DUE_PASSED: passed,
        names.Q_DUE_DONE: done,
        names.Q_DUE_MISSED: passed - done,
        names.Q_DUE_NEXT_7: place[:, 1] - place[:, 0],
        names.Q_DUE_NEXT_28: place[:, 2] - place[:, 0],
    }
    now = place[:, 0]
    ahead = _nearest(events, dates, student, t, place=now, known=now < stop)
    behind = _nearest(events, dates, student, t, place=now - 1, known=now > start)
    keys_ahead = (names.Q_NEXT_DUE_KNOWN, names.Q_DAYS_TO_NEXT_DUE, names.Q_NEXT_DUE_DONE)
    keys_behind = (names.Q_LAST_DUE_KNOWN, names.Q_DAYS_SINCE_LAST_DUE, names.Q_LAST_DUE_DONE)
    return {
        **{key: Numbers(count.astype(np.float32)) for key, count in counts.items()},
        **dict(zip(keys_ahead, ahead, strict=True)),
        **dict(zip(keys_behind, behind, strict=True)),
    }


def _nearest(
    events: Events,
    dates: DueDates,
    student: Places,
    t: clock.Instants,
    *,
    place: Places,
    known: Flags,
) -> tuple[Numbers, Numbers, Numbers]:
    """Known or not, days between it and t, done before t or not."""
    days, done = np.zeros(len(t), np.float32), np.zeros(len(t), np.float32)
    rows = np.flatnonzero(known)
    if len(rows):
        due, engagement = dates.time[place[rows]], dates.engagement[place[rows]]
        days[rows] = np.abs(clock.days_between(due, t[rows]))
        runs = events.by_engagement
        run = runs.find(student[rows], engagement)
        met = rows[run >= 0]
        done[met] = runs.first_active[run[run >= 0]] < t[met]
    return Numbers(known.astype(np.float32)), Numbers(days), Numbers(done)
