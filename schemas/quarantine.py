"""Writes the rejected rows of a table as they stand in its files, with the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl

from schemas import raw_batches
from schemas.checked_table import BATCH_ROWS
from schemas.file_plan import FilePlan
from schemas.findings import FILE, REASON, TableFindings
from schemas.raw_batches import ROW, RawBatch

FILE_COLUMN: Final = "file"
ROW_COLUMN: Final = "row"
REASON_COLUMN: Final = "reason"
TEXT_COLUMN: Final = "text"
_OWN: Final = (FILE_COLUMN, ROW_COLUMN, REASON_COLUMN, TEXT_COLUMN)
_SOURCE_PREFIX: Final = "source_"
_REASONS: Final = "__reasons"
_TEXT: Final = "__text"


def write_quarantine(
    plans: Sequence[FilePlan], findings: TableFindings, folder: Path
) -> Path | None:
    """Writes `<folder>/<table>.csv` with every rejected row.

    Columns: `file`, `row` (number of the data row, from 1), `reason` (all of them,
    separated by `; `), `text` (the whole line, only where its fields do not fit the
    header), then all columns of the files. A source column that has one of these
    names gets the prefix `source_`. The rows can hold personal data.

    Args:
      plans: of the files, in the order of `findings.files`.
      findings: of the table.
      folder: is made.

    Returns:
      The file; None where no row was rejected.

    Raises:
      DataError: a file cannot be read again.
    """
    rejected = _reasons_by_row(findings)
    if rejected.is_empty():
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{findings.table}.csv"
    columns = list(dict.fromkeys(name for plan in plans for name in plan.header))
    with path.open("wb") as out:
        _header_frame(columns).write_csv(out)
        for index, plan in enumerate(plans):
            wanted = rejected.filter(pl.col(FILE) == index).drop(FILE)
            if not wanted.is_empty():
                _write_file(plan, findings.files[index], wanted, columns, out)
    return path


def _reasons_by_row(findings: TableFindings) -> pl.DataFrame:
    """`FILE`, `ROW` and `_REASONS` (text), one line a row."""
    labels = pl.DataFrame(
        {
            REASON: pl.Series(range(len(findings.reasons)), dtype=pl.UInt32),
            _REASONS: pl.Series(findings.reasons, dtype=pl.String),
        }
    )
    labelled = findings.rejected().join(labels, on=REASON, how="left")
    return labelled.group_by(FILE, ROW).agg(pl.col(_REASONS).unique().sort().str.join("; "))


def _header_frame(columns: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys((*_OWN, *map(_own_name, columns)), pl.String))


def _own_name(column: str) -> str:
    return _SOURCE_PREFIX + column if column in _OWN else column


def _write_file(
    plan: FilePlan, label: str, wanted: pl.DataFrame, columns: Sequence[str], out: BinaryIO
) -> None:
    distinct = list(dict.fromkeys(plan.header))
    for raw in raw_batches.iter_raw_batches(plan.path, plan.entry, distinct, BATCH_ROWS):
        for part in (_whole_rows(raw, wanted), _malformed_rows(raw, wanted)):
            if not part.is_empty():
                _arranged(part, label, columns).write_csv(out, include_header=False)


def _whole_rows(raw: RawBatch, wanted: pl.DataFrame) -> pl.DataFrame:
    found = raw.frame.join(wanted, on=ROW, how="inner", maintain_order="left")
    return found.with_columns(pl.lit(None, pl.String).alias(_TEXT))


def _malformed_rows(raw: RawBatch, wanted: pl.DataFrame) -> pl.DataFrame:
    lines = pl.DataFrame(
        [(bad.row, bad.text) for bad in raw.malformed],
        schema={ROW: pl.Int64, _TEXT: pl.String},
        orient="row",
    )
    return lines.join(wanted, on=ROW, how="inner", maintain_order="left")


def _arranged(rows: pl.DataFrame, label: str, columns: Sequence[str]) -> pl.DataFrame:
    sources = [
        pl.col(name) if name in rows.columns else pl.lit(None, pl.String) for name in columns
    ]
    return rows.select(
        pl.lit(label).alias(FILE_COLUMN),
        pl.col(ROW).alias(ROW_COLUMN),
        pl.col(_REASONS).alias(REASON_COLUMN),
        pl.col(_TEXT).alias(TEXT_COLUMN),
        *(source.alias(_own_name(name)) for name, source in zip(columns, sources, strict=True)),
    )
