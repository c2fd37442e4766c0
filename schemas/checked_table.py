"""Reads one table for checking: its problems are gathered, its sound rows kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from schemas import contract, conversion, file_plan, rules, table_files
from schemas.config import GoalpathConfig
from schemas.conversion import VALUE, CanonicalBatch
from schemas.errors import DataError
from schemas.file_plan import FilePlan
from schemas.findings import FILE, TableFindings
from schemas.problems import Problem, make_problem
from schemas.raw_batches import ROW
from schemas.report import TableSummary
from schemas.rules import Rule

BATCH_ROWS: Final = 250_000


class CheckedTable:
    """The files of a table, opened for checking.

    Args:
      data_dir: the data folder.
      config: of the data set.
      table: of `names.TABLES`; must be configured.
      key: column whose values in rejected rows are to be kept in mind.

    Attributes:
      findings: what is wrong so far.
      rows: read so far, malformed ones among them, blank ones not.
    """

    def __init__(
        self, data_dir: Path, config: GoalpathConfig, table: str, key: str | None = None
    ) -> None:
        self.table = table
        self.columns = contract.table_columns(config, table)
        self.rows = 0
        self._key = key
        self._flawed_keys: list[pl.Series] = []
        self._config = config
        self._data_dir = data_dir
        self._files, problem = self._find_files()
        labels = tuple(_label(path, data_dir) for path in self._files)
        self.findings = TableFindings(table, labels)
        self.findings.add_problems(problem)
        self._plans = self._plan()

    @property
    def readable(self) -> bool:
        """Whether rows can be read; if not, the findings say why."""
        return not any(problem.blocks for problem in self.findings.problems_of_table)

    def plans(self) -> tuple[FilePlan, ...]:
        """One for each file that has a usable header."""
        return self._plans

    def batches(self) -> Iterator[pl.DataFrame]:
        """Canonical frames with `FILE` and `ROW` in front, without rows that have a flaw.

        Everything wrong goes to the findings; a file that cannot be read ends it.
        """
        if not self.readable:
            return
        for index, plan in enumerate(self._plans):
            try:
                for batch in conversion.iter_canonical(plan, self._config, BATCH_ROWS):
                    yield self._accept(batch, index)
            except DataError as error:
                self.findings.add_problems([self._unreadable(rules.UNREADABLE_TABLE, error)])
                return

    def read(self) -> pl.DataFrame:
        """All batches in one frame."""
        empty = conversion.empty_frame(self.columns).select(
            pl.lit(0, pl.UInt32).alias(FILE), pl.lit(0, pl.Int64).alias(ROW), pl.all()
        )
        return pl.concat([empty.clear(), *self.batches()])

    def flawed_keys(self) -> pl.Series:
        """String, the values of `key` in the rows that `batches` left out for a flaw."""
        return pl.concat([pl.Series(dtype=pl.String), *self._flawed_keys])

    def summary(self) -> TableSummary:
        """What was read and what was not."""
        used = {name for plan in self._plans for name in plan.sources}
        sources = {source for plan in self._plans for source in plan.sources.values()}
        headers = {name: None for plan in self._plans for name in plan.header}
        return TableSummary(
            table=self.table,
            files=self.findings.files,
            rows=self.rows,
            set_aside=self.findings.rejected_count(),
            columns=tuple(column.name for column in self.columns if column.name in used),
            ignored=tuple(name.strip() for name in headers if name not in sources),
        )

    def _find_files(self) -> tuple[tuple[Path, ...], list[Problem]]:
        entry = contract.table_config(self._config, self.table)
        assert entry is not None, self.table
        problems = [*file_plan.check_entry(self.table, entry)]
        try:
            return table_files.list_files(self._data_dir, self.table, entry), problems
        except DataError as error:
            return (), [*problems, self._unreadable(rules.MISSING_TABLE, error)]

    def _plan(self) -> tuple[FilePlan, ...]:
        entry = contract.table_config(self._config, self.table)
        assert entry is not None, self.table
        plans = []
        for path in self._files:
            try:
                plan, problems = file_plan.plan_file(path, self.table, entry, self.columns)
            except DataError as error:
                problems = (self._unreadable(rules.UNREADABLE_TABLE, error),)
            else:
                plans.append(plan)
            self.findings.add_problems(problems)
        return tuple(plans)

    def _unreadable(self, rule: Rule, error: DataError) -> Problem:
        place = error.where.removeprefix(str(self._data_dir)).lstrip("/")
        detail = f"{error.rule.rstrip('.')} ({place + ': ' if place else ''}{error.received})"
        return make_problem(rule, self.table, detail=detail, remedy=error.remedy)

    def _accept(self, batch: CanonicalBatch, file: int) -> pl.DataFrame:
        index = pl.lit(file, pl.UInt32).alias(FILE)
        rejected = []
        self.rows += batch.frame.height
        for flaw in batch.flaws:
            self.findings.add(flaw.rule, flaw.column, flaw.rows.select(index, pl.all()))
            if flaw.rule is rules.FIELD_COUNT:
                self.rows += flaw.rows.height
            elif flaw.rule.sets_aside:
                rejected.append(flaw.rows[ROW])
        frame = batch.frame.select(index, pl.all())
        if not rejected:
            return frame
        flawed = pl.col(ROW).is_in(pl.concat(rejected).implode())
        if self._key is not None:
            self._flawed_keys.append(frame.filter(flawed)[self._key])
        return frame.filter(~flawed)


def screen(
    frame: pl.DataFrame,
    findings: TableFindings,
    rule: Rule,
    column: str,
    broken: pl.Expr,
    *,
    hint: str = "",
) -> pl.DataFrame:
    """Takes the rows out that break a rule.

    Args:
      frame: canonical, with `FILE` and `ROW`.
      findings: takes the rows.
      rule: the rule.
      column: whose values messages show.
      broken: Boolean; null counts as false.
      hint: for the remedy.

    Returns:
      The other rows.
    """
    broken = broken.fill_null(False)
    bad = frame.filter(broken)
    if bad.is_empty():
        return frame
    findings.add(rule, column, bad.select(FILE, ROW, _shown(bad, column)), hint)
    return frame.filter(~broken)


def _shown(frame: pl.DataFrame, column: str) -> pl.Expr:
    values = pl.col(column)
    if frame.schema[column] == pl.Int64:  # an instant
        values = values.cast(pl.Datetime("us")).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return values.cast(pl.String).alias(VALUE)


def _label(path: Path, data_dir: Path) -> str:
    try:
        return path.relative_to(data_dir).as_posix()
    except ValueError:
        return path.as_posix()
