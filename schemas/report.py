"""The outcome of checking a data folder, for people and machines."""

from __future__ import annotations

import pydantic

from schemas.problems import Problem
from schemas.rules import Severity


class _Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)


class TableSummary(_Model):
    """One table.

    Attributes:
      table: of `names.TABLES`.
      files: paths relative to the data folder.
      rows: read, those set aside among them; blank ones are not counted.
      set_aside: rows rejected.
      columns: contract names of the columns that are used.
      ignored: columns of the files that are not read.
    """

    table: str
    files: tuple[str, ...]
    rows: int
    set_aside: int
    columns: tuple[str, ...]
    ignored: tuple[str, ...]


class CheckReport(_Model):
    """What a check found.

    Attributes:
      data_dir: the folder, as it was given.
      name: of the data set.
      checked_at: ISO 8601, the clock the check was given.
      tables: those that could be read.
      problems: errors first, in the order of the tables.
      first_event: ISO 8601 in UTC, of the accepted events; None without one.
      last_event: likewise.
      max_bad_rows: how many rows may be set aside.
      quarantine: folder with the rejected rows; None where none was written.
    """

    data_dir: str
    name: str
    checked_at: str
    tables: tuple[TableSummary, ...]
    problems: tuple[Problem, ...]
    first_event: str | None
    last_event: str | None
    max_bad_rows: int
    quarantine: str | None = None

    @property
    def rows_set_aside(self) -> int:
        """Rejected rows of all tables, those that follow from others among them."""
        return sum(table.set_aside for table in self.tables)

    @property
    def blocked(self) -> bool:
        """Whether something is wrong that setting rows aside does not mend."""
        return any(problem.blocks for problem in self.problems)

    @property
    def ok(self) -> bool:
        """Whether a run may go on with what was accepted."""
        return not self.blocked and self.rows_set_aside <= self.max_bad_rows

    def of_severity(self, severity: Severity) -> tuple[Problem, ...]:
        """The problems of one severity."""
        return tuple(problem for problem in self.problems if problem.severity is severity)

    def to_json(self) -> str:
        """The report as JSON, with `ok` and `rows_set_aside`."""
        values = self.model_dump(mode="json")
        head = {"ok": self.ok, "rows_set_aside": self.rows_set_aside}
        return pydantic.TypeAdapter(dict).dump_json({**head, **values}, indent=2).decode()

    @classmethod
    def from_json(cls, text: str) -> CheckReport:
        """Reads what `to_json` wrote.

        Raises:
          pydantic.ValidationError: the text is no report.
        """
        return cls.model_validate_json(text)
