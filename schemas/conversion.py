"""Turns raw batches into canonical frames, and says which values could not be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import polars as pl

from schemas import instants, names, raw_batches, rules
from schemas.config import GoalpathConfig
from schemas.contract import Column, ColumnType
from schemas.errors import DataError
from schemas.file_plan import FilePlan
from schemas.raw_batches import ROW, MalformedRow, RawBatch
from schemas.rules import Rule

VALUE: Final = "__value"  # string, what stands in the file
CANONICAL_TYPES: Final[Mapping[ColumnType, pl.DataType]] = {
    ColumnType.ID: pl.String(),
    ColumnType.TEXT: pl.String(),
    ColumnType.STAGE: pl.String(),
    ColumnType.NUMBER: pl.Float64(),
    ColumnType.INSTANT: pl.Int64(),
}
_TRUTH: Final = {"true": 1.0, "false": 0.0}


@dataclasses.dataclass(frozen=True)
class Flaw:
    """Values of one column that break one rule.

    Attributes:
      rule: the rule.
      column: contract name; None where the rule is about the row.
      rows: `ROW` (int64) and `VALUE` (string).
    """

    rule: Rule
    column: str | None
    rows: pl.DataFrame


@dataclasses.dataclass(frozen=True)
class CanonicalBatch:
    """Some rows of a file in canonical form.

    Attributes:
      frame: `ROW`, then the canonical columns. A value that could not be read is null.
      flaws: what is wrong with single values. One row may have several.
    """

    frame: pl.DataFrame
    flaws: tuple[Flaw, ...]


def empty_frame(columns: Sequence[Column]) -> pl.DataFrame:
    """A canonical frame without rows."""
    return pl.DataFrame(schema={column.name: CANONICAL_TYPES[column.type] for column in columns})


def iter_canonical(
    plan: FilePlan, config: GoalpathConfig, batch_rows: int
) -> Iterator[CanonicalBatch]:
    """Reads a file by its plan.

    Raises:
      DataError: the file cannot be read.
    """
    wanted = list(dict.fromkeys(plan.sources.values()))
    for raw in raw_batches.iter_raw_batches(plan.path, plan.entry, wanted, batch_rows):
        yield convert_batch(raw, plan, config)


def convert_batch(raw: RawBatch, plan: FilePlan, config: GoalpathConfig) -> CanonicalBatch:
    """Renames, reads and checks the columns of one batch.

    Raises:
      DataError: a column holds lists or structures.
    """
    flaws = [_malformed_flaw(raw.malformed, plan)] if raw.malformed else []
    present, blank = _split_blank(raw.frame, plan)
    if not blank.is_empty():
        flaws.append(Flaw(rules.BLANK_ROW, None, blank))
    columns = [present[ROW]]
    for column in plan.columns:
        values, found = _read_column(present, column, plan, config)
        columns.append(values.alias(column.name))
        flaws.extend(found)
    return CanonicalBatch(pl.DataFrame(columns), tuple(flaws))


def _malformed_flaw(malformed: Sequence[MalformedRow], plan: FilePlan) -> Flaw:
    expected = len(plan.header)
    rows = pl.DataFrame(
        {
            ROW: [bad.row for bad in malformed],
            VALUE: [f"{bad.fields} fields, not {expected}" for bad in malformed],
        },
        schema={ROW: pl.Int64(), VALUE: pl.String()},
    )
    return Flaw(rules.FIELD_COUNT, None, rows)


def _split_blank(frame: pl.DataFrame, plan: FilePlan) -> tuple[pl.DataFrame, pl.DataFrame]:
    texts = [name for name in frame.columns if frame.schema[name] == pl.String]
    if len(texts) + 1 < frame.width or not texts:
        return frame, frame.head(0).select(ROW, pl.lit(None, pl.String).alias(VALUE))
    blank = pl.all_horizontal((pl.col(name).fill_null("") == "") for name in texts)
    rows = frame.filter(blank).select(ROW, pl.lit("").alias(VALUE))
    return (frame.filter(~blank), rows) if not rows.is_empty() else (frame, rows)


def _read_column(
    frame: pl.DataFrame, column: Column, plan: FilePlan, config: GoalpathConfig
) -> tuple[pl.Series, list[Flaw]]:
    source = plan.sources.get(column.name)
    dtype = CANONICAL_TYPES[column.type]
    if source is None:
        return pl.Series([None] * frame.height, dtype=dtype), []
    raw = _plain_series(frame[source], plan)
    broken: list[tuple[Rule, pl.Series]] = []
    if column.type is ColumnType.INSTANT:
        values, broken = _read_instants(raw, column.name, plan, config)
    elif column.type is ColumnType.NUMBER:
        values, broken = _read_numbers(raw)
    elif column.type is ColumnType.STAGE:
        values, broken = _read_stages(_as_text(raw), config)
    else:
        values = _as_text(raw)
    if column.required:
        broken.append((rules.MISSING_VALUE, raw.is_null()))
    rows = frame[ROW]
    return values, [
        Flaw(rule, column.name, _rows_of(rows, raw, mask)) for rule, mask in broken if mask.any()
    ]


def _rows_of(rows: pl.Series, raw: pl.Series, mask: pl.Series) -> pl.DataFrame:
    values = raw.filter(mask).cast(pl.String, strict=False)
    return pl.DataFrame({ROW: rows.filter(mask), VALUE: values})


def _plain_series(raw: pl.Series, plan: FilePlan) -> pl.Series:
    """Text stripped, and null where it means "missing"; NaN null; other types as they are."""
    dtype = raw.dtype
    if dtype.is_nested() or dtype == pl.Object:
        raise DataError(
            "a column must hold single values.",
            where=f"{plan.table} ({plan.path.name}), column {raw.name}",
            received=str(dtype),
            remedy="export one value a row, as text, number or date.",
        )
    if dtype.is_float():
        return raw.fill_nan(None)
    if dtype in (pl.Categorical, pl.Enum, pl.Binary):
        raw = raw.cast(pl.String, strict=False)
    if raw.dtype != pl.String:
        return raw
    text = raw.str.strip_chars()
    missing = text.is_in(["", *plan.entry.null_values])
    if not missing.any():
        return text
    return text.to_frame("t").select(pl.when(~missing).then(pl.col("t"))).to_series()


def _as_text(raw: pl.Series) -> pl.Series:
    """Ids and texts; a whole float such as 12.0 (an integer column with gaps) becomes "12"."""
    if raw.dtype.is_float() and (raw.drop_nulls() % 1 == 0).all():
        raw = raw.cast(pl.Int64, strict=False)
    text: pl.Series = raw.cast(pl.String, strict=False)
    return text


def _read_instants(
    raw: pl.Series, name: str, plan: FilePlan, config: GoalpathConfig
) -> tuple[pl.Series, list[tuple[Rule, pl.Series]]]:
    date_format = plan.entry.date_formats.get(name, plan.entry.date_format)
    read = instants.read_instants(raw, date_format, config.timezone)
    broken = [
        (rules.BAD_DATE, read.bad),
        (rules.TIME_IN_GAP, read.gap),
        (rules.AMBIGUOUS_TIME, read.ambiguous),
    ]
    return read.values, broken


def _read_numbers(raw: pl.Series) -> tuple[pl.Series, list[tuple[Rule, pl.Series]]]:
    if raw.dtype.is_temporal():
        return pl.Series([None] * raw.len(), dtype=pl.Float64), [
            (rules.BAD_NUMBER, raw.is_not_null())
        ]
    values = raw.cast(pl.Float64, strict=False)
    if raw.dtype == pl.String and values.null_count() > raw.null_count():
        words = raw.str.to_lowercase().replace_strict(_TRUTH, default=None, return_dtype=pl.Float64)
        values = values.fill_null(words)
    # "nan" is how some tools write a missing number.
    present = raw.is_not_null() & ~values.is_nan().fill_null(False)
    finite = values.is_finite().fill_null(False)
    kept = values.to_frame("v").select(pl.when(finite).then("v")).to_series()
    return kept, [(rules.BAD_NUMBER, present & ~finite)]


def _read_stages(
    text: pl.Series, config: GoalpathConfig
) -> tuple[pl.Series, list[tuple[Rule, pl.Series]]]:
    known = [*config.stages, names.LOST]
    stages = text.replace(dict(config.stage_aliases)) if config.stage_aliases else text
    bad = stages.is_not_null() & ~stages.is_in(known)
    kept = stages.to_frame("s").select(pl.when(~bad).then("s")).to_series()
    return kept, [(rules.UNKNOWN_STAGE, bad)]
