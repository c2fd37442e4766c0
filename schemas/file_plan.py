"""Matches the columns of a file with those of its table."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from schemas import contract, raw_batches, rules
from schemas.config import TableConfig
from schemas.contract import Column, ColumnType
from schemas.problems import Problem, make_problem


@dataclasses.dataclass(frozen=True)
class FilePlan:
    """How to read one file of a table.

    Attributes:
      path: of the file.
      table: of `names.TABLES`.
      entry: of the table.
      columns: of the canonical frame.
      sources: contract name -> column in the file, for the columns it has.
      header: all columns of the file.
    """

    path: Path
    table: str
    entry: TableConfig
    columns: tuple[Column, ...]
    sources: Mapping[str, str]
    header: tuple[str, ...]


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
    plan = FilePlan(path, table, entry, columns, sources, header)
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
        if column.required or column.expected:
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


def check_entry(table: str, entry: TableConfig) -> tuple[Problem, ...]:
    """What is wrong with the entry of a table, whatever its files hold."""
    return (*_repeated_targets(table, entry), *_conflicting_kinds(table, entry))


def _repeated_targets(table: str, entry: TableConfig) -> list[Problem]:
    targets = list(entry.rename.values())
    return [
        make_problem(
            rules.DUPLICATE_COLUMN,
            table,
            target,
            detail=f"tables.{table}.rename gives this name to {targets.count(target)} columns",
        )
        for target in sorted(set(targets))
        if targets.count(target) > 1
    ]


def _conflicting_kinds(table: str, entry: TableConfig) -> list[Problem]:
    problems = []
    for column in contract.contract_columns(table):
        kind = entry.features.get(column.name)
        if kind is not None and not contract.kind_fits(kind, column):
            detail = f"{kind.value}, while the contract has {column.type.value}"
            problems.append(make_problem(rules.CONFLICTING_KIND, table, column.name, detail=detail))
    return problems
