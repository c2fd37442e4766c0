"""What a check found: one `Problem` for each rule, table and column."""

from __future__ import annotations

from typing import Final

import pydantic

from schemas.errors import DataError
from schemas.rules import Rule, Severity

MAX_ROWS: Final = 5
MAX_SAMPLES: Final = 5
_SAMPLE_LENGTH: Final = 60


class _Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)


class RowRef(_Model):
    """A row of a file.

    Attributes:
      file: its path relative to the data folder.
      row: number of the data row, from 1; the header is not counted.
    """

    file: str
    row: int


class Problem(_Model):
    """A rule that a table breaks.

    Attributes:
      table: of `names.TABLES`.
      rule: its name.
      severity: what it means.
      column: contract name, or the name in the file where it has none; None where
        the rule is about rows or the table.
      message: what is wrong.
      remedy: what to do.
      count: rows that break it; 0 where the rule is about the table.
      rows: the first of them, at most `MAX_ROWS`.
      samples: distinct values found, at most `MAX_SAMPLES`.
      sets_aside: the rows are rejected; `max_bad_rows` decides.
    """

    table: str
    rule: str
    severity: Severity
    column: str | None
    message: str
    remedy: str
    count: int = 0
    rows: tuple[RowRef, ...] = ()
    samples: tuple[str, ...] = ()
    sets_aside: bool = False

    @property
    def blocks(self) -> bool:
        """Whether the data cannot be used, however many rows may be set aside."""
        return self.severity is Severity.ERROR and not self.sets_aside

    def where(self) -> str:
        """Table, column, file and rows, for a message."""
        parts = [f"table {self.table}"]
        if self.rows:
            parts = [f"{self.table} ({self.rows[0].file})"]
        if self.column is not None:
            parts.append(f"column {self.column}")
        if self.rows:
            parts.append(describe_rows(self))
        return ", ".join(parts)

    def to_error(self) -> DataError:
        """The problem as an exception."""
        return DataError(
            f"{self.message}.",
            where=self.where(),
            received=", ".join(repr(sample) for sample in self.samples),
            remedy=self.remedy,
        )


def describe_rows(problem: Problem) -> str:
    """Names the first rows, and says how many more there are.

    The file is named with the rows where there is more than one.
    """
    files = {ref.file for ref in problem.rows}
    labels = [str(ref.row) if len(files) == 1 else f"{ref.file}:{ref.row}" for ref in problem.rows]
    more = problem.count - len(problem.rows)
    noun = "row" if problem.count == 1 else "rows"
    tail = f" and {more:,} more" if more > 0 else ""
    return f"{noun} {', '.join(labels)}{tail}"


def _shortened(sample: str) -> str:
    return sample if len(sample) <= _SAMPLE_LENGTH else sample[: _SAMPLE_LENGTH - 3] + "..."


def make_problem(
    rule: Rule,
    table: str,
    column: str | None = None,
    *,
    detail: str = "",
    remedy: str = "",
    count: int = 0,
    rows: tuple[RowRef, ...] = (),
    samples: tuple[str, ...] = (),
) -> Problem:
    """Fills in the texts of `rule`."""
    values = {"table": table, "column": column or "", "detail": detail, "remedy": remedy}
    return Problem(
        table=table,
        rule=rule.name,
        severity=rule.severity,
        column=column,
        message=rule.text.format(**values),
        remedy=rule.remedy.format(**values),
        count=count,
        rows=rows[:MAX_ROWS],
        samples=tuple(_shortened(sample) for sample in samples[:MAX_SAMPLES]),
        sets_aside=rule.sets_aside,
    )
