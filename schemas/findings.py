"""Gathers what is wrong with the rows of one table while it is read."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Final

import polars as pl

from schemas import advice
from schemas.config import GoalpathConfig
from schemas.conversion import VALUE
from schemas.problems import Problem, RowRef, make_problem
from schemas.raw_batches import ROW
from schemas.rules import Rule, Severity

FILE: Final = "__file"  # uint32, index of the file among those of the table
REASON: Final = "__reason"  # uint32, index into `TableFindings.reasons`
# Advice looks at more values than a message shows.
_KEPT: Final = 20
_SEVERITIES: Final = tuple(Severity)


@dataclasses.dataclass
class _Group:
    rule: Rule
    column: str | None
    count: int = 0
    first: list[tuple[int, int, str | None]] = dataclasses.field(default_factory=list)
    hint: str = ""

    def add(self, rows: pl.DataFrame) -> None:
        self.count += rows.height
        lowest = rows.select(FILE, ROW, VALUE).sort(FILE, ROW).head(_KEPT).rows()
        self.first = sorted([*self.first, *lowest], key=lambda row: row[:2])[:_KEPT]

    def samples(self) -> tuple[str, ...]:
        """The distinct values of the first rows."""
        return tuple(dict.fromkeys(value for _, _, value in self.first if value is not None))


class TableFindings:
    """The broken rules of one table, and the rows that are set aside for them.

    Args:
      table: of `names.TABLES`.
      files: its files as messages name them; `FILE` is an index into them.
    """

    def __init__(self, table: str, files: tuple[str, ...]) -> None:
        self.table = table
        self.files = files
        self.problems_of_table: list[Problem] = []
        self.reasons: list[str] = []
        self._groups: dict[tuple[Rule, str | None], _Group] = {}
        self._rejected: list[pl.DataFrame] = []

    def add(self, rule: Rule, column: str | None, rows: pl.DataFrame, hint: str = "") -> None:
        """Adds rows that break `rule`.

        Args:
          rule: the rule.
          column: contract name, or None.
          rows: `FILE`, `ROW` and `VALUE` (string).
          hint: what the remedy should say beside its text.
        """
        if rows.is_empty():
            return
        group = self._groups.setdefault((rule, column), _Group(rule, column))
        group.hint = group.hint or hint
        group.add(rows)
        if rule.sets_aside:
            reason = len(self.reasons)
            label = f"{column}: {rule.name}" if column else rule.name
            if label in self.reasons:
                reason = self.reasons.index(label)
            else:
                self.reasons.append(label)
            marked = rows.select(FILE, ROW, pl.lit(reason, pl.UInt32).alias(REASON))
            self._rejected.append(marked)

    def add_problems(self, problems: Iterable[Problem]) -> None:
        """Adds problems of the table; the same one from several files is one."""
        for problem in problems:
            if problem not in self.problems_of_table:
                self.problems_of_table.append(problem)

    def rejected(self) -> pl.DataFrame:
        """`FILE`, `ROW` and `REASON` of what is set aside; a row may have several reasons."""
        empty = pl.DataFrame(schema={FILE: pl.UInt32, ROW: pl.Int64, REASON: pl.UInt32})
        return pl.concat([empty, *self._rejected])

    def rejected_count(self) -> int:
        """How many rows are set aside."""
        return self.rejected().select(FILE, ROW).n_unique() if self._rejected else 0

    def problems(self, config: GoalpathConfig, now: dt.datetime) -> tuple[Problem, ...]:
        """Everything found, errors first."""
        found = [self._describe(group, config, now) for group in self._groups.values()]
        found.extend(self.problems_of_table)
        return tuple(sorted(found, key=lambda problem: _SEVERITIES.index(problem.severity)))

    def _describe(self, group: _Group, config: GoalpathConfig, now: dt.datetime) -> Problem:
        samples = group.samples()
        detail = group.hint or advice.detail_of(
            group.rule, self.table, group.column, samples, config=config, now=now
        )
        return make_problem(
            group.rule,
            self.table,
            group.column,
            detail=detail,
            count=group.count,
            rows=tuple(RowRef(file=self.files[file], row=row) for file, row, _ in group.first),
            samples=samples,
        )
