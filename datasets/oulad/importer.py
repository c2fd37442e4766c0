"""OULAD as a data folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import polars as pl

from datasets.data_folder import new_data_folder, write_config
from datasets.oulad import presentations, source, stages, tables
from datasets.row_account import RowAccount
from schemas import names
from schemas.config import (
    CohortSplitConfig,
    EvaluationConfig,
    EventsTableConfig,
    GoalpathConfig,
    HorizonsConfig,
    RankingConfig,
    SnapshotsConfig,
    TableConfig,
    TablesConfig,
    TimeSplitConfig,
)

SLICES: Final = ("gender", "age_band", "disability")
_EVENT_COLUMNS = (names.STUDENT_ID, names.ENGAGEMENT_ID, names.TIMESTAMP, names.VALUE)
_COMMENT = """\
OULAD as a funnel; see docs/oulad.md for how the official files were mapped.
Kuzilek J., Hlosta M., Zdrahal Z., Scientific Data 4:170171 (2017). Licence CC BY 4.0."""


@dataclasses.dataclass(frozen=True)
class ImportSummary:
    """What was imported.

    Attributes:
      accounts: what became of the rows of each of the seven files.
      cohorts: a row a presentation with its dates, and its numbers of students,
        events and stage changes, and `last_click_day`, `length_days`, `observed_days`.
      skipped: presentations that were not imported.
      stage_counts: stage -> students with a record of it, in funnel order, then lost.
    """

    accounts: tuple[RowAccount, ...]
    cohorts: pl.DataFrame
    skipped: tuple[str, ...]
    stage_counts: Mapping[str, int]


def import_oulad(
    source_dir: Path,
    out: Path,
    *,
    wanted: Collection[str] | None = None,
    observed_days: Mapping[str, int] | None = None,
    force: bool = False,
) -> ImportSummary:
    """Writes the data folder `out` from the seven official CSV files.

    Args:
      source_dir: folder with the files, plain or gzipped.
      out: data folder to create.
      wanted: presentations (`AAA-2013J`) to import; None: those that have clicks.
      observed_days: presentation -> days after its start until which it is observed,
        where that is not to be derived from the clicks.
      force: replace `out` where it is a data folder.

    Raises:
      DataError: a file breaks its official format.
      InputError: a presentation does not exist, or `out` may not be written.
    """
    with new_data_folder(out, force=force) as folder:
        data = source.read_source(source_dir)
        found = presentations.find_presentations(data, observed_days)
        chosen = presentations.choose_presentations(found, wanted)
        return _write(folder, data, found, chosen)


def build_config(schedule: pl.DataFrame) -> GoalpathConfig:
    """The configuration; the last presentation of a module is for evaluation.

    Args:
      schedule: cohort and starts of the imported presentations.

    Returns:
      A configuration with a cohort split, or with the default time split where no
      module has two presentations.
    """
    return GoalpathConfig(
        name="oulad",
        stages=stages.STAGES,
        default_goal=stages.COMPLETED,
        tables=TablesConfig(
            students=TableConfig(features=tables.PROFILE),
            engagements=TableConfig(features=tables.ATTRIBUTES),
            events=EventsTableConfig(duplicates="keep"),
            stage_changes=TableConfig(),
            cohorts=TableConfig(),
        ),
        horizons=HorizonsConfig(likelihood_days=28, risk_days=28, goal_days=120),
        ranking=RankingConfig(window_days=7),
        snapshots=SnapshotsConfig(history_length=32),
        split=_split(schedule),
        evaluation=EvaluationConfig(slices=SLICES),
    )


def _write(
    folder: Path, data: source.Source, found: pl.DataFrame, chosen: pl.DataFrame
) -> ImportSummary:
    schedule = presentations.cohorts_table(chosen)
    students, info_account = tables.students_table(data.student_info, schedule)
    engagements, catalogue_accounts = tables.engagements_table(data, schedule)
    clicks, click_account = tables.clicks_table(data.student_vle, students, data.vle, schedule)
    submissions, submission_account = tables.submissions_table(data, students, schedule)
    registrations, registration_account = tables.registrations_table(
        data.student_registration, students, schedule
    )
    changes = stages.stage_changes_table(
        _enrolments(data.student_info, students, registrations),
        clicks,
        submissions,
        schedule,
    )
    events = pl.concat([clicks.select(_EVENT_COLUMNS), submissions.select(_EVENT_COLUMNS)]).sort(
        names.STUDENT_ID, names.TIMESTAMP, names.ENGAGEMENT_ID, maintain_order=True
    )
    written = {
        names.STUDENTS: students,
        names.ENGAGEMENTS: engagements,
        names.EVENTS: events,
        names.STAGE_CHANGES: changes,
        names.COHORTS: schedule,
    }
    for name, table in written.items():
        table.write_parquet(folder / f"{name}.parquet")
    write_config(folder, build_config(schedule), comment=_COMMENT)
    courses = _courses_account(found, chosen)
    return ImportSummary(
        accounts=(
            courses,
            *catalogue_accounts,
            info_account,
            registration_account,
            submission_account,
            click_account,
        ),
        cohorts=_cohort_counts(schedule, students, events, changes).join(
            chosen.drop(names.STARTS, presentations.CLICKS), on=names.COHORT
        ),
        skipped=_skipped(found, chosen),
        stage_counts=_stage_counts(changes),
    )


def _enrolments(
    info: pl.DataFrame, students: pl.DataFrame, registrations: pl.DataFrame
) -> pl.DataFrame:
    """student_id, cohort, final_result and the two registration days."""
    results = info.select(tables.student_id(), source.FINAL_RESULT)
    return (
        students.select(names.STUDENT_ID, names.COHORT)
        .join(results, on=names.STUDENT_ID)
        .join(registrations.drop(names.COHORT), on=names.STUDENT_ID, how="left")
    )


def _split(schedule: pl.DataFrame) -> CohortSplitConfig | TimeSplitConfig:
    module = pl.col(names.COHORT).str.split("-").list.first().alias("module")
    by_module = schedule.sort(names.STARTS, names.COHORT).group_by(module, maintain_order=True)
    cohorts = by_module.agg(pl.col(names.COHORT)).get_column(names.COHORT).to_list()
    evaluated = sorted(of_module[-1] for of_module in cohorts if len(of_module) > 1)
    if not evaluated:
        return TimeSplitConfig(method="time")
    train = sorted({cohort for of_module in cohorts for cohort in of_module} - set(evaluated))
    return CohortSplitConfig(method="cohort", train=tuple(train), eval=tuple(evaluated))


def _courses_account(found: pl.DataFrame, chosen: pl.DataFrame) -> RowAccount:
    left_out = found.height - chosen.height
    reasons = {"presentation that is not imported": left_out} if left_out else {}
    return RowAccount("courses", found.height, chosen.height, reasons)


def _skipped(found: pl.DataFrame, chosen: pl.DataFrame) -> tuple[str, ...]:
    return tuple(found.join(chosen, on=names.COHORT, how="anti").get_column(names.COHORT))


def _cohort_counts(
    schedule: pl.DataFrame, students: pl.DataFrame, events: pl.DataFrame, changes: pl.DataFrame
) -> pl.DataFrame:
    membership = students.select(names.STUDENT_ID, names.COHORT)
    counted = schedule
    for name, table in (
        (names.STUDENTS, membership.select(names.STUDENT_ID)),
        (names.EVENTS, events),
        (names.STAGE_CHANGES, changes),
    ):
        counts = table.join(membership, on=names.STUDENT_ID).group_by(names.COHORT)
        counted = counted.join(counts.agg(pl.len().alias(name)), on=names.COHORT, how="left")
    return counted.with_columns(
        pl.col(names.STUDENTS, names.EVENTS, names.STAGE_CHANGES).fill_null(0)
    )


def _stage_counts(changes: pl.DataFrame) -> dict[str, int]:
    reached = changes.group_by(names.STAGE).agg(pl.col(names.STUDENT_ID).n_unique())
    counts = dict(reached.iter_rows())
    return {stage: counts.get(stage, 0) for stage in (*stages.STAGES, names.LOST)}
