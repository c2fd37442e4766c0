"""The columns of a sample of states that are not features, as arrays."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.conversion_patterns import state_sample
from components.conversion_patterns.competing_risks import (
    CENSORED,
    REACHED,
    Counts,
    Follow,
    count_days,
    outcomes,
)
from components.event_example_gen import clock
from components.event_example_gen.segments import Places

Flags = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, eq=False)
class Outcomes:
    """What came after the `n` states of a sample.

    Attributes:
      stage: place in the funnel at the state, `[n]`.
      reached_after: microseconds to stage k or a later one, `[n, K]`.
      other_after: to the loss or close, `[n]`.
      known_for: to the end of what is known, `[n]`.
    """

    stage: Places
    reached_after: clock.Instants
    other_after: clock.Instants
    known_for: clock.Instants

    def __len__(self) -> int:
        return len(self.stage)

    def counts(self, rows: Places, target: int, days: int) -> Counts:
        """Of the given states, by day: how many reach `target`; see `count_days`."""
        return count_days(self._follow(rows, target), days)

    def reached_within(self, target: Places, days: int) -> tuple[Flags, Flags]:
        """Which states reach a target each within so many days, and whether it is known."""
        rows = np.arange(len(self))
        day, kind = outcomes(self._follow(rows, target), days)
        return kind == REACHED, (kind != CENSORED) | (day == days)

    def furthest_within(self, days: int) -> tuple[Places, npt.NDArray[np.float64]]:
        """The furthest stage seen to be reached within so many days, and after how many."""
        furthest, took = self.stage.copy(), np.zeros(len(self))
        for target in range(self.reached_after.shape[1]):
            reached, _ = self.reached_within(np.full(len(self), target), days)
            on = reached & (target > self.stage)
            furthest = np.where(on, target, furthest)
            took = np.where(on, self.reached_after[:, target] / clock.DAY, took)
        return furthest, took

    def _follow(self, rows: Places, target: Places | int) -> Follow:
        return Follow(
            origin=np.zeros(len(rows), np.int64),
            reached=self.reached_after[rows, target],
            other=self.other_after[rows],
            known_until=self.known_for[rows],
        )


def outcomes_of(sample: pa.Table) -> Outcomes:
    """The outcomes of a sample of `state_sample.sample_states`."""

    def numbers(name: str) -> Places:
        values: Places = sample[name].to_numpy().astype(np.int64)
        return values

    flat = sample[state_sample.REACHED_AFTER].combine_chunks()
    values = flat.flatten().to_numpy(zero_copy_only=False).astype(np.int64)
    return Outcomes(
        stage=numbers(state_sample.STAGE),
        reached_after=values.reshape(sample.num_rows, -1),
        other_after=numbers(state_sample.OTHER_AFTER),
        known_for=numbers(state_sample.KNOWN_FOR),
    )
