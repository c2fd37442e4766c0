"""Turns raw batches into canonical frames, and says which values could not be read."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from schemas import instants, names, raw_batches, rules
from schemas.config import GoalpathConfig, TableConfig
from schemas.contract import Column, ColumnType, contract_columns
from schemas.errors import DataError
from schemas.problems import Problem, make_problem
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
class FilePlan:
    """How to read one file of a table.

    Attributes:
      path: of the file.
      table: of `names.TABLES`.
      entry: of the table.
      columns: of the canonical frame.
      sources: contract name -> column in the file, for the columns it has.
    """

    path: Path
    table: str
    entry: TableConfig
    columns: tuple[Column, ...]
    sources: Mapping[str, str]


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


def plan_file(
    path: Path, table: str, entry: TableConfig, columns: tuple[Column, ...]
) -> tuple[FilePlan, tuple[Problem, ...]]:
    """Matches the header of a file with the columns of its table.

    Returns:
      The plan, and what is wrong with the header. The plan may be read by where no
      problem blocks.

    Raises:
      DataError: the file cannot be read.
    """
    header = raw_batches.read_header(path, entry)
    renamed = {target: source for source, target in entry.rename.items()}
    # Exports pad names with blanks; the contract does not.
    present = {name.strip(): name for name in reversed(header)}
    sources = {}
    for column in columns:
        source = renamed.get(column.name, column.name)
        taken_away = source in entry.rename and column.name not in renamed
        if source in present and not taken_away:
            sources[column.name] = present[source]
    plan = FilePlan(path, table, entry, columns, sources)
    return plan, _header_problems(plan, header)


def _header_problems(plan: FilePlan, header: Sequence[str]) -> tuple[Problem, ...]:
    stripped = [name.strip() for name in header]
    return (
        *_repeated_columns(plan, stripped),
        *_unknown_renames(plan, stripped),
        *_missing_columns(plan, stripped),
        *_unknown_formats(plan),
        *_replaced_columns(plan, stripped),
    )


def _repeated_columns(plan: FilePlan, header: Sequence[str]) -> list[Problem]:
    used = {name.strip() for name in plan.sources.values()}
    repeated = sorted(name for name in used if header.count(name) > 1)
    return [
        make_problem(
            rules.DUPLICATE_COLUMN,
            plan.table,
            name,
            detail=f"the file {plan.path.name} has this column {header.count(name)} times",
        )
        for name in repeated
    ]


def _unknown_renames(plan: FilePlan, header: Sequence[str]) -> list[Problem]:
    key = f"tables.{plan.table}.rename"
    return [
        make_problem(
            rules.UNKNOWN_CONFIGURED_COLUMN,
            plan.table,
            source,
            detail=key,
            remedy=f"correct {key}.{_near(source, header)} {_columns_of(plan, header)}",
        )
        for source in plan.entry.rename
        if source not in header
    ]


def _missing_columns(plan: FilePlan, header: Sequence[str]) -> list[Problem]:
    problems = []
    renamed = set(plan.entry.rename.values())
    for column in plan.columns:
        # A rename whose source is missing has its own message.
        if column.name in plan.sources or column.name in renamed:
            continue
        if column.required:
            problems.append(_missing_required(plan, column.name, header))
        elif column.feature or column.name in plan.entry.features:
            key = f"tables.{plan.table}.features"
            remedy = f"correct {key}.{_near(column.name, header)} {_columns_of(plan, header)}"
            problems.append(
                make_problem(
                    rules.UNKNOWN_CONFIGURED_COLUMN,
                    plan.table,
                    column.name,
                    detail=key,
                    remedy=remedy,
                )
            )
    return problems


def _missing_required(plan: FilePlan, column: str, header: Sequence[str]) -> Problem:
    hint = raw_batches.separator_hint(header, plan.entry)
    near = _nearest(column, header)
    example = near or "NAME_IN_FILE"
    remedy = hint or (
        f"add it to {plan.path.name}, or map another column to it in goalpath.yaml: "
        f"tables.{plan.table}.rename: {{{example}: {column}}}."
        f"{_near(column, header)} {_columns_of(plan, header)}"
    )
    return make_problem(rules.MISSING_COLUMN, plan.table, column, remedy=remedy)


def _unknown_formats(plan: FilePlan) -> list[Problem]:
    key = f"tables.{plan.table}.date_formats"
    dates = {column.name for column in plan.columns if column.type is ColumnType.INSTANT}
    return [
        make_problem(
            rules.UNKNOWN_CONFIGURED_COLUMN,
            plan.table,
            name,
            detail=key,
            remedy=f"remove it, or use the contract name of a date column: "
            f"{', '.join(sorted(dates)) or 'this table has none'}.",
        )
        for name in plan.entry.date_formats
        if name not in dates
    ]


def _replaced_columns(plan: FilePlan, header: Sequence[str]) -> list[Problem]:
    return [
        make_problem(rules.COLUMN_REPLACED, plan.table, target, detail=source)
        for source, target in plan.entry.rename.items()
        if source in header and target in header and target not in plan.entry.rename
    ]


def _nearest(name: str, header: Sequence[str]) -> str | None:
    plain = {_plain(candidate): candidate for candidate in header}
    near = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.6)
    return plain[near[0]] if near else None


def _near(name: str, header: Sequence[str]) -> str:
    nearest = _nearest(name, header)
    return f" Did you mean {nearest!r}?" if nearest else ""


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _columns_of(plan: FilePlan, header: Sequence[str]) -> str:
    return f"{plan.path.name} has: {', '.join(header)}."


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
    flaws = [_malformed_flaw(raw.malformed)] if raw.malformed else []
    present, blank = _split_blank(raw.frame, plan)
    if not blank.is_empty():
        flaws.append(Flaw(rules.BLANK_ROW, None, blank))
    columns = [present[ROW]]
    for column in plan.columns:
        values, found = _read_column(present, column, plan, config)
        columns.append(values.alias(column.name))
        flaws.extend(found)
    return CanonicalBatch(pl.DataFrame(columns), tuple(flaws))


def _malformed_flaw(malformed: Sequence[MalformedRow]) -> Flaw:
    rows = pl.DataFrame(
        {
            ROW: [bad.row for bad in malformed],
            VALUE: [f"{bad.fields} fields: {bad.text}" for bad in malformed],
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
    if dtype == pl.Categorical or dtype == pl.Enum or dtype == pl.Binary:
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
        return raw.cast(pl.Int64, strict=False).cast(pl.String)
    return raw.cast(pl.String, strict=False)


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
        words = raw.str.to_lowercase().replace_strict(
            _TRUTH, default=None, return_dtype=pl.Float64
        )
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


def check_columns_exist(table: str, entry: TableConfig) -> tuple[Problem, ...]:
    """What is wrong with the entry of a table before a file is looked at."""
    targets = list(entry.rename.values())
    known = {column.name for column in contract_columns(table)}
    return tuple(
        make_problem(
            rules.DUPLICATE_COLUMN,
            table,
            target,
            detail=f"tables.{table}.rename gives this name to {targets.count(target)} columns",
        )
        for target in sorted(set(targets))
        if targets.count(target) > 1 and (target in known or target in entry.features)
    )
