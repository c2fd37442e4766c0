"""Which students patterns are counted from, and until when what they did is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from components.event_example_gen import clock
from components.event_example_gen.observation import Observation, observe
from components.event_example_gen.partition import Histories, Reference
from components.event_example_gen.segments import Places
from components.event_example_gen.snapshots import on_grid, snapshot_limit
from components.event_example_gen.splits import TRAIN, SplitPlan
from components.event_example_gen.state import Snapshots

Flags = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingPart:
    """The students of a partition, and what of them belongs to training; `S` of them.

    Attributes:
      histories: of all students of the partition.
      observation: of the same.
      chosen: bool `[S]`, training students that entered in training time.
      since: nothing begins before this instant.
      known_until: int64 `[S]`; nothing is known from this instant on, `clock.NEVER`
        where a closed cohort has decided all.
      other: int64 `[S]`, when each student could not move on any more: the loss, or
        just after the close of the cohort.
    """

    histories: Histories
    observation: Observation
    chosen: Flags
    since: int
    known_until: clock.Instants
    other: clock.Instants

    def windows(self, days: int) -> Snapshots:
        """Where windows of so many days begin, for the chosen students.

        They follow each other without a gap, on the same days for all students without
        a cohort, and from its start in a cohort. A student has them from its entry to
        its end.
        """
        rows = np.flatnonzero(self.chosen)
        step = days * clock.DAY
        low = np.maximum(np.maximum(self.histories.entered, self.observation.starts), self.since)
        high = np.minimum(snapshot_limit(self.histories, self.observation), self.known_until)
        origin = np.where(self.observation.in_cohort, self.observation.starts, clock.MONDAY)
        at = on_grid(low[rows], high[rows], origin[rows], step)
        return Snapshots(rows[at.student], at.t)


def training_part(
    histories: Histories, reference: Reference, plan: SplitPlan, *, since: int
) -> TrainingPart:
    """Takes the training students of a partition, up to the end of training time.

    Args:
      histories: of the partition's students.
      reference: what all partitions share.
      plan: how snapshots are split.
      since: nothing before this instant; `clock.MISSING` for no such bound.
    """
    observation = observe(histories.students.cohort_code, reference.cohorts, reference.as_of)
    every: Places = np.arange(len(histories.students))
    entered = histories.entered
    there = entered != clock.MISSING
    split = plan.assign(histories.students, Snapshots(every, np.where(there, entered, 0)))
    barrier = plan.barriers(split)
    observed = np.where(observation.closed, clock.NEVER, observation.ends)
    closes = np.where(observation.closes == clock.NEVER, clock.NEVER, observation.closes + 1)
    return TrainingPart(
        histories=histories,
        observation=observation,
        chosen=there & (split == TRAIN),
        since=since,
        known_until=np.minimum(observed, barrier),
        other=np.minimum(histories.records.lost_at, closes),
    )
