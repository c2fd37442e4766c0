"""Reads chosen columns of a CSV or Parquet file in batches, with row numbers.

CSV is read by PyArrow: its reader checks the number of fields of every row even where
only some columns are asked for (that of Polars does not), and holds one block of
the file at a time.
"""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.csv

from schemas import table_files
from schemas.config import TableConfig
from schemas.errors import DataError

ROW: Final = "__row"  # int64, number of the data row in its file, from 1
_BLOCK_BYTES: Final = 8 << 20
GZIP_SUFFIX: Final = ".gz"
_OTHER_SEPARATORS: Final = (";", "\t", "|", ",")


@dataclasses.dataclass(frozen=True)
class MalformedRow:
    """A CSV row with too many or too few fields.

    Attributes:
      row: number of the data row, from 1.
      fields: how many it has.
      text: of the row.
    """

    row: int
    fields: int
    text: str


@dataclasses.dataclass(frozen=True)
class RawBatch:
    """Some rows of a file.

    Attributes:
      frame: `ROW`, and the columns asked for; strings where the file is CSV.
      malformed: rows that `frame` lacks because their fields do not fit the header.
    """

    frame: pl.DataFrame
    malformed: tuple[MalformedRow, ...] = ()


def read_header(path: Path, entry: TableConfig) -> tuple[str, ...]:
    """The names of the columns in a file, as they stand there.

    Raises:
      DataError: the file cannot be read, or has no header.
    """
    if table_files.is_parquet(path):
        return _parquet_header(path)
    return _csv_header(path, entry)


def iter_raw_batches(
    path: Path, entry: TableConfig, columns: Sequence[str], batch_rows: int
) -> Iterator[RawBatch]:
    """The rows of a file, in order.

    Args:
      path: of the file.
      entry: of its table.
      columns: names in the file; one at least.
      batch_rows: rows in a batch, at most; a CSV batch is also at most one block.

    Raises:
      DataError: the file cannot be read.
    """
    if table_files.is_parquet(path):
        yield from _parquet_batches(path, columns, batch_rows)
    else:
        yield from _csv_batches(path, entry, columns, batch_rows)


def separator_hint(header: Sequence[str], entry: TableConfig) -> str:
    """Says which separator the file seems to have, where it is not the configured one."""
    if len(header) != 1:
        return ""
    for separator in _OTHER_SEPARATORS:
        if separator != entry.separator and separator in header[0]:
            return f"the file seems to be separated by {separator!r}: set separator to it."
    return ""


def _unreadable(path: Path, error: Exception, remedy: str = "") -> DataError:
    return DataError(
        "the file must be readable.",
        where=str(path),
        received=" ".join(str(error).split())[:300],
        remedy=remedy or "check that the file is whole, and export it again.",
    )


def _wrong_encoding(path: Path, entry: TableConfig, error: Exception) -> DataError:
    return _unreadable(
        path,
        error,
        f"the file is not {entry.encoding}: save it as UTF-8, or name its encoding, such as "
        "encoding: windows-1252, beside path in goalpath.yaml.",
    )


def _parquet_header(path: Path) -> tuple[str, ...]:
    try:
        schema = pl.scan_parquet(path, glob=False).collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, error, "check that this is a Parquet file.") from error
    return tuple(schema.names())


def _parquet_batches(path: Path, columns: Sequence[str], batch_rows: int) -> Iterator[RawBatch]:
    scan = pl.scan_parquet(path, glob=False, row_index_name=ROW, row_index_offset=1)
    chosen = scan.select(pl.col(ROW).cast(pl.Int64), *columns)
    try:
        for frame in chosen.collect_batches(chunk_size=batch_rows, maintain_order=True):
            yield RawBatch(frame)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, error) from error


def _open_text(path: Path, encoding: str) -> io.TextIOBase:
    # A byte order mark is no part of the first name.
    codec = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    if path.name.lower().endswith(GZIP_SUFFIX):
        return gzip.open(path, "rt", encoding=codec, newline="")
    return path.open("r", encoding=codec, newline="")


def _csv_header(path: Path, entry: TableConfig) -> tuple[str, ...]:
    try:
        with _open_text(path, entry.encoding) as text:
            header = next(csv.reader(text, delimiter=entry.separator), [])
    except UnicodeError as error:
        raise _wrong_encoding(path, entry, error) from error
    except (OSError, EOFError, LookupError, csv.Error) as error:
        raise _unreadable(path, error) from error
    if not header:
        raise DataError(
            "a CSV file must begin with a header.",
            where=str(path),
            received="an empty file" if path.stat().st_size == 0 else "an empty first line",
            remedy="write the names of the columns into the first line.",
        )
    return tuple(header)


class _MalformedRows:
    """Collects what PyArrow reports, and numbers the rows that are left."""

    def __init__(self) -> None:
        self._found: list[MalformedRow] = []
        self._taken = 0

    def add(self, row: pyarrow.csv.InvalidRow) -> str:
        # PyArrow counts the header as row 1.
        self._found.append(MalformedRow(row.number - 1, row.actual_columns, row.text))
        return "skip"

    def numbers(self, first: int, count: int) -> npt.NDArray[np.int64]:
        """The next `count` row numbers from `first` on that are not malformed, int64."""
        # The reader may be a block ahead, so rows after these may be among them.
        skipped = np.array([bad.row for bad in self._found if bad.row >= first], dtype=np.int64)
        span = np.arange(first, first + count + skipped.size, dtype=np.int64)
        return np.setdiff1d(span, skipped, assume_unique=True)[:count]

    def take(self) -> tuple[MalformedRow, ...]:
        """Those not taken before."""
        new = tuple(self._found[self._taken :])
        self._taken = len(self._found)
        return new


def _open_csv(
    path: Path, entry: TableConfig, columns: Sequence[str], malformed: _MalformedRows
) -> pyarrow.csv.CSVStreamingReader:
    return pyarrow.csv.open_csv(
        path,
        # Row numbers are only reported where one thread parses.
        read_options=pyarrow.csv.ReadOptions(
            use_threads=False, block_size=_BLOCK_BYTES, encoding=entry.encoding
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=entry.separator,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=malformed.add,
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: pa.large_string() for name in columns},
            include_columns=list(columns),
            strings_can_be_null=False,
        ),
    )


def _csv_batches(
    path: Path, entry: TableConfig, columns: Sequence[str], batch_rows: int
) -> Iterator[RawBatch]:
    malformed = _MalformedRows()
    pending: list[MalformedRow] = []
    first = 1
    try:
        for batch in _open_csv(path, entry, columns, malformed):
            rows = malformed.numbers(first, batch.num_rows)
            pending.extend(malformed.take())
            if not batch.num_rows:
                continue
            first = int(rows[-1]) + 1
            frame = pl.DataFrame(pl.from_arrow(batch)).insert_column(0, pl.Series(ROW, rows))
            for part in frame.iter_slices(batch_rows):
                yield RawBatch(part, tuple(pending))
                pending = []
    except (UnicodeError, LookupError) as error:
        raise _wrong_encoding(path, entry, error) from error
    except (pa.ArrowException, OSError) as error:
        if "invalid UTF8" in str(error):
            raise _wrong_encoding(path, entry, error) from error
        raise _unreadable(path, error) from error
    pending.extend(malformed.take())
    if pending:
        yield RawBatch(_no_rows(columns), tuple(pending))


def _no_rows(columns: Sequence[str]) -> pl.DataFrame:
    texts = {name: pl.String() for name in columns}
    return pl.DataFrame(schema={ROW: pl.Int64(), **texts})
