"""Checks a whole data folder."""

from __future__ import annotations

import dataclasses
import datetime as dt
import tempfile
from pathlib import Path

import polars as pl

from schemas import contract, instants, names, reference_checks, rules
from schemas.advice import describe_instant
from schemas.checked_table import CheckedTable
from schemas.config import GoalpathConfig
from schemas.cross_checks import Accepted, check_across
from schemas.errors import DataError
from schemas.event_checks import EventSink, EventStatistics, check_events, event_rules
from schemas.findings import FILE
from schemas.problems import Problem, make_problem
from schemas.quarantine import write_quarantine
from schemas.raw_batches import ROW
from schemas.reference_checks import Ids
from schemas.report import CheckReport

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


@dataclasses.dataclass(frozen=True)
class CheckedData:
    """What a check leaves.

    Attributes:
      report: what was found.
      students: accepted rows, canonical, in the order of the files; None where the
        table could not be read.
      engagements: likewise.
      stage_changes: likewise; None also where the table is not configured.
      cohorts: likewise.
    """

    report: CheckReport
    students: pl.DataFrame | None
    engagements: pl.DataFrame | None
    stage_changes: pl.DataFrame | None
    cohorts: pl.DataFrame | None


def check_data(
    data_dir: str | Path,
    config: GoalpathConfig,
    *,
    now: dt.datetime,
    quarantine_dir: str | Path | None = None,
    max_bad_rows: int = 0,
) -> CheckReport:
    """Checks every table of a data folder.

    Args:
      data_dir: the data folder.
      config: of the data set.
      now: aware; events and stage changes at or after it are rejected.
      quarantine_dir: where to write the rejected rows, one CSV file a table; made
        only where there are any. None: nowhere.
      max_bad_rows: how many rows may be set aside.

    Returns:
      The report. `report.ok` says whether a run may go on.

    Raises:
      DataError: there is no such folder.
      ConfigError: the time zone is unknown.
    """
    return check_and_collect(
        data_dir, config, now=now, quarantine_dir=quarantine_dir, max_bad_rows=max_bad_rows
    ).report


def check_and_collect(
    data_dir: str | Path,
    config: GoalpathConfig,
    *,
    now: dt.datetime,
    quarantine_dir: str | Path | None = None,
    max_bad_rows: int = 0,
    scratch_dir: str | Path | None = None,
    sink: EventSink | None = None,
) -> CheckedData:
    """`check_data` that also hands over the accepted rows.

    Args:
      data_dir: as in `check_data`.
      config: as in `check_data`.
      now: as in `check_data`.
      quarantine_dir: as in `check_data`.
      max_bad_rows: as in `check_data`.
      scratch_dir: folder for temporary files as large as the events; None: the
        system's.
      sink: as in `check_events`.

    Raises:
      DataError: as `check_data`.
      ConfigError: as `check_data`.
    """
    check = _Check(Path(data_dir), config, now)
    with tempfile.TemporaryDirectory(prefix="goalpath-", dir=scratch_dir) as scratch:
        check.run(Path(scratch), sink)
    quarantine = None if quarantine_dir is None else Path(quarantine_dir)
    written = check.write_quarantine(quarantine)
    report = check.report(max_bad_rows, str(quarantine) if written else None)
    return CheckedData(
        report=report,
        students=check.frames.get(names.STUDENTS),
        engagements=check.frames.get(names.ENGAGEMENTS),
        stage_changes=check.frames.get(names.STAGE_CHANGES),
        cohorts=check.frames.get(names.COHORTS),
    )


