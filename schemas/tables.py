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

import polars as pl
import pyarrow as pa

from schemas.config import GoalpathConfig

BATCH_ROWS = 250_000


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
    """
    raise NotImplementedError


def read_table(data_dir: str | Path, config: GoalpathConfig, table: str) -> pl.DataFrame:
    """Reads one table (of `names.TABLES`) into memory.

    Raises:
      DataError: as `read_tables`; also where the table is not configured.
    """
    raise NotImplementedError


def scan_table(data_dir: str | Path, config: GoalpathConfig, table: str) -> pl.LazyFrame:
    """The same frame as `read_table`, read in batches when it is collected.

    Raises:
      DataError: the files are missing; what is wrong inside them is raised on collect.
    """
    raise NotImplementedError


def list_table_files(
    data_dir: str | Path, config: GoalpathConfig, table: str
) -> tuple[Path, ...]:
    """The files of a table, sorted; each can be read by `read_table_file`.

    Raises:
      DataError: there is none.
    """
    raise NotImplementedError


def read_table_file(path: str | Path, config: GoalpathConfig, table: str) -> pl.DataFrame:
    """Reads one file of a table, so that workers can share the files among them.

    Raises:
      DataError: as `read_tables`.
    """
    raise NotImplementedError


def read_events_file(path: str | Path, config: GoalpathConfig) -> pl.DataFrame:
    """Reads one file of events; `read_table_file` for `names.EVENTS`.

    Raises:
      DataError: as `read_tables`.
    """
    raise NotImplementedError


def iter_event_batches(
    data_dir: str | Path, config: GoalpathConfig, batch_rows: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """The events in record batches of at most `batch_rows` rows, in the order of the files.

    Strings are `large_string`, instants int64, `value` float64. The whole table is
    never in memory. In a prepared folder every file holds all events of its
    students, sorted by student and time.

    Raises:
      DataError: as `read_tables`.
    """
    raise NotImplementedError
