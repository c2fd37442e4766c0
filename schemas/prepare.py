"""Checks a data folder and writes its accepted rows as canonical Parquet."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import shutil
import tempfile
from pathlib import Path
from typing import Final

import polars as pl
import pydantic

from schemas import names, rules, table_files, tables
from schemas.checks import CheckedData, check_and_collect
from schemas.code_identity import code_identity
from schemas.config import GoalpathConfig
from schemas.errors import DataError
from schemas.fingerprint import fingerprint_data
from schemas.problems import Problem
from schemas.report import CheckReport
from schemas.rules import Severity

REPORT_FILE: Final = "report.json"
QUARANTINE_FOLDER: Final = "quarantine"
# What decides what is written: a folder that other code wrote is not taken for new.
_WRITING_PACKAGES: Final = ("schemas",)
_WRITING_LIBRARIES: Final = ("polars", "pyarrow")
_CODE_KEY: Final = "code"
_FINGERPRINT_KEY: Final = "fingerprint"


@dataclasses.dataclass(frozen=True)
class PreparedData:
    """What `prepare_data` leaves.

    Attributes:
      folder: give it as `data_dir` to every function of `schemas.tables`. It holds
        `students.parquet`, `engagements.parquet`, `events/part-*.parquet`,
        `stage_changes.parquet`, `cohorts.parquet` (the last two where configured),
        `report.json` and, where rows were set aside, `quarantine/<table>.csv`.
        Every part of the events holds all events of its students, sorted by
        `student_id`, `timestamp` and place in the files; the number of parts follows
        from the size.
      fingerprint: of the input files and of the keys of the configuration that
        matter to reading them.
      report: of the check.
      reused: the folder was there already with the same fingerprint.
    """

    folder: Path
    fingerprint: str
    report: CheckReport
    reused: bool


def prepare_data(
    data_dir: str | Path,
    config: GoalpathConfig,
    out_dir: str | Path,
    *,
    now: dt.datetime,
    max_bad_rows: int = 0,
) -> PreparedData:
    """Validates a data folder and writes what passed into `out_dir`.

    The work is skipped where `out_dir` was made from the same files, the same
    configuration and by the same code, and `now` cannot make a difference. Only one
    process at a time may prepare into `out_dir`: what a killed one left beside it goes.

    Args:
      data_dir: folder of an institution.
      config: of the data set.
      out_dir: is made; an earlier preparation in it is replaced at the end, at once.
      now: aware; events at or after it are rejected.
      max_bad_rows: how many rows may be set aside before the data are refused.

    Raises:
      DataError: the data are refused, there is no such folder, or `out_dir` holds
        something else. In the first case `out_dir` holds `report.json` and
        `quarantine/` alone.
      ConfigError: the time zone is unknown.
    """
    out = Path(out_dir)
    fingerprint = _fingerprint_or_empty(data_dir, config)
    earlier = _reusable(out, fingerprint, max_bad_rows)
    if earlier is not None:
        return PreparedData(out, fingerprint, earlier, reused=True)
    _refuse_foreign(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(out)
    temporary = Path(tempfile.mkdtemp(prefix=_temporary_prefix(out), dir=out.parent))
    work = temporary / out.name  # with the usual permissions, which mkdtemp does not give
    work.mkdir()
    try:
        report = _prepare_into(work, data_dir, config, now, max_bad_rows)
        if report.ok:
            _mark(work, fingerprint)
        final = report.model_copy(update={"quarantine": _moved(report, out)})
        (work / REPORT_FILE).write_text(final.to_json(), encoding="utf-8")
        _replace(out, work)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    if not final.ok:
        raise refusal(final, out / REPORT_FILE)
    return PreparedData(out, fingerprint, final, reused=False)


def refusal(report: CheckReport, where: Path) -> DataError:
    """The error for data that must not be used: the first problems, and where the rest is."""
    errors = report.of_severity(Severity.ERROR)
    first = "; ".join(_in_short(problem) for problem in errors[:3])
    more = f"; and {len(errors) - 3} more problems" if len(errors) > 3 else ""
    remedy = f"run goalpath validate --data {report.data_dir}, which says how to mend each."
    if not report.blocked:
        remedy += f" --max-bad-rows {report.rows_set_aside} would go on without these rows."
    rule = "the data must pass the checks"
    if not report.blocked:
        aside = report.rows_set_aside
        rows = "1 row" if aside == 1 else f"{aside:,} rows"
        rule += f": {rows} would be set aside, and {report.max_bad_rows:,} may be"
    return DataError(
        f"{rule}.",
        where=report.data_dir,
        received=f"{first}{more} (all of it: {where})",
        remedy=remedy,
    )


def _in_short(problem: Problem) -> str:
    found = f", found {problem.samples[0]!r}" if problem.samples else ""
    return f"{problem.where()}: {problem.message}{found}"


def _fingerprint_or_empty(data_dir: str | Path, config: GoalpathConfig) -> str:
    """The fingerprint; "" where a table is missing, which the check then explains."""
    try:
        return fingerprint_data(data_dir, config)
    except DataError:
        if not Path(data_dir).is_dir():
            raise
        return ""


def _reusable(out: Path, fingerprint: str, max_bad_rows: int) -> CheckReport | None:
    try:
        marker = json.loads((out / table_files.PREPARED_FILE).read_text(encoding="utf-8"))
        report = CheckReport.from_json((out / REPORT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, pydantic.ValidationError):
        return None
    if marker != _marker(fingerprint):
        return None
    # What was in the future then may not be so now.
    if any(problem.rule == rules.IN_THE_FUTURE.name for problem in report.problems):
        return None
    asked = report.model_copy(update={"max_bad_rows": max_bad_rows})
    return asked if asked.ok else None


def _prepare_into(
    work: Path,
    data_dir: str | Path,
    config: GoalpathConfig,
    now: dt.datetime,
    max_bad_rows: int,
) -> CheckReport:
    events = work / names.EVENTS
    events.mkdir()

    def write_part(number: int, part: pl.DataFrame) -> None:
        tables.write_canonical(part, events / f"part-{number:05d}.parquet", names.EVENTS)

    checked = check_and_collect(
        data_dir,
        config,
        now=now,
        quarantine_dir=work / QUARANTINE_FOLDER,
        max_bad_rows=max_bad_rows,
        scratch_dir=work,
        sink=write_part,
    )
    if checked.report.ok:
        _write_tables(work, checked)
    else:
        shutil.rmtree(events)
    return checked.report


def _write_tables(work: Path, checked: CheckedData) -> None:
    frames = {
        names.STUDENTS: checked.students,
        names.ENGAGEMENTS: checked.engagements,
        names.STAGE_CHANGES: checked.stage_changes,
        names.COHORTS: checked.cohorts,
    }
    for table, frame in frames.items():
        if frame is not None:
            tables.write_canonical(frame, work / f"{table}.parquet", table)


def _mark(work: Path, fingerprint: str) -> None:
    text = json.dumps(_marker(fingerprint))
    (work / table_files.PREPARED_FILE).write_text(text, encoding="utf-8")


def _marker(fingerprint: str) -> dict[str, str]:
    code = code_identity(_WRITING_PACKAGES, _WRITING_LIBRARIES)
    return {_CODE_KEY: code, _FINGERPRINT_KEY: fingerprint}


def _moved(report: CheckReport, out: Path) -> str | None:
    return None if report.quarantine is None else str(out / QUARANTINE_FOLDER)


def _replace(out: Path, work: Path) -> None:
    """Puts `work` in the place of `out`; a reader sees the one or the other."""
    if not out.exists():
        work.rename(out)
        return
    aside = Path(tempfile.mkdtemp(prefix=_temporary_prefix(out), dir=out.parent))
    out.rename(aside / out.name)
    work.rename(out)
    shutil.rmtree(aside, ignore_errors=True)


def _temporary_prefix(out: Path) -> str:
    return f".{out.name}.goalpath-"


def _remove_leftovers(out: Path) -> None:
    for leftover in out.parent.glob(f"{_temporary_prefix(out)}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _refuse_foreign(out: Path) -> None:
    if not out.exists() or (out / REPORT_FILE).is_file():
        return
    received = "a file"
    if out.is_dir():
        present = sorted(path.name for path in out.iterdir())
        if not present:
            return
        received = f"a folder with {', '.join(present[:5])}"
    raise DataError(
        "a folder to prepare data in must be new, empty, or an earlier preparation.",
        where=str(out),
        received=received,
        remedy="choose another folder.",
    )
