"""Checks that need several tables, or the tables and the configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from schemas import contract, names, rules, table_files
from schemas.config import CohortSplitConfig, GoalpathConfig
from schemas.event_checks import EventStatistics
from schemas.problems import Problem, make_problem

AUDIENCE_SEPARATOR = "|"
_LISTED = 12


@dataclasses.dataclass(frozen=True)
class Accepted:
    """The accepted rows of a data set, events as counts; None: not read."""

    students: pl.DataFrame | None
    engagements: pl.DataFrame | None
    stage_changes: pl.DataFrame | None
    events: EventStatistics | None


def check_across(data_dir: Path, config: GoalpathConfig, accepted: Accepted) -> tuple[Problem, ...]:
    """Everything that no single table shows, in the order of the tables."""
    found = (
        *_split_cohorts(config, accepted),
        *_nothing_to_offer(accepted),
        *_empty_features(config, accepted),
        *_students_without_events(accepted),
        *_responses(config, accepted),
        *_stages(config, accepted),
        *_unused_features(config),
        *_unused_tables(data_dir, config),
    )
    return tuple(sorted(found, key=lambda problem: names.TABLES.index(problem.table)))


def _split_cohorts(config: GoalpathConfig, accepted: Accepted) -> Iterator[Problem]:
    split = config.split
    if not isinstance(split, CohortSplitConfig) or accepted.students is None:
        return
    there = set(accepted.students[names.COHORT].drop_nulls().unique())
    for key, wanted in (("split.train", split.train), ("split.eval", split.eval)):
        missing = tuple(cohort for cohort in wanted if cohort not in there)
        if missing:
            yield make_problem(
                rules.EMPTY_SPLIT_COHORT,
                names.STUDENTS,
                names.COHORT,
                detail=key,
                samples=missing,
            )


def _nothing_to_offer(accepted: Accepted) -> Iterator[Problem]:
    if accepted.students is None or accepted.engagements is None:
        return
    audiences = accepted.engagements[names.AUDIENCE]
    if audiences.is_empty() or audiences.null_count():
        return  # an engagement without an audience is open to all
    open_to = set(audiences.str.split(AUDIENCE_SEPARATOR).explode().str.strip_chars())
    counts = accepted.students[names.AUDIENCE].value_counts(sort=True)
    closed = [(name, count) for name, count in counts.iter_rows() if name not in open_to]
    if closed:
        yield make_problem(
            rules.NOTHING_TO_OFFER,
            names.STUDENTS,
            names.AUDIENCE,
            count=sum(count for _, count in closed),
            samples=tuple("" if name is None else name for name, _ in closed),
        )


def _empty_features(config: GoalpathConfig, accepted: Accepted) -> Iterator[Problem]:
    for table, frame in (
        (names.STUDENTS, accepted.students),
        (names.ENGAGEMENTS, accepted.engagements),
    ):
        entry = contract.table_config(config, table)
        if frame is None or frame.is_empty() or entry is None:
            continue
        for name in entry.features:
            if frame[name].null_count() == frame.height:
                yield make_problem(rules.EMPTY_FEATURE, table, name)


def _students_without_events(accepted: Accepted) -> Iterator[Problem]:
    if accepted.students is None or accepted.events is None or not accepted.events.rows:
        return
    without = accepted.students.height - accepted.events.students
    if without > 0:
        yield make_problem(rules.STUDENTS_WITHOUT_EVENTS, names.STUDENTS, count=without)


def _configured_responses(config: GoalpathConfig) -> tuple[str, ...]:
    responses = config.responses
    return tuple(dict.fromkeys((*(responses.active or ()), *responses.grades, *responses.lost)))


def _responses(config: GoalpathConfig, accepted: Accepted) -> Iterator[Problem]:
    configured = _configured_responses(config)
    if accepted.events is None or not accepted.events.rows:
        return
    seen = {name: count for name, count in accepted.events.responses.items() if name is not None}
    if not seen:
        if configured:
            yield make_problem(rules.NO_RESPONSE_COLUMN, names.EVENTS, names.RESPONSE)
        return
    never = tuple(name for name in configured if name not in seen)
    if never:
        listed = ", ".join(sorted(seen)[:_LISTED])
        yield make_problem(
            rules.RESPONSE_NEVER_OCCURS,
            names.EVENTS,
            names.RESPONSE,
            detail=listed,
            samples=never,
        )
    yield from _not_active(config, seen)


def _not_active(config: GoalpathConfig, seen: dict[str, int]) -> Iterator[Problem]:
    if config.responses.active is None:
        return
    # A grade or a loss says that the response is known and meant not to be active.
    unlisted = {name: n for name, n in seen.items() if name not in _configured_responses(config)}
    if unlisted:
        yield make_problem(
            rules.RESPONSE_NOT_LISTED,
            names.EVENTS,
            names.RESPONSE,
            count=sum(unlisted.values()),
            samples=tuple(sorted(unlisted)),
        )


def _stages(config: GoalpathConfig, accepted: Accepted) -> Iterator[Problem]:
    if accepted.events is None or not accepted.events.rows:
        return
    reached = set(accepted.events.stages)
    column, table = names.STAGE_AFTER, names.EVENTS
    if config.tables.stage_changes is not None:
        if accepted.stage_changes is None:
            return
        reached |= set(accepted.stage_changes[names.STAGE].drop_nulls().unique())
        column, table = names.STAGE, names.STAGE_CHANGES
    # Everyone is in the first stage without a record.
    never = tuple(stage for stage in config.stages[1:] if stage not in reached)
    if len(never) == len(config.stages) - 1:
        yield make_problem(rules.NO_STAGES, table, column)
    elif never:
        yield make_problem(rules.STAGE_NEVER_REACHED, table, column, samples=never)


def _unused_features(config: GoalpathConfig) -> Iterator[Problem]:
    for table in (names.EVENTS, names.STAGE_CHANGES, names.COHORTS):
        entry = contract.table_config(config, table)
        if entry is not None and entry.features:
            yield make_problem(rules.UNUSED_FEATURES, table)


def _unused_tables(data_dir: Path, config: GoalpathConfig) -> Iterator[Problem]:
    for table in (names.STAGE_CHANGES, names.COHORTS):
        if contract.table_config(config, table) is None:
            for place in table_files.default_places(data_dir, table):
                yield make_problem(rules.UNUSED_TABLE, table, detail=place.name)
