"""The students of a partition."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.event_example_gen import clock, hashing, profile
from components.event_example_gen.cohorts import Cohorts
from components.event_example_gen.columns import Texts, encode_texts
from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import DataError


@dataclasses.dataclass(frozen=True, eq=False)
class Students:
    """Students in order of their ids; `S` of them.

    Attributes:
      ids: large strings `[S]`, ascending.
      hashes: uint64 `[S]`, of the id alone.
      audience: text of each student, "" where there is none.
      audience_code: place among `Engagements.audiences`.
      cohort: text of each student, "" where there is none.
      cohort_code: place among the cohorts; -1 where there is none.
      entered_at: int64 microseconds; `clock.MISSING` where the table has none.
      attributes: query feature key -> column.
    """

    ids: pa.LargeStringArray
    hashes: hashing.Hashes
    audience: Texts
    audience_code: npt.NDArray[np.int64]
    cohort: Texts
    cohort_code: npt.NDArray[np.int64]
    entered_at: clock.Instants
    attributes: Mapping[str, profile.Attribute]

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, student_id: pa.Array, *, table: str) -> npt.NDArray[np.int64]:
        """The place of each named student.

        Raises:
          DataError: a student is not in the table of students.
        """
        place = pc.index_in(student_id.cast(pa.large_string()), value_set=self.ids)
        if place.null_count:
            unknown = student_id.filter(pc.is_null(place))[0].as_py()
            raise DataError(
                "every row must belong to a student of the students table.",
                where=f"{table}, column {names.STUDENT_ID}",
                received=repr(unknown),
                remedy="check the data with `goalpath validate`.",
            )
        rows: npt.NDArray[np.int64] = place.to_numpy(zero_copy_only=False).astype(np.int64)
        return rows


def students_from_table(
    table: pa.Table, config: GoalpathConfig, *, audiences: tuple[str, ...], cohorts: Cohorts
) -> Students:
    """The students of a canonical table.

    Args:
      table: `students` by the contract, in any order.
      config: of the data set; names the profile columns and their kinds.
      audiences: as `Engagements.audiences`.
      cohorts: of the data set.
    """
    table = table.take(pc.sort_indices(table[names.STUDENT_ID])).combine_chunks()
    ids = profile.text_column(table, names.STUDENT_ID)
    audience = profile.text_column(table, names.AUDIENCE)
    cohort = profile.text_column(table, names.COHORT)
    place = pc.index_in(audience, value_set=pa.array(audiences, pa.large_string()))
    features = config.tables.students.features
    return Students(
        ids=ids,
        hashes=hashing.hash_texts(ids),
        audience=encode_texts(audience),
        audience_code=place.to_numpy(zero_copy_only=False).astype(np.int64),
        cohort=encode_texts(cohort),
        cohort_code=cohorts.codes_of(cohort),
        entered_at=profile.instants(table, names.ENTERED_AT),
        attributes=profile.attributes(table, features, names.PROFILE_PREFIX),
    )
