"""Checks the events, part by part, and counts what the other checks ask about."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable
from pathlib import Path

import polars as pl

from schemas import names, rules
from schemas.checked_table import CheckedTable, screen
from schemas.config import GoalpathConfig
from schemas.event_parts import EventParts, part_count
from schemas.findings import FILE
from schemas.raw_batches import ROW
from schemas.reference_checks import Ids, screen_reference

EventSink = Callable[[int, pl.DataFrame], None]


@dataclasses.dataclass
class EventStatistics:
    """What was seen among the accepted events.

    Attributes:
      rows: accepted.
      first_us: the earliest timestamp; None without events.
      last_us: the latest one.
      responses: how many events have each response; None stands for no response.
      stages: the stages that `stage_after` names.
      students: how many students have an event.
    """

    rows: int = 0
    first_us: int | None = None
    last_us: int | None = None
    responses: collections.Counter[str | None] = dataclasses.field(
        default_factory=collections.Counter
    )
    stages: set[str] = dataclasses.field(default_factory=set)
    students: int = 0

    def add(self, events: pl.DataFrame) -> None:
        """Counts a part; no student may be in two parts."""
        if events.is_empty():
            return
        times = events[names.TIMESTAMP]
        first, last = times.min(), times.max()
        assert isinstance(first, int), first
        assert isinstance(last, int), last
        self.first_us = first if self.first_us is None else min(self.first_us, first)
        self.last_us = last if self.last_us is None else max(self.last_us, last)
        self.rows += events.height
        counts = events[names.RESPONSE].value_counts()
        self.responses.update(dict(counts.iter_rows()))
        self.stages.update(events[names.STAGE_AFTER].drop_nulls().unique())
        self.students += events[names.STUDENT_ID].n_unique()


@dataclasses.dataclass(frozen=True)
class EventRules:
    """What an event is checked against.

    Attributes:
      students: ids; None where the table could not be read.
      engagements: likewise.
      now_us: events at or after it are rejected.
      reject_duplicates: whether a repeated event is rejected.
    """

    students: Ids | None
    engagements: Ids | None
    now_us: int
    reject_duplicates: bool


def event_rules(
    config: GoalpathConfig, students: Ids | None, engagements: Ids | None, now_us: int
) -> EventRules:
    """Takes from the configuration what concerns events."""
    reject = config.tables.events.duplicates == "reject"
    return EventRules(students, engagements, now_us, reject)


def check_events(
    table: CheckedTable, checks: EventRules, scratch: Path, sink: EventSink | None
) -> EventStatistics:
    """Reads all events, rejects those that break a rule, and passes the others on.

    Args:
      table: the events, not read yet.
      checks: the rules.
      scratch: an empty folder for the parts.
      sink: is given the number and the accepted events of each part, in canonical
        form, sorted by student, time and place in the files. None: not wanted.
    """
    statistics = EventStatistics()
    if not table.readable:
        return statistics
    parts = EventParts(scratch, part_count(tuple(plan.path for plan in table.plans())))
    try:
        for batch in table.batches():
            parts.add(batch)
    finally:
        parts.close()
    for number, part in enumerate(parts.frames()):
        accepted = _accept(part, table, checks)
        statistics.add(accepted)
        if sink is not None:
            order = (names.STUDENT_ID, names.TIMESTAMP, FILE, ROW)
            sink(number, accepted.sort(order).drop(FILE, ROW))
    return statistics


def _accept(part: pl.DataFrame, table: CheckedTable, checks: EventRules) -> pl.DataFrame:
    findings = table.findings
    future = pl.col(names.TIMESTAMP) >= checks.now_us
    part = screen(part, findings, rules.IN_THE_FUTURE, names.TIMESTAMP, future)
    if checks.students is not None:
        part = screen_reference(
            part,
            findings,
            names.STUDENT_ID,
            checks.students,
            unknown=rules.UNKNOWN_STUDENT,
            set_aside=rules.STUDENT_SET_ASIDE,
        )
    if checks.engagements is not None:
        part = screen_reference(
            part,
            findings,
            names.ENGAGEMENT_ID,
            checks.engagements,
            unknown=rules.UNKNOWN_ENGAGEMENT,
            set_aside=rules.ENGAGEMENT_SET_ASIDE,
        )
    if not checks.reject_duplicates:
        return part
    again = ~pl.struct(column.name for column in table.columns).is_first_distinct()
    return screen(part, findings, rules.DUPLICATE_EVENT, names.TIMESTAMP, again)
