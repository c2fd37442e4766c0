"""When each cohort starts, closes and is last observed."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.event_example_gen import clock, profile
from schemas import names


@dataclasses.dataclass(frozen=True, eq=False)
class Cohorts:
    """The cohorts, in order of their names; `C` of them.

    Attributes:
      ids: large strings `[C]`, ascending.
      starts: int64 microseconds `[C]`.
      closes: the same.
      observed_until: the same; `clock.MISSING` where there is none.
    """

    ids: pa.LargeStringArray
    starts: clock.Instants
    closes: clock.Instants
    observed_until: clock.Instants

    def codes_of(self, cohort: pa.LargeStringArray) -> npt.NDArray[np.int64]:
        """The place of each named cohort; -1 for one that is not there."""
        place = pc.index_in(cohort, value_set=self.ids).fill_null(-1)
        codes: npt.NDArray[np.int64] = place.to_numpy(zero_copy_only=False).astype(np.int64)
        return codes

    def closed(self, as_of: int) -> npt.NDArray[np.bool_]:
        """Which cohorts have decided every student by `as_of`: bool `[C]`."""
        unlimited: npt.NDArray[np.bool_] = self.observed_until == clock.MISSING
        seen = unlimited | (self.observed_until >= self.closes)
        return (self.closes < as_of) & seen

    def observation_end(self, as_of: int) -> clock.Instants:
        """Where the observation of each cohort ends: `[C]`."""
        until = np.where(self.observed_until == clock.MISSING, as_of, self.observed_until)
        return np.minimum(until, as_of)


def cohorts_from_table(table: pa.Table | None) -> Cohorts:
    """The cohorts of a canonical table; no cohort without one."""
    if table is None:
        nothing = np.zeros(0, np.int64)
        return Cohorts(pa.array([], pa.large_string()), nothing, nothing, nothing)
    table = table.take(pc.sort_indices(table[names.COHORT])).combine_chunks()
    return Cohorts(
        ids=profile.text_column(table, names.COHORT),
        starts=profile.instants(table, names.STARTS),
        closes=profile.instants(table, names.CLOSES),
        observed_until=profile.instants(table, names.OBSERVED_UNTIL),
    )
