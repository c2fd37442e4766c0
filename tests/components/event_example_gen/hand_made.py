"""Rows for small data sets whose outcome can be worked out by hand.

Days count from `START`, a Monday; the engagements are e0, e1 and e2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas import names
from tests.components.event_example_gen.in_memory import Output
from tests.sample_data import DAY, START

Row = Mapping[str, object]

ENGAGEMENTS: Sequence[Row] = [
    {names.ENGAGEMENT_ID: f"e{number}", names.ENGAGEMENT_TYPE: ("email", "visit")[number % 2]}
    for number in range(3)
]


def day(number: float) -> int:
    """The instant so many days after the start."""
    return START + round(number * DAY)


def student(student_id: str = "a", **columns: object) -> Row:
    return {names.STUDENT_ID: student_id, **columns}


def event(
    number: float,
    engagement: str = "e0",
    response: str | None = "opened",
    *,
    student: str = "a",
    **columns: object,
) -> Row:
    """An event so many days after the start."""
    return {
        names.STUDENT_ID: student,
        names.ENGAGEMENT_ID: engagement,
        names.TIMESTAMP: day(number),
        names.RESPONSE: response,
        **columns,
    }


def change(number: float, stage: str, *, student: str = "a") -> Row:
    """A stage change so many days after the start."""
    return {names.STUDENT_ID: student, names.TIMESTAMP: day(number), names.STAGE: stage}


def make_tables(
    students: Sequence[Row],
    events: Sequence[Row] = (),
    *,
    changes: Sequence[Row] | None = None,
    cohorts: Sequence[Row] | None = None,
    engagements: Sequence[Row] = ENGAGEMENTS,
) -> dict[str, Sequence[Row]]:
    tables = {
        names.STUDENTS: students,
        names.ENGAGEMENTS: engagements,
        names.EVENTS: events,
        names.STAGE_CHANGES: changes,
        names.COHORTS: cohorts,
    }
    return {table: rows for table, rows in tables.items() if rows is not None}


def example(output: Output, number: float, student_id: str = "a") -> dict[str, Any]:
    """The one Example of a student at a day."""
    [found] = [
        row
        for _, row in output.all_examples()
        if row[names.STUDENT_ID] == student_id and row[names.SNAPSHOT_TIME] == day(number)
    ]
    return found


def days_of(output: Output, student_id: str = "a") -> list[float]:
    """The days of a student's snapshots, whatever their split."""
    return sorted(
        (row[names.SNAPSHOT_TIME] - START) / DAY
        for _, row in output.all_examples()
        if row[names.STUDENT_ID] == student_id
    )
