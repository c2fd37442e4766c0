"""The instants at which the state of each student is taken."""

from __future__ import annotations

import numpy as np

from components.event_example_gen import clock
from components.event_example_gen.histories import Events
from components.event_example_gen.observation import Observation
from components.event_example_gen.partition import Histories
from components.event_example_gen.segments import expand
from components.event_example_gen.state import Snapshots
from schemas.config import Cadence

_STEP = {Cadence.DAILY: clock.DAY, Cadence.WEEKLY: clock.WEEK}
_ORIGIN = {Cadence.DAILY: 0, Cadence.WEEKLY: clock.MONDAY}


def take_snapshots(
    histories: Histories, observation: Observation, cadence: Cadence, *, since: int
) -> Snapshots:
    """All snapshots of the students, by student and time.

    Args:
      histories: of the students.
      observation: of the same.
      cadence: when snapshots are taken.
      since: no snapshot before this instant; `clock.MISSING` for no such bound.
    """
    entered = histories.entered != clock.MISSING
    low = np.maximum(np.maximum(histories.entered, observation.starts), since)
    high = snapshot_limit(histories, observation)
    high = np.where(entered, high, low)
    if cadence is Cadence.EVERY_EVENT:
        return _at_events(histories.events, low, high)
    origin = np.where(observation.in_cohort, observation.starts, _ORIGIN[cadence])
    return on_grid(low, high, origin, _STEP[cadence])


def snapshot_limit(histories: Histories, observation: Observation) -> clock.Instants:
    """The instant at and after which a student has no snapshot: `[S]`."""
    ends = histories.records.ends_at
    after_end = np.where(ends == clock.NEVER, clock.NEVER, ends + 1)
    return np.minimum(np.minimum(observation.ends, observation.closes), after_end)


def on_grid(
    low: clock.Instants, high: clock.Instants, origin: clock.Instants, step: int
) -> Snapshots:
    """The instants origin + k step in [low, high) of each student, all `[S]`."""
    first = -((origin - low) // step)
    stop = -((origin - high) // step)
    student, place = expand(first, np.maximum(stop - first, 0))
    return Snapshots(student, origin[student] + place * step)


def _at_events(events: Events, low: clock.Instants, high: clock.Instants) -> Snapshots:
    student, time = events.student, events.time
    fresh = np.ones(len(time), bool)
    fresh[1:] = (student[1:] != student[:-1]) | (time[1:] != time[:-1])
    rows = np.flatnonzero(fresh & (time >= low[student]) & (time < high[student]))
    return Snapshots(student[rows], time[rows])
