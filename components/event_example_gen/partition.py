"""All that is known of the students of one partition."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.event_example_gen import clock, histories, profile, stages
from components.event_example_gen.catalogue import Engagements
from components.event_example_gen.cohorts import Cohorts
from components.event_example_gen.segments import Places
from components.event_example_gen.students import Students, students_from_table
from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import DataError

ENGAGEMENT_CODE = "engagement"
STAGE_CODE = "stage_code"
NO_STAGE = -1


@dataclasses.dataclass(frozen=True, eq=False)
class Reference:
    """What all partitions share.

    Attributes:
      config: of the data set.
      engagements: the catalogue.
      cohorts: of the data set; none where it has none.
      as_of: rows at or after it do not exist.
    """

    config: GoalpathConfig
    engagements: Engagements
    cohorts: Cohorts
    as_of: int


@dataclasses.dataclass(frozen=True, eq=False)
class Histories:
    """The students of a partition and what happened to them before `as_of`.

    Attributes:
      students: `S` students.
      events: theirs, without those after a loss.
      records: their stage records.
      entered: when each student entered; `clock.MISSING` for one that never did.
      rows_after_loss: events and stage records that were left out.
    """

    students: Students
    events: histories.Events
    records: stages.StageRecords
    entered: clock.Instants
    rows_after_loss: int


def code_stages(texts: pa.Array, config: GoalpathConfig) -> npt.NDArray[np.int64]:
    """The place of each stage in the funnel; K for a loss, `NO_STAGE` for null or ""."""
    known = pa.array([*config.stages, names.LOST], pa.large_string())
    place = pc.index_in(texts.cast(pa.large_string()), value_set=known).fill_null(NO_STAGE)
    codes: npt.NDArray[np.int64] = place.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def code_events(table: pa.Table, reference: Reference) -> pa.Table:
    """Canonical events with engagements and stages as numbers.

    Returns:
      Columns `student_id`, `timestamp`, `engagement`, `response`, `value` and
      `stage_code`; no nulls.

    Raises:
      DataError: an engagement is not in the catalogue.
    """
    engagement_id = profile.text_column(table, names.ENGAGEMENT_ID)
    place = pc.index_in(engagement_id, value_set=reference.engagements.ids)
    if place.null_count:
        unknown = engagement_id.filter(pc.is_null(place))[0].as_py()
        raise DataError(
            "every event must be with an engagement of the engagements table.",
            where=f"{names.EVENTS}, column {names.ENGAGEMENT_ID}",
            received=repr(unknown),
            remedy="check the data with `goalpath validate`.",
        )
    stage = profile.text_column(table, names.STAGE_AFTER)
    return pa.table(
        {
            names.STUDENT_ID: profile.text_column(table, names.STUDENT_ID),
            names.TIMESTAMP: profile.instants(table, names.TIMESTAMP),
            ENGAGEMENT_CODE: place.cast(pa.int32()),
            names.RESPONSE: profile.text_column(table, names.RESPONSE),
            names.VALUE: profile.float_column(table, names.VALUE),
            STAGE_CODE: pa.array(code_stages(stage, reference.config), pa.int16()),
        }
    )


def code_changes(table: pa.Table, reference: Reference) -> pa.Table:
    """Canonical stage changes with stages as numbers: `student_id`, `timestamp`, `stage_code`."""
    stage = profile.text_column(table, names.STAGE)
    return pa.table(
        {
            names.STUDENT_ID: profile.text_column(table, names.STUDENT_ID),
            names.TIMESTAMP: profile.instants(table, names.TIMESTAMP),
            STAGE_CODE: pa.array(code_stages(stage, reference.config), pa.int16()),
        }
    )


def build_histories(
    student_table: pa.Table,
    event_table: pa.Table,
    change_table: pa.Table | None,
    reference: Reference,
) -> Histories:
    """Sorts the rows of a partition's students.

    Args:
      student_table: canonical students, in any order.
      event_table: of `code_events`, in any order.
      change_table: of `code_changes`, in any order; None where there is none.
      reference: what all partitions share.

    Raises:
      DataError: a row belongs to no student of the partition.
    """
    students = students_from_table(
        student_table,
        reference.config,
        audiences=reference.engagements.audiences,
        cohorts=reference.cohorts,
    )
    event_table = _before(event_table, reference.as_of)
    responses = histories.responses_of(
        profile.text_column(event_table, names.RESPONSE), reference.config.responses
    )
    rows = _event_rows(event_table, students, responses)
    changes = _change_rows(change_table, students, reference.as_of)
    records, dropped_records = _records(rows, changes, responses, len(students), reference)
    kept = rows["time"] <= records.lost_at[rows["student"]]
    events = histories.sort_events(
        **{key: column[kept] for key, column in rows.items()},
        types=reference.engagements.types.codes,
        responses=responses,
        students=len(students),
    )
    return Histories(
        students=students,
        events=events,
        records=records,
        entered=_entries(students, events, records, reference.as_of),
        rows_after_loss=int((~kept).sum()) + dropped_records,
    )


def _before(table: pa.Table, as_of: int) -> pa.Table:
    return table.filter(pc.less(table[names.TIMESTAMP], as_of)).combine_chunks()


def _event_rows(
    table: pa.Table, students: Students, responses: histories.Responses
) -> dict[str, npt.NDArray[np.generic]]:
    texts = profile.text_column(table, names.RESPONSE)
    return {
        "student": students.rows_of(
            profile.text_column(table, names.STUDENT_ID), table=names.EVENTS
        ),
        "time": profile.instants(table, names.TIMESTAMP),
        "engagement": table[ENGAGEMENT_CODE].to_numpy().astype(np.int64),
        "response": histories.response_codes(texts, responses),
        "value": profile.float_column(table, names.VALUE),
        "stage": table[STAGE_CODE].to_numpy().astype(np.int64),
    }


def _change_rows(
    table: pa.Table | None, students: Students, as_of: int
) -> dict[str, npt.NDArray[np.int64]]:
    if table is None:
        nothing = np.zeros(0, np.int64)
        return {"student": nothing, "time": nothing, "stage": nothing}
    table = _before(table, as_of)
    student_id = profile.text_column(table, names.STUDENT_ID)
    return {
        "student": students.rows_of(student_id, table=names.STAGE_CHANGES),
        "time": profile.instants(table, names.TIMESTAMP),
        "stage": table[STAGE_CODE].to_numpy().astype(np.int64),
    }


def _records(
    events: Mapping[str, npt.NDArray[np.generic]],
    changes: Mapping[str, npt.NDArray[np.int64]],
    responses: histories.Responses,
    students: int,
    reference: Reference,
) -> tuple[stages.StageRecords, int]:
    """The stage records, and how many stage changes come after a loss."""
    funnel = len(reference.config.stages)
    response = events["response"].astype(np.int64)
    leads = events["stage"] != NO_STAGE
    loses = responses.lost[response] & (events["stage"] != funnel)
    parts: Sequence[tuple[Places, Places, Places]] = (
        (events["student"][leads], events["time"][leads], events["stage"][leads]),
        (events["student"][loses], events["time"][loses], np.full(int(loses.sum()), funnel)),
        (changes["student"], changes["time"], changes["stage"]),
    )
    student, time, position = (np.concatenate(column) for column in zip(*parts, strict=True))
    records = stages.stage_records(student, time, position, students=students, stages=funnel)
    dropped = changes["time"] > records.lost_at[changes["student"]]
    return records, int(dropped.sum())


def _entries(
    students: Students, events: histories.Events, records: stages.StageRecords, as_of: int
) -> clock.Instants:
    first = np.minimum(_first_of(events.start, events.time), _first_of(records.start, records.time))
    first = np.minimum(first, records.lost_at)
    given = students.entered_at
    entered = np.where(given == clock.MISSING, first, given)
    return np.where(entered < as_of, entered, clock.MISSING)


def _first_of(start: Places, time: clock.Instants) -> clock.Instants:
    if not len(time):
        return np.full(len(start) - 1, clock.NEVER)
    there = start[1:] > start[:-1]
    return np.where(there, time[np.minimum(start[:-1], len(time) - 1)], clock.NEVER)
