"""The first time each student was in each stage, and what came after."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from components.conversion_patterns.training_part import TrainingPart
from components.event_example_gen import clock
from components.event_example_gen.segments import Places
from components.event_example_gen.stages import StageRecords


@dataclasses.dataclass(frozen=True, eq=False)
class StageVisits:
    """First visits to one stage of training students; `n` of them.

    Attributes:
      student: row of the student, `[n]`.
      entered: when the stage was entered, int64 `[n]`.
      left: when the next record of another stage came, forwards or back;
        `clock.NEVER` where none did.
      reaches: int64 `[n, K]`; the first record after the entry that has stage k or a
        later one, `clock.NEVER` where there is none. Of no meaning for the stage itself
        and those before it.
    """

    student: Places
    entered: clock.Instants
    left: clock.Instants
    reaches: clock.Instants

    def __len__(self) -> int:
        return len(self.student)

    def take(self, rows: Places) -> StageVisits:
        """The given ones, in that order."""
        return StageVisits(
            self.student[rows], self.entered[rows], self.left[rows], self.reaches[rows]
        )


def first_visits(part: TrainingPart, stage: int) -> StageVisits:
    """First visits to a stage that began in training time.

    The first stage is entered with the student, unless a record says that the student
    came into a later one at once. A stage that a student jumped over was not entered.

    Args:
      part: of a partition.
      stage: place in the funnel.
    """
    records = part.histories.records
    students = len(part.histories.students)
    place, entered = _first_records(records, stage, students)
    if stage == 0:
        place, entered = _with_the_student(part, entered)
    known = part.chosen & (entered != clock.NEVER) & (entered >= part.since)
    rows = np.flatnonzero(known & (entered < part.known_until) & (entered < part.other))
    own = records.start[rows], records.start[rows + 1]
    after = np.clip(place[rows], own[0], own[1])
    return StageVisits(
        student=rows,
        entered=entered[rows],
        left=_time_of_next(records, records.position != stage, after, own[1]),
        reaches=np.stack(
            [
                _time_of_next(records, records.position >= later, after, own[1])
                for later in range(records.stages)
            ],
            axis=1,
        ),
    )


def _first_records(
    records: StageRecords, stage: int, students: int
) -> tuple[Places, clock.Instants]:
    """Place and time of each student's first record of a stage; `[S]`."""
    chosen = np.flatnonzero(records.position == stage)
    owner = np.searchsorted(records.start, chosen, side="right") - 1
    place = np.full(students, len(records.time))
    np.minimum.at(place, owner, chosen)
    times = np.append(records.time, clock.NEVER)
    return place, times[place]


def _with_the_student(
    part: TrainingPart, recorded: clock.Instants
) -> tuple[Places, clock.Instants]:
    """Entry into the first stage, with the student or at a record of it."""
    records, entered = part.histories.records, part.histories.entered
    start, stop = records.start[:-1], records.start[1:]
    times = np.append(records.time, clock.NEVER)
    first = np.where(stop > start, times[np.minimum(start, len(records.time))], clock.NEVER)
    at_once = np.where(entered == clock.MISSING, clock.NEVER, entered)
    begins = np.where(first > at_once, at_once, recorded)
    return records.count_before(np.arange(len(start)), begins), begins


def _time_of_next(
    records: StageRecords, wanted: npt.NDArray[np.bool_], after: Places, stop: Places
) -> clock.Instants:
    """Time of the first wanted record in [after, stop); `clock.NEVER` without one."""
    count = len(wanted)
    following = np.where(wanted, np.arange(count), count)
    following = np.append(np.minimum.accumulate(following[::-1])[::-1], count)
    place = following[after]
    times = np.append(records.time, clock.NEVER)
    return np.where(place < stop, times[place], clock.NEVER)
