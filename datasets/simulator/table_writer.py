"""Tables that grow cell by cell, each in one file."""

from __future__ import annotations

import enum
from pathlib import Path
from types import TracebackType
from typing import Protocol

import polars as pl
import pyarrow as pa
import pyarrow.parquet

_CSV_INSTANTS = "%Y-%m-%dT%H:%M:%S%:z"
# Cells are gathered into row groups of about this size.
_ROWS_A_GROUP = 200_000


class TableFormat(str, enum.Enum):
    """How tables are written."""

    PARQUET = "parquet"
    CSV = "csv"


class TableWriter(Protocol):
    """Takes frames of one schema, and writes them to one file in their order."""

    rows: int

    def write(self, frame: pl.DataFrame) -> None:
        """Appends rows."""

    def close(self) -> None:
        """Writes what is held back, and ends the file."""


class ParquetTableWriter:
    """One Parquet file with row groups of many cells.

    Attributes:
      rows: taken so far.
    """

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self._path = path
        self._held: list[pl.DataFrame] = []
        self._held_rows = 0
        self._writer: pa.parquet.ParquetWriter | None = None

    def write(self, frame: pl.DataFrame) -> None:
        """Appends rows."""
        self.rows += frame.height
        self._held.append(frame)
        self._held_rows += frame.height
        if self._held_rows >= _ROWS_A_GROUP:
            self._flush()

    def close(self) -> None:
        """Writes what is held back, and ends the file."""
        self._flush()
        if self._writer is not None:
            self._writer.close()

    def _flush(self) -> None:
        if not self._held:
            return
        table = pl.concat(self._held).to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._writer is None:
            self._writer = pa.parquet.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table)
        self._held, self._held_rows = [], 0


class CsvTableWriter:
    """One CSV file; instants are ISO 8601 with their offset, missing values empty.

    Attributes:
      rows: taken so far.
    """

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self._file = path.open("wb")
        self._has_header = False

    def write(self, frame: pl.DataFrame) -> None:
        """Appends rows."""
        self.rows += frame.height
        frame.write_csv(
            self._file, include_header=not self._has_header, datetime_format=_CSV_INSTANTS
        )
        self._has_header = True

    def close(self) -> None:
        """Ends the file."""
        self._file.close()


class TableWriters:
    """The writers of a data folder, by table; a context manager that closes them.

    Args:
      folder: where files are made.
      table_format: of all tables but those in `parquet_only`.
      parquet_only: tables that are Parquet whatever the format.
    """

    def __init__(
        self, folder: Path, table_format: TableFormat, *, parquet_only: frozenset[str]
    ) -> None:
        self._folder = folder
        self._format = table_format
        self._parquet_only = parquet_only
        self._writers: dict[str, TableWriter] = {}

    def __enter__(self) -> TableWriters:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for writer in self._writers.values():
            writer.close()

    def write(self, table: str, frame: pl.DataFrame) -> None:
        """Appends rows to a table, whose file is made with the first ones."""
        if table not in self._writers:
            self._writers[table] = self._open(table)
        self._writers[table].write(frame)

    def rows(self) -> dict[str, int]:
        """Table -> rows taken so far."""
        return {table: writer.rows for table, writer in self._writers.items()}

    def _open(self, table: str) -> TableWriter:
        if self._format is TableFormat.PARQUET or table in self._parquet_only:
            return ParquetTableWriter(self._folder / f"{table}.parquet")
        return CsvTableWriter(self._folder / f"{table}.csv")
