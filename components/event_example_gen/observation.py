"""When each student is observed, and how long what happens to a student is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from components.event_example_gen import clock
from components.event_example_gen.cohorts import Cohorts
from components.event_example_gen.segments import Places


@dataclasses.dataclass(frozen=True, eq=False)
class Observation:
    """For each of `S` students.

    Attributes:
      in_cohort: bool `[S]`; the student is in a cohort that has dates.
      starts: int64 `[S]`, start of the cohort; `clock.MISSING` without one.
      ends: int64 `[S]`; nothing is known of rows at or after it.
      closed: bool `[S]`; the cohort has decided every student.
      closes: int64 `[S]`, close of a closed cohort, else `clock.NEVER`.
    """

    in_cohort: npt.NDArray[np.bool_]
    starts: clock.Instants
    ends: clock.Instants
    closed: npt.NDArray[np.bool_]
    closes: clock.Instants

    def known(
        self, student: Places, t: clock.Instants, length: int, barrier: clock.Instants
    ) -> npt.NDArray[np.bool_]:
        """Whether everything in [t, t + length) is known.

        Args:
          student: `[n]`.
          t: `[n]`.
          length: of the window, in microseconds.
          barrier: instants that no window may reach past, `[n]`.
        """
        seen = self.closed[student] | (t + length <= self.ends[student])
        return seen & (t + length <= barrier)

    def window_end(self, student: Places, t: clock.Instants, length: int) -> clock.Instants:
        """Where the window ends: what comes after the close of a closed cohort is too late."""
        closes = self.closes[student]
        late = np.where(closes == clock.NEVER, clock.NEVER, closes + 1)
        return np.minimum(t + length, late)


def observe(cohort_code: Places, cohorts: Cohorts, as_of: int) -> Observation:
    """How students are observed.

    Args:
      cohort_code: place of each student's cohort, -1 without one; `[S]`.
      cohorts: of the data set.
      as_of: rows at or after it do not exist.
    """
    inside = cohort_code >= 0
    closed = np.zeros(len(cohort_code), bool)
    starts = np.full(len(cohort_code), clock.MISSING)
    ends = np.full(len(cohort_code), as_of)
    closes = np.full(len(cohort_code), clock.NEVER)
    code = cohort_code[inside]
    closed[inside] = cohorts.closed(as_of)[code]
    starts[inside] = cohorts.starts[code]
    ends[inside] = cohorts.observation_end(as_of)[code]
    closes[closed] = cohorts.closes[cohort_code[closed]]
    return Observation(inside, starts, ends, closed, closes)
