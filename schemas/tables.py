"""Reads the tables of a data folder as canonical frames.

A **canonical frame** has the contract's names and types: ids, texts and stages are
strings, instants int64 microseconds since the epoch in UTC, numbers float64; every
column of `contract.table_columns` is there, null where a value is missing, and no
other column is. Numeric ids are their decimal text.

The functions read two kinds of folder alike: an institution's own, by its
configuration, and the folder that `schemas.prepare.prepare_data` wrote, whose
Parquet files are canonical already. On the former they are strict: a value that
cannot be read is a `DataError`, never a null. To set bad rows aside, prepare first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
from polars.io.plugins import register_io_source

from schemas import contract, conversion, file_plan, instants, names, table_files
from schemas.config import GoalpathConfig, TableConfig
from schemas.conversion import CanonicalBatch
from schemas.errors import DataError
from schemas.problems import RowRef, make_problem
from schemas.raw_batches import ROW
from schemas.rules import Severity

BATCH_ROWS: Final = 250_000
CANONICAL_KEY: Final = "goalpath.canonical"  # in the metadata of a prepared Parquet file


@dataclasses.dataclass(frozen=True)
class Tables:
    """All tables of a data set as canonical frames.

    Attributes:
      students: `student_id`, `audience`, `cohort`, `entered_at`, then the features.
      engagements: `engagement_id`, `engagement_type`, `audience`, `available_from`,
        `available_to`, `due`, then the features.
      events: `student_id`, `engagement_id`, `timestamp`, `response`, `value`,
        `stage_after`. In the order of the files.
      stage_changes: `student_id`, `timestamp`, `stage`; None where not configured.
      cohorts: `cohort`, `starts`, `closes`, `observed_until`; None likewise.
    """

    students: pl.DataFrame
    engagements: pl.DataFrame
    events: pl.DataFrame
    stage_changes: pl.DataFrame | None
    cohorts: pl.DataFrame | None


def read_tables(data_dir: str | Path, config: GoalpathConfig) -> Tables:
    """Reads all tables into memory.

    Args:
      data_dir: a data folder or a prepared folder.
      config: of the data set.

    Raises:
      DataError: a file is missing or cannot be read, a column is missing, or a
        value cannot be read; the message names table, file, row and column.
      ConfigError: the time zone is unknown.
    """
    frames = {
        table: read_table(data_dir, config, table) for table in contract.configured_tables(config)
    }
    return Tables(
        students=frames[names.STUDENTS],
        engagements=frames[names.ENGAGEMENTS],
        events=frames[names.EVENTS],
        stage_changes=frames.get(names.STAGE_CHANGES),
        cohorts=frames.get(names.COHORTS),
    )


def read_table(data_dir: str | Path, config: GoalpathConfig, table: str) -> pl.DataFrame:
    """Reads one table (of `names.TABLES`) into memory.

    Raises:
      DataError: as `read_tables`; also where the table is not configured.
      ConfigError: the time zone is unknown.
    """
    files = list_table_files(data_dir, config, table)
    return pl.concat([read_table_file(path, config, table) for path in files])


def scan_table(data_dir: str | Path, config: GoalpathConfig, table: str) -> pl.LazyFrame:
    """The same frame as `read_table`, read in batches when it is collected.

    Raises:
      DataError: the files are missing; what is wrong inside them is raised on collect.
      ConfigError: the time zone is unknown.
    """
    files = list_table_files(data_dir, config, table)
    empty = conversion.empty_frame(contract.table_columns(config, table))

    def batches(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, size: int | None
    ) -> Iterator[pl.DataFrame]:
        left = rows
        for frame in _iter_frames(files, config, table, size or BATCH_ROWS):
            part = frame if left is None else frame.head(left)
            left = None if left is None else left - part.height
            kept = part if predicate is None else part.filter(predicate)
            yield kept if columns is None else kept.select(columns)

    return register_io_source(batches, schema=dict(empty.schema), is_pure=True)


def list_table_files(data_dir: str | Path, config: GoalpathConfig, table: str) -> tuple[Path, ...]:
    """The files of a table, sorted; each can be read by `read_table_file`.

    Raises:
      DataError: there is none, or the table is not configured.
    """
    return table_files.list_files(Path(data_dir), table, _entry(config, table))


def read_table_file(path: str | Path, config: GoalpathConfig, table: str) -> pl.DataFrame:
    """Reads one file of a table, so that workers can share the files among them.

    Raises:
      DataError: as `read_tables`.
      ConfigError: the time zone is unknown.
    """
    empty = conversion.empty_frame(contract.table_columns(config, table))
    return pl.concat([empty, *_iter_frames((Path(path),), config, table, BATCH_ROWS)])


def read_events_file(path: str | Path, config: GoalpathConfig) -> pl.DataFrame:
    """Reads one file of events; `read_table_file` for `names.EVENTS`.

    Raises:
      DataError: as `read_tables`.
      ConfigError: the time zone is unknown.
    """
    return read_table_file(path, config, names.EVENTS)


def iter_event_batches(
    data_dir: str | Path, config: GoalpathConfig, batch_rows: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """The events in record batches of at most `batch_rows` rows, in the order of the files.

    Strings are `large_string`, instants int64, `value` float64. The whole table is
    never in memory. In a prepared folder every file holds all events of its
    students, sorted by student and time.

    Raises:
      DataError: as `read_tables`.
      ConfigError: the time zone is unknown.
    """
    files = list_table_files(data_dir, config, names.EVENTS)
    for frame in _iter_frames(files, config, names.EVENTS, batch_rows):
        yield from frame.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches()


def write_canonical(frame: pl.DataFrame, path: Path, table: str) -> None:
    """Writes a canonical frame as a Parquet file that the readers here know as one."""
    frame.write_parquet(path, metadata={CANONICAL_KEY: table})


def _entry(config: GoalpathConfig, table: str) -> TableConfig:
    entry = contract.table_config(config, table)
    if entry is None:
        raise DataError(
            "a table must be configured to be read.",
            where=f"tables.{table}",
            received="nothing",
            remedy=f"add `{table}: {{}}` under tables in goalpath.yaml.",
        )
    return entry


def _iter_frames(
    files: tuple[Path, ...], config: GoalpathConfig, table: str, batch_rows: int
) -> Iterator[pl.DataFrame]:
    instants.check_timezone(config.timezone)
    for path in files:
        if _is_canonical(path, table):
            yield from _iter_written(path, config, table, batch_rows)
        else:
            yield from _iter_strict(path, config, table, batch_rows)


def _is_canonical(path: Path, table: str) -> bool:
    if not table_files.is_parquet(path):
        return False
    try:
        return pl.read_parquet_metadata(path).get(CANONICAL_KEY) == table
    except (pl.exceptions.PolarsError, OSError):
        return False  # what is wrong with the file is said where it is read


def _iter_written(
    path: Path, config: GoalpathConfig, table: str, batch_rows: int
) -> Iterator[pl.DataFrame]:
    columns = [column.name for column in contract.table_columns(config, table)]
    scan = pl.scan_parquet(path, glob=False).select(columns)
    yield from scan.collect_batches(chunk_size=batch_rows, maintain_order=True)


def _iter_strict(
    path: Path, config: GoalpathConfig, table: str, batch_rows: int
) -> Iterator[pl.DataFrame]:
    plan, problems = file_plan.plan_file(
        path, table, _entry(config, table), contract.table_columns(config, table)
    )
    for problem in problems:
        if problem.blocks:
            raise problem.to_error()
    for batch in conversion.iter_canonical(plan, config, batch_rows):
        _refuse_flaws(batch, path, table)
        yield batch.frame.drop(ROW)


def _refuse_flaws(batch: CanonicalBatch, path: Path, table: str) -> None:
    for flaw in batch.flaws:
        if flaw.rule.severity is not Severity.ERROR:
            continue
        first = flaw.rows.head(5)
        raise make_problem(
            flaw.rule,
            table,
            flaw.column,
            count=flaw.rows.height,
            rows=tuple(RowRef(file=path.name, row=row) for row in first[ROW]),
            samples=tuple(first[conversion.VALUE].drop_nulls()),
            remedy="run goalpath validate, which names every row and how to mend it.",
        ).to_error()