def to_micros(moment: dt.datetime) -> int:
    """An aware datetime as microseconds since the epoch."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


class _Check:
    """One check: tables are opened at once, and read in the order of their references."""

    def __init__(self, data_dir: Path, config: GoalpathConfig, now: dt.datetime) -> None:
        if not data_dir.is_dir():
            raise DataError(
                "the data folder must exist.",
                where=str(data_dir),
                received="no such folder" if not data_dir.exists() else "not a folder",
                remedy="check the path after --data.",
            )
        instants.check_timezone(config.timezone)
        self._data_dir = data_dir
        self._config = config
        self._now = now
        self._tables = {
            table: CheckedTable(data_dir, config, table, _IDS.get(table))
            for table in contract.configured_tables(config)
        }
        self._ids: dict[str, Ids] = {}
        self._events = EventStatistics()
        self.frames: dict[str, pl.DataFrame] = {}

    def run(self, scratch: Path, sink: EventSink | None) -> None:
        """Reads and checks all tables."""
        now_us = to_micros(self._now)
        if names.COHORTS in self._tables:
            self._read(names.COHORTS)
        self._read(names.STUDENTS)
        self._read(names.ENGAGEMENTS)
        if names.STAGE_CHANGES in self._tables:
            self._read(names.STAGE_CHANGES)
        events = self._tables[names.EVENTS]
        students, engagements = (
            self._ids.get(table) for table in (names.STUDENTS, names.ENGAGEMENTS)
        )
        checks = event_rules(self._config, students, engagements, now_us)
        self._events = check_events(events, checks, scratch, sink)
        for table in self._tables.values():
            self._refuse_empty(table)

    def write_quarantine(self, folder: Path | None) -> bool:
        """Writes the rejected rows; says whether there were any."""
        if folder is None:
            return False
        written = [
            write_quarantine(table.plans(), table.findings, folder)
            for table in self._tables.values()
        ]
        return any(path is not None for path in written)

    def report(self, max_bad_rows: int, quarantine: str | None) -> CheckReport:
        """The report, after `run`."""
        first, last = self._events.first_us, self._events.last_us
        return CheckReport(
            data_dir=str(self._data_dir),
            name=self._config.name,
            checked_at=self._now.isoformat(timespec="seconds"),
            tables=tuple(table.summary() for table in self._tables.values()),
            problems=self._problems(),
            first_event=None if first is None else describe_instant(first),
            last_event=None if last is None else describe_instant(last),
            max_bad_rows=max_bad_rows,
            quarantine=quarantine,
        )

    def _problems(self) -> tuple[Problem, ...]:
        found = [
            problem
            for table in self._tables.values()
            for problem in table.findings.problems(self._config, self._now)
        ]
        found.extend(check_across(self._data_dir, self._config, self._accepted()))
        severities = list(rules.Severity)
        return tuple(sorted(found, key=lambda problem: severities.index(problem.severity)))

    def _accepted(self) -> Accepted:
        events = self._tables[names.EVENTS]
        return Accepted(
            students=self.frames.get(names.STUDENTS),
            engagements=self.frames.get(names.ENGAGEMENTS),
            stage_changes=self.frames.get(names.STAGE_CHANGES),
            events=self._events if events.readable else None,
        )

    def _refuse_empty(self, table: CheckedTable) -> None:
        if not table.readable:
            return
        left = self._events.rows
        if table.table != names.EVENTS:
            left = self.frames[table.table].height
        if left:
            return
        if table.rows:
            rule = rules.NOTHING_LEFT
        elif table.table == names.STAGE_CHANGES:
            rule = rules.EMPTY_OPTIONAL_TABLE
        else:
            rule = rules.EMPTY_TABLE
        table.findings.add_problems([make_problem(rule, table.table)])

    def _read(self, name: str) -> None:
        table = self._tables[name]
        frame = table.read()
        if not table.readable:
            return
        accepted = self._accept(table, frame)
        self.frames[name] = accepted.drop(FILE, ROW)
        if name in _IDS:
            everything = pl.concat([frame[_IDS[name]], table.flawed_keys()])
            self._ids[name] = reference_checks.split_ids(_IDS[name], everything, accepted)

    def _accept(self, table: CheckedTable, frame: pl.DataFrame) -> pl.DataFrame:
        if table.table == names.COHORTS:
            return reference_checks.accept_cohorts(table, frame)
        if table.table == names.STUDENTS:
            return reference_checks.accept_students(table, frame, self._ids.get(names.COHORTS))
        if table.table == names.ENGAGEMENTS:
            return reference_checks.accept_engagements(table, frame)
        return reference_checks.accept_stage_changes(
            table.findings, frame, self._ids.get(names.STUDENTS), to_micros(self._now)
        )


_IDS = {
    names.COHORTS: names.COHORT,
    names.STUDENTS: names.STUDENT_ID,
    names.ENGAGEMENTS: names.ENGAGEMENT_ID,
}
