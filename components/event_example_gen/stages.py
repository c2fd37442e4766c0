"""Stage records: which stage a student is in, and when the student ends."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from components.event_example_gen import clock
from components.event_example_gen.segments import Places, count_before, offsets_of


@dataclasses.dataclass(frozen=True, eq=False)
class StageRecords:
    """The stage records of students, by student and time; `R` of them, losses left out.

    At one instant the records stand in the order of the funnel, so that the last
    is the furthest.

    Attributes:
      start: `[S + 1]`; the records of student s are [start[s], start[s + 1]).
      time: int64 `[R]`.
      position: place of the stage in the funnel, int64 `[R]`.
      run_time: for each record, the time of the first of the unbroken run of
        records of its stage.
      reached: `[R + 1, K]`; how many records before this one have stage k or beyond.
      lost_at: `[S]`; first record of a loss, `clock.NEVER` where there is none.
      ends_at: `[S]`; the earlier of the loss and the first record of the last stage.
    """

    start: Places
    time: clock.Instants
    position: npt.NDArray[np.int64]
    run_time: clock.Instants
    reached: Places
    lost_at: clock.Instants
    ends_at: clock.Instants

    @property
    def stages(self) -> int:
        """How many stages the funnel has."""
        return int(self.reached.shape[1])

    def count_before(self, student: Places, t: clock.Instants) -> Places:
        """The place after the last record of each student before `t`."""
        return count_before(self.time, self.start[student], self.start[student + 1], t)

    def at(
        self, student: Places, t: clock.Instants, entered: clock.Instants
    ) -> tuple[npt.NDArray[np.int64], clock.Instants]:
        """The stage of each student as of `t`, and since when.

        Args:
          student: `[n]`.
          t: `[n]`.
          entered: what counts as "since" without a record, `[n]`.

        Returns:
          Place in the funnel and instant, both int64 `[n]`.
        """
        stop = self.count_before(student, t)
        recorded = stop > self.start[student]
        if not len(self.time):
            return np.zeros(len(t), np.int64), entered
        last = np.maximum(stop - 1, 0)
        position = np.where(recorded, self.position[last], 0)
        return position, np.where(recorded, self.run_time[last], entered)


def stage_records(
    student: Places,
    time: clock.Instants,
    position: npt.NDArray[np.int64],
    *,
    students: int,
    stages: int,
) -> StageRecords:
    """Sorts stage records, and cuts each student's after the first loss.

    Args:
      student: row of the student of each record, in any order.
      time: of each record.
      position: place of the stage in the funnel; `stages` for a loss.
      students: how many there are.
      stages: how many the funnel has.
    """
    lost_at = first_times(student, time, position == stages, students)
    keep = (position < stages) & (time <= lost_at[student])
    student, time, position = student[keep], time[keep], position[keep]
    order = np.lexsort((position, time, student))
    student, time, position = student[order], time[order], position[order]
    completed_at = first_times(student, time, position == stages - 1, students)
    beyond = position[:, None] >= np.arange(stages)
    reached = np.zeros((len(time) + 1, stages), np.int64)
    np.cumsum(beyond, axis=0, out=reached[1:])
    return StageRecords(
        start=offsets_of(np.bincount(student, minlength=students)),
        time=time,
        position=position,
        run_time=_run_times(student, time, position),
        reached=reached,
        lost_at=lost_at,
        ends_at=np.minimum(lost_at, completed_at),
    )


def first_times(
    student: Places, time: clock.Instants, chosen: npt.NDArray[np.bool_], students: int
) -> clock.Instants:
    """For each student the earliest of the chosen times; `clock.NEVER` without one."""
    first = np.full(students, clock.NEVER)
    np.minimum.at(first, student[chosen], time[chosen])
    return first


def _run_times(
    student: Places, time: clock.Instants, position: npt.NDArray[np.int64]
) -> clock.Instants:
    if not len(time):
        return time
    begins = np.ones(len(time), bool)
    begins[1:] = (student[1:] != student[:-1]) | (position[1:] != position[:-1])
    first: Places = np.maximum.accumulate(np.where(begins, np.arange(len(time)), 0))
    return time[first]
