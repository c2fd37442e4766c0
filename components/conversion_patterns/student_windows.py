"""Windows of training students in a stage: what was met in each, and what came next.

A window is a stretch [t, t + w) that a student spent in one stage to its end, and the
outcome is whether the student moves on in [t + w, t + 2 w). So nothing that was met can
have come after the move, and as no two outcomes of a student overlap, each window is a
fresh draw given the past: a student counts once for each window without its windows
being correlated.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.conversion_patterns.training_part import TrainingPart
from components.event_example_gen import clock
from components.event_example_gen.segments import Places, expand

Flags = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, eq=False)
class StudentWindows:
    """`n` windows.

    Attributes:
      student: row of the student, `[n]`.
      t: where each begins, int64 `[n]`.
      end: where it ends.
      stage: place in the funnel, below the last; `[n]`.
      stage_since: when the student came into the stage, int64 `[n]`.
      moved: whether the student moves on in the window after it, bool `[n]`.
    """

    student: Places
    t: clock.Instants
    end: clock.Instants
    stage: Places
    stage_since: clock.Instants
    moved: Flags

    def __len__(self) -> int:
        return len(self.t)


def student_windows(part: TrainingPart, days: int) -> StudentWindows:
    """All windows of a partition whose outcome is known.

    Args:
      part: its training students.
      days: length of a window, w.
    """
    records = part.histories.records
    at = part.windows(days)
    end = at.t + days * clock.DAY
    entered = part.histories.entered[at.student]
    stage, since = records.at(at.student, at.t, entered)
    stage_then, since_then = records.at(at.student, end, entered)
    known = end + days * clock.DAY <= part.known_until[at.student]
    stayed = (stage == stage_then) & (since == since_then) & (part.other[at.student] >= end)
    rows = np.flatnonzero(known & stayed & (stage < records.stages - 1))
    student, end, stage = at.student[rows], end[rows], stage[rows]
    limit = np.minimum(end + days * clock.DAY, part.other[student])
    before, after = records.count_before(student, end), records.count_before(student, limit)
    beyond = np.minimum(stage + 1, records.stages - 1)
    moved = records.reached[after, beyond] > records.reached[before, beyond]
    return StudentWindows(student, at.t[rows], end, stage, since[rows], moved)


@dataclasses.dataclass(frozen=True, eq=False)
class Meetings:
    """What was met in windows: `m` events, by window and then by time.

    Attributes:
      window: place of the window of each event, `[m]`.
      place: of the event among the partition's events, `[m]`.
    """

    window: Places
    place: Places


def meetings(part: TrainingPart, windows: StudentWindows) -> Meetings:
    """The events of each window."""
    events = part.histories.events
    first = events.count_before(windows.student, windows.t)
    stop = events.count_before(windows.student, windows.end)
    return Meetings(*expand(first, stop - first))


def recency(part: TrainingPart, windows: StudentWindows, bounds: Sequence[int]) -> Places:
    """In which of the classes the last active event before each window lies.

    Args:
      part: of the windows.
      windows: `n` of them.
      bounds: in days, ascending.

    Returns:
      0 for at most bounds[0] days ago, up to len(bounds) for longer ago or never; `[n]`.
    """
    events = part.histories.events
    last = events.last_active[events.count_before(windows.student, windows.t)]
    there = last >= events.start[windows.student]
    if not len(events):
        return np.full(len(windows), len(bounds))
    age = windows.t - events.time[np.maximum(last, 0)]
    return np.where(there, classes(age, bounds), len(bounds))


def classes(age: clock.Instants, bounds: Sequence[int]) -> Places:
    """The class of each length of time, by bounds in days: the first not below it."""
    found: Places = np.searchsorted(np.array(bounds) * clock.DAY, age, side="left")
    return found
