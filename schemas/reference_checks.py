"""Checks the rows of students, engagements, cohorts and stage changes."""

from __future__ import annotations

import dataclasses

import polars as pl

from schemas import advice, names, rules
from schemas.checked_table import CheckedTable, screen
from schemas.findings import FILE, TableFindings
from schemas.raw_batches import ROW
from schemas.rules import Rule


@dataclasses.dataclass(frozen=True)
class Ids:
    """The ids of a table that other tables refer to.

    Attributes:
      accepted: String, unique.
      set_aside: String, unique; ids that are only in rejected rows.
    """

    accepted: pl.Series
    set_aside: pl.Series


def accept_cohorts(table: CheckedTable, frame: pl.DataFrame) -> pl.DataFrame:
    """Keeps one row for each cohort, closing after it starts."""
    frame = _first_of_each(frame, table.findings, names.COHORT)
    ends = pl.col(names.CLOSES) <= pl.col(names.STARTS)
    return screen(frame, table.findings, rules.CLOSES_BEFORE_STARTS, names.CLOSES, ends)


def accept_students(table: CheckedTable, frame: pl.DataFrame, cohorts: Ids | None) -> pl.DataFrame:
    """Keeps one row for each student, in a cohort that is known or in none."""
    frame = _first_of_each(frame, table.findings, names.STUDENT_ID)
    if cohorts is None:
        return frame
    return screen_reference(
        frame,
        table.findings,
        names.COHORT,
        cohorts,
        unknown=rules.UNKNOWN_COHORT,
        set_aside=rules.COHORT_SET_ASIDE,
    )


def accept_engagements(table: CheckedTable, frame: pl.DataFrame) -> pl.DataFrame:
    """Keeps one row for each engagement, available for some time."""
    frame = _first_of_each(frame, table.findings, names.ENGAGEMENT_ID)
    never = pl.col(names.AVAILABLE_TO) <= pl.col(names.AVAILABLE_FROM)
    return screen(frame, table.findings, rules.ENDS_BEFORE_AVAILABLE, names.AVAILABLE_TO, never)


def accept_stage_changes(
    findings: TableFindings, frame: pl.DataFrame, students: Ids | None, now_us: int
) -> pl.DataFrame:
    """Keeps the stage changes of known students before now."""
    future = pl.col(names.TIMESTAMP) >= now_us
    frame = screen(frame, findings, rules.IN_THE_FUTURE, names.TIMESTAMP, future)
    if students is None:
        return frame
    return screen_reference(
        frame,
        findings,
        names.STUDENT_ID,
        students,
        unknown=rules.UNKNOWN_STUDENT,
        set_aside=rules.STUDENT_SET_ASIDE,
    )


def screen_reference(
    frame: pl.DataFrame,
    findings: TableFindings,
    column: str,
    ids: Ids,
    *,
    unknown: Rule,
    set_aside: Rule,
) -> pl.DataFrame:
    """Takes the rows out whose `column` is not an accepted id of another table.

    A null refers to nothing, and is let through.
    """
    lost = pl.col(column).is_in(ids.set_aside.implode())
    frame = screen(frame, findings, set_aside, column, lost)
    strange = ~pl.col(column).is_in(ids.accepted.implode())
    samples = frame.filter(strange)[column].unique(maintain_order=True).head(20)
    hint = advice.near_ids(samples.to_list(), ids.accepted) if samples.len() else ""
    return screen(frame, findings, unknown, column, strange, hint=hint)


def split_ids(column: str, everything: pl.Series, accepted: pl.DataFrame) -> Ids:
    """Tells the accepted ids from those that were in the table and are set aside.

    Args:
      column: the id.
      everything: String, all ids of the table, nulls and repeats among them.
      accepted: the accepted rows.
    """
    kept = accepted[column].unique()
    gone = everything.drop_nulls().unique()
    return Ids(kept, gone.filter(~gone.is_in(kept.implode())))


def _first_of_each(frame: pl.DataFrame, findings: TableFindings, column: str) -> pl.DataFrame:
    ordered = frame.sort(FILE, ROW)
    again = ~pl.col(column).is_first_distinct()
    return screen(ordered, findings, rules.DUPLICATE_ID, column, again)
