"""The histories of students as a table, one row a student, to be pushed beside the states.

A state is a sum over a history, so what is posted to a gateway cannot be added to the state:
it is added to the history, and the state is computed anew by the one function for it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.event_example_gen.partition import ENGAGEMENT_CODE, STAGE_CODE
from components.event_example_gen.segments import offsets_of
from schemas import names
from schemas.config import GoalpathConfig

EVENTS: Final = "events"  # large list of structs: EVENT_FIELDS, by time
CHANGES: Final = "stage_changes"  # large list of structs: CHANGE_FIELDS, by time
EVENT_FIELDS: Final = (
    (names.TIMESTAMP, pa.int64()),
    (ENGAGEMENT_CODE, pa.int32()),  # place in the engagements of the version, by id
    (names.RESPONSE, pa.large_string()),
    (names.VALUE, pa.float64()),
    (STAGE_CODE, pa.int16()),
)
CHANGE_FIELDS: Final = ((names.TIMESTAMP, pa.int64()), (STAGE_CODE, pa.int16()))
_OF_STUDENT: Final = (names.STUDENT_ID, names.AUDIENCE, names.COHORT, names.ENTERED_AT)


class StudentTables(NamedTuple):
    """What `partition.build_histories` takes: students, coded events, coded stage changes."""

    students: pa.Table
    events: pa.Table
    changes: pa.Table


def histories_table(
    students: pa.Table,
    events: pa.Table,
    changes: pa.Table | None,
    config: GoalpathConfig,
    *,
    as_of: int,
) -> pa.Table:
    """One row for each student, by id.

    Args:
      students: canonical students, in any order.
      events: of `partition.code_events`, of these students alone.
      changes: of `partition.code_changes`, likewise; None where there are none.
      config: of the data set; names the profile columns.
      as_of: rows at or after it do not exist.

    Returns:
      The student's own columns, `EVENTS` and `CHANGES`.
    """
    wanted = (*_OF_STUDENT, *config.tables.students.features)
    students = students.select([name for name in students.column_names if name in wanted])
    students = students.take(pc.sort_indices(students[names.STUDENT_ID])).combine_chunks()
    ids = students[names.STUDENT_ID].cast(pa.large_string())
    if changes is None:
        changes = _empty(CHANGE_FIELDS)
    return students.append_column(EVENTS, _lists(ids, events, EVENT_FIELDS, as_of)).append_column(
        CHANGES, _lists(ids, changes, CHANGE_FIELDS, as_of)
    )


def student_tables(histories: pa.Table) -> StudentTables:
    """What `histories_table` was given, of the students in `histories`."""
    own = [name for name in histories.column_names if name not in (EVENTS, CHANGES)]
    return StudentTables(
        histories.select(own),
        _rows(histories, EVENTS, EVENT_FIELDS),
        _rows(histories, CHANGES, CHANGE_FIELDS),
    )


def _empty(fields: tuple[tuple[str, pa.DataType], ...]) -> pa.Table:
    return pa.schema([(names.STUDENT_ID, pa.large_string()), *fields]).empty_table()


def _lists(
    ids: pa.ChunkedArray, rows: pa.Table, fields: tuple[tuple[str, pa.DataType], ...], as_of: int
) -> pa.LargeListArray:
    """The rows before `as_of` of each student, by time: large list of structs `[S]`."""
    rows = rows.filter(pc.less(rows[names.TIMESTAMP], as_of)).combine_chunks()
    place = pc.index_in(rows[names.STUDENT_ID].cast(pa.large_string()), value_set=ids)
    student = np.asarray(place.to_numpy(), np.int64)
    order = np.lexsort((rows[names.TIMESTAMP].to_numpy(), student))
    rows = rows.take(pa.array(order)).combine_chunks()
    columns = [_one_chunk(rows[name].cast(dtype)) for name, dtype in fields]
    offsets = offsets_of(np.bincount(student, minlength=len(ids)))
    structs = pa.StructArray.from_arrays(columns, names=[name for name, _ in fields])
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), structs)


def _rows(
    histories: pa.Table, column: str, fields: tuple[tuple[str, pa.DataType], ...]
) -> pa.Table:
    lists = _one_chunk(histories[column])
    ids = _one_chunk(histories[names.STUDENT_ID].cast(pa.large_string()))
    lengths = np.diff(lists.offsets.to_numpy())
    structs = lists.flatten()
    owner = ids.take(pa.array(np.repeat(np.arange(len(lists)), lengths)))
    return pa.table(
        {
            names.STUDENT_ID: owner,
            **{name: pc.struct_field(structs, [place]) for place, (name, _) in enumerate(fields)},
        }
    )


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
