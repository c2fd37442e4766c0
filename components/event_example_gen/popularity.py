"""How much the students of an audience did with each engagement, day by day.

All counts are of active events before the start of a UTC day, in the last 7 and 28
days. They are worked out from breakpoints: for each audience, engagement and day,
by how much the four counts change. Breakpoints of disjoint sets of students add up.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.event_example_gen import clock
from components.event_example_gen.histories import Events
from components.event_example_gen.segments import Places, expand, offsets_of

ACTIVE_7, ACTIVE_28, STUDENTS_7, STUDENTS_28 = range(4)
_FAR = int(np.iinfo(np.int32).max)  # a day after all others
WHOLE_AUDIENCE = -1  # stands for the engagement where all are counted together


@dataclasses.dataclass(frozen=True, eq=False)
class Breakpoints:
    """Changes of the counts, by audience, engagement and day; `B` of them.

    Attributes:
      audience: int64 `[B]`.
      engagement: int64 `[B]`; `WHOLE_AUDIENCE` for the audience as a whole.
      day: first day that the change holds for, int64 `[B]`.
      change: int64 `[B, 4]`: active events of 7 and 28 days, students of both.
    """

    audience: Places
    engagement: Places
    day: Places
    change: Places


def breakpoints_of(events: Events, audience: Places) -> Breakpoints:
    """The breakpoints of some students.

    Args:
      events: of the students.
      audience: of each student, `[S]`.
    """
    runs = events.by_engagement
    by_engagement = runs.order[events.active[runs.order]]
    by_time = np.flatnonzero(events.active)
    whole = np.full(len(by_time), WHOLE_AUDIENCE)
    parts = [
        _changes(events, audience, by_engagement, events.engagement[by_engagement]),
        _changes(events, audience, by_time, whole),
    ]
    return add_breakpoints(parts)


def _changes(events: Events, audience: Places, places: Places, engagement: Places) -> Breakpoints:
    """Five changes for each student, engagement and day with active events.

    A student counts from the day after, for 7 (28) days or until the next day with the
    same engagement, whose own days then go on.

    Args:
      events: of all students.
      audience: of each student.
      places: active events by student, engagement and time.
      engagement: of each of them.
    """
    student, day = events.student[places], clock.utc_day(events.time[places])
    first = _run_starts(student, engagement, day)
    count = np.diff(np.append(first, len(day)))
    student, engagement, day = student[first], engagement[first], day[first]
    again = np.full(len(day), _FAR)
    same = (student[1:] == student[:-1]) & (engagement[1:] == engagement[:-1])
    again[:-1][same] = day[1:][same]
    one, none = np.ones_like(count), np.zeros_like(count)
    pieces = [
        (day + 1, (count, count, one, one)),
        (day + 8, (-count, none, none, none)),
        (day + 29, (none, -count, none, none)),
        (np.minimum(day + 7, again) + 1, (none, none, -one, none)),
        (np.minimum(day + 28, again) + 1, (none, none, none, -one)),
    ]
    return Breakpoints(
        audience=np.tile(audience[student], len(pieces)),
        engagement=np.tile(engagement, len(pieces)),
        day=np.concatenate([days for days, _ in pieces]),
        change=np.concatenate([np.stack(change, axis=1) for _, change in pieces]),
    )


def _run_starts(*columns: Places) -> Places:
    """Where a row differs from the row before it in some column."""
    fresh = np.ones(len(columns[0]), bool)
    fresh[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return np.flatnonzero(fresh)


def add_breakpoints(parts: Sequence[Breakpoints]) -> Breakpoints:
    """The sum of breakpoints, one for each audience, engagement and day, sorted."""
    audience = np.concatenate([part.audience for part in parts])
    engagement = np.concatenate([part.engagement for part in parts])
    day = np.concatenate([part.day for part in parts])
    change = np.concatenate([part.change for part in parts])
    if not len(day):
        return Breakpoints(audience, engagement, day, change)
    keys = _triple_keys(audience, engagement, day)
    order = np.argsort(keys, kind="stable")
    first = _run_starts(keys[order])
    change = np.add.reduceat(change[order], first, axis=0)
    moves = change.any(axis=1)
    rows = order[first[moves]]
    return Breakpoints(audience[rows], engagement[rows], day[rows], change[moves])


def _triple_keys(audience: Places, engagement: Places, day: Places) -> Places:
    """Numbers in the order of audience, engagement and day."""
    first_day = int(day.min())
    days = int(day.max()) - first_day + 1
    codes = int(engagement.max()) - WHOLE_AUDIENCE + 1
    code = audience * codes + (engagement - WHOLE_AUDIENCE)
    return code * days + (day - first_day)


@dataclasses.dataclass(frozen=True, eq=False)
class Popularity:
    """The counts of chosen audiences and days; `G` pairs of them.

    Attributes:
      audience: int64 `[G]`.
      day: int64 `[G]`, ascending within an audience.
      total: int64 `[G, 4]`; counts of the audience as a whole.
      start: `[G + 1]`; the engagements of pair g are [start[g], start[g + 1]).
      engagement: those with an active event in the last 28 days, ascending within g.
      count: int64, four for each of them.
    """

    audience: Places
    day: Places
    total: Places
    start: Places
    engagement: Places
    count: Places

    def find(self, audience: Places, day: Places) -> Places:
        """The place of each pair; -1 for one that was not chosen."""
        return find_pairs(self.audience, self.day, audience, day)


_DAYS = 1 << 32
_DAY_ZERO = 1 << 31  # lifts days before 1970 above zero


def _pair_keys(audience: Places, day: Places) -> Places:
    return audience * _DAYS + (day + _DAY_ZERO)


def distinct_pairs(audience: Places, day: Places) -> tuple[Places, Places]:
    """The distinct (audience, day), sorted."""
    keys = np.unique(_pair_keys(audience, day))
    found, lifted = np.divmod(keys, _DAYS)
    return found, lifted - _DAY_ZERO


def find_pairs(
    audience: Places, day: Places, wanted_audience: Places, wanted_day: Places
) -> Places:
    """The place of each wanted pair among sorted pairs; -1 where it is not there."""
    if not len(day):
        return np.full(len(wanted_day), -1)
    keys, wanted = _pair_keys(audience, day), _pair_keys(wanted_audience, wanted_day)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, place, -1)


def popularity_on(breakpoints: Breakpoints, audience: Places, day: Places) -> Popularity:
    """The counts of the given pairs.

    Args:
      breakpoints: of all students, as `add_breakpoints` leaves them.
      audience: of each pair, as `distinct_pairs` leaves them, `[G]`.
      day: of each pair, `[G]`.
    """
    count, until = _levels(breakpoints)
    keys = _pair_keys(audience, day)
    first = np.searchsorted(keys, _pair_keys(breakpoints.audience, breakpoints.day))
    stop = np.searchsorted(keys, _pair_keys(breakpoints.audience, until))
    used = count[:, ACTIVE_28] > 0
    level, pair = expand(first, np.where(used, stop - first, 0))
    engagement = breakpoints.engagement[level]
    whole = engagement == WHOLE_AUDIENCE
    total = np.zeros((len(day), 4), np.int64)
    total[pair[whole]] = count[level[whole]]
    level, pair, engagement = level[~whole], pair[~whole], engagement[~whole]
    order = np.lexsort((engagement, pair))
    return Popularity(
        audience=audience,
        day=day,
        total=total,
        start=offsets_of(np.bincount(pair, minlength=len(day))),
        engagement=engagement[order],
        count=count[level[order]],
    )


def _levels(breakpoints: Breakpoints) -> tuple[Places, Places]:
    """The counts from each breakpoint on, and the day of the next one."""
    total = np.cumsum(breakpoints.change, axis=0)
    audience, engagement = breakpoints.audience, breakpoints.engagement
    until = np.full(len(total), _FAR)
    if len(total):
        same = (audience[1:] == audience[:-1]) & (engagement[1:] == engagement[:-1])
        until[:-1][same] = breakpoints.day[1:][same]
    return total, until


def shares(count: npt.NDArray[np.int64], total: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Count / total as float32; 0 where the total is 0."""
    share: npt.NDArray[np.float64] = count / np.maximum(total, 1)
    return share.astype(np.float32)
