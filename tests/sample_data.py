"""Small prepared data folders for tests: what `prepare_data` writes, without its checks.

`write_sample` makes one with or without cohorts and due dates; it is big enough for
every split and every head to have something to learn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas import contract, names
from schemas.config import GoalpathConfig

SECOND = 1_000_000
DAY = 86_400 * SECOND
START = 19_723 * DAY  # 2024-01-01, a Monday

STAGES = ("Inquiry", "Visited", "Applied", "Enrolled")

_ARROW_TYPES = {
    contract.ColumnType.ID: pa.large_string(),
    contract.ColumnType.TEXT: pa.large_string(),
    contract.ColumnType.STAGE: pa.large_string(),
    contract.ColumnType.NUMBER: pa.float64(),
    contract.ColumnType.INSTANT: pa.int64(),
}

Rows = Sequence[Mapping[str, object]]


@dataclasses.dataclass(frozen=True)
class Sample:
    """A prepared folder and the configuration that it was written for."""

    folder: Path
    config: GoalpathConfig


def sample_config(*, cohorts: bool, cadence: str = "weekly", **changes: object) -> GoalpathConfig:
    """A configuration with every kind of feature on both sides.

    Args:
      cohorts: with cohorts, split by them; else split by time.
      cadence: of snapshots.
      **changes: further top-level keys.
    """
    tables: dict[str, object] = {
        "students": {
            "features": {"region": "categorical", "gpa": "numeric", "born": "date"},
        },
        "engagements": {"features": {"topic": "text", "minutes": "numeric", "made": "date"}},
    }
    if cohorts:
        tables["cohorts"] = {}
        tables["stage_changes"] = {}
    split: dict[str, object] = (
        {"method": "cohort", "train": ["2023"], "eval": ["2024"], "calibration_share": 0.25}
        if cohorts
        else {"method": "time", "calibration_share": 0.25}
    )
    content: dict[str, object] = {
        "name": "sample",
        "stages": STAGES,
        "default_goal": "Applied",
        "tables": tables,
        "horizons": {"likelihood_days": 14, "risk_days": 14, "goal_days": 42},
        "responses": {
            "active": ["opened", "clicked", "attended"],
            "grades": {"clicked": 2, "attended": 3},
            "lost": ["unsubscribed"],
        },
        "ranking": {"window_days": 7, "negatives": 6, "evaluation_share": 0.5},
        "snapshots": {"cadence": cadence, "history_length": 8},
        "split": split,
        **changes,
    }
    return GoalpathConfig.model_validate(content)


def canonical_table(config: GoalpathConfig, table: str, rows: Rows) -> pa.Table:
    """Rows as a canonical Arrow table; a column that no row names is null."""
    return pa.table(
        {
            column.name: pa.array([row.get(column.name) for row in rows], _ARROW_TYPES[column.type])
            for column in contract.table_columns(config, table)
        }
    )


def write_tables(
    folder: Path,
    config: GoalpathConfig,
    tables: Mapping[str, Rows],
    *,
    event_parts: int = 1,
) -> Sample:
    """Writes rows as a prepared folder.

    Args:
      folder: is made.
      config: says which feature columns there are.
      tables: table -> rows; only those named are written.
      event_parts: files that the events are cut into.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in tables.items():
        written = canonical_table(config, table, rows)
        if table != names.EVENTS:
            pq.write_table(written, folder / f"{table}.parquet")
            continue
        (folder / table).mkdir(exist_ok=True)
        size = -(-max(written.num_rows, 1) // event_parts)
        for part in range(event_parts):
            pq.write_table(
                written.slice(part * size, size), folder / table / f"part-{part:05d}.parquet"
            )
    return Sample(folder, config)


def sample_tables(*, cohorts: bool, students: int = 60, seed: int = 7) -> dict[str, Rows]:
    """Rows of all tables: students who move through the funnel, or are lost.

    Args:
      cohorts: two cohorts a year apart, the second half of which is observed only in
        part; engagements with audiences and due dates.
      students: how many.
      seed: of everything.
    """
    random = np.random.default_rng(seed)
    audiences = ("north", "south") if cohorts else (None,)
    engagements = _engagements(random, cohorts=cohorts)
    tables: dict[str, list[Mapping[str, object]]] = {
        names.STUDENTS: [],
        names.ENGAGEMENTS: engagements,
        names.EVENTS: [],
    }
    if cohorts:
        tables[names.STAGE_CHANGES] = []
        tables[names.COHORTS] = [
            {
                names.COHORT: "2023",
                names.STARTS: START - 364 * DAY,
                names.CLOSES: START - 224 * DAY,
            },
            {names.COHORT: "2024", names.STARTS: START, names.CLOSES: START + 140 * DAY},
        ]
    for number in range(students):
        late = bool(number % 2)
        begin = START - (0 if late or not cohorts else 364 * DAY)
        student = {
            names.STUDENT_ID: f"s{number:04d}",
            names.AUDIENCE: audiences[number % 3 % len(audiences)],
            names.COHORT: ("2024" if late else "2023") if cohorts else None,
            names.ENTERED_AT: begin + int(random.integers(0, 20 * DAY)) if number % 4 else None,
            "region": random.choice(["east", "west"]) if number % 5 else None,
            "gpa": float(random.normal(3, 0.5)) if number % 6 else None,
            "born": int(random.integers(0, 3_650)) * DAY if number % 7 else None,
        }
        tables[names.STUDENTS].append(student)
        _live(random, student, begin, engagements, tables)
    return {table: list(rows) for table, rows in tables.items()}


def _engagements(random: np.random.Generator, *, cohorts: bool) -> list[Mapping[str, object]]:
    rows: list[Mapping[str, object]] = []
    for number in range(24):
        opens = START + int(random.integers(-364, 100)) * DAY
        rows.append(
            {
                names.ENGAGEMENT_ID: f"e{number:03d}",
                names.ENGAGEMENT_TYPE: ("email", "visit", "webinar")[number % 3],
                names.AUDIENCE: (None, "north", "south", "north|south")[number % 4]
                if cohorts
                else None,
                names.AVAILABLE_FROM: opens if number % 6 == 5 else None,
                names.AVAILABLE_TO: opens + 60 * DAY if number % 6 == 5 else None,
                names.DUE: START + (number % 10 * 14 - (364 if number % 2 else 0)) * DAY
                if cohorts and number % 3 == 1
                else None,
                "topic": f"topic {number % 4}" if number % 8 else None,
                "minutes": float(5 * number) if number % 5 else None,
                "made": START - number * DAY if number % 4 else None,
            }
        )
    return rows


def _live(
    random: np.random.Generator,
    student: Mapping[str, object],
    begin: int,
    engagements: Rows,
    tables: dict[str, list[Mapping[str, object]]],
) -> None:
    """Appends the events and stage changes of one student."""
    if random.random() < 0.05:
        return
    zeal, position = random.gamma(2.0, 0.12), 0
    for day in range(140):
        if random.random() > zeal:
            continue
        time = begin + day * DAY + int(random.integers(0, DAY))
        response = str(random.choice(["opened", "clicked", "attended", "ignored"]))
        if random.random() < 0.01:
            response = "unsubscribed"
        event: dict[str, object] = {
            names.STUDENT_ID: student[names.STUDENT_ID],
            names.ENGAGEMENT_ID: random.choice(
                [str(row[names.ENGAGEMENT_ID]) for row in engagements]
            ),
            names.TIMESTAMP: time,
            names.RESPONSE: response if random.random() < 0.95 else None,
            names.VALUE: float(random.integers(1, 9)) if random.random() < 0.8 else None,
        }
        if random.random() < 0.08 and position < len(STAGES) - 1:
            position += 1
            event[names.STAGE_AFTER] = STAGES[position]
        tables[names.EVENTS].append(event)
        if names.STAGE_CHANGES in tables and random.random() < 0.01:
            tables[names.STAGE_CHANGES].append(
                {
                    names.STUDENT_ID: student[names.STUDENT_ID],
                    names.TIMESTAMP: time,
                    names.STAGE: random.choice([*STAGES[:2], names.LOST]),
                }
            )


def write_sample(
    folder: Path, *, cohorts: bool, cadence: str = "weekly", students: int = 60, seed: int = 7
) -> Sample:
    """Writes a small prepared folder.

    Args:
      folder: is made.
      cohorts: with cohorts, audiences, due dates and stage changes, split by cohort;
        else without any of them, split by time.
      cadence: of snapshots.
      students: how many.
      seed: of everything.
    """
    config = sample_config(cohorts=cohorts, cadence=cadence)
    return write_tables(
        folder,
        config,
        sample_tables(cohorts=cohorts, students=students, seed=seed),
        event_parts=3,
    )
