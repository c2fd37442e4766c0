"""The seven official tables as students, engagements and events.

Every function takes `schedule`, a row a chosen presentation with its `cohort`,
`starts`, `closes` and `observed_until`, and gives the table with the accounts of the
rows it read.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from datasets.oulad import calendar, source
from datasets.oulad.presentations import cohort_key
from datasets.row_account import RowAccount, keep_rows
from schemas import names
from schemas.config import Kind

EXAM: Final = "Exam"
MODULE_COLUMN: Final = "module"
WEIGHT: Final = "weight"
PROFILE: Final = {
    MODULE_COLUMN: Kind.CATEGORICAL,
    "gender": Kind.CATEGORICAL,
    "region": Kind.CATEGORICAL,
    "highest_education": Kind.CATEGORICAL,
    "imd_band": Kind.CATEGORICAL,
    "age_band": Kind.CATEGORICAL,
    "num_of_prev_attempts": Kind.NUMERIC,
    "studied_credits": Kind.NUMERIC,
    "disability": Kind.CATEGORICAL,
}
ATTRIBUTES: Final = {
    WEIGHT: Kind.NUMERIC,
    "week_from": Kind.NUMERIC,
    "week_to": Kind.NUMERIC,
}

_NOT_CHOSEN = "of a presentation that is not imported"
_NO_STUDENT = "of no enrolment in studentInfo"
_UNOBSERVED = "at or after the end of its presentation's observation"
_IMD_SPELLING = {"10-20": "10-20%"}


def students_table(info: pl.DataFrame, schedule: pl.DataFrame) -> tuple[pl.DataFrame, RowAccount]:
    """One student an enrolment, `<module>-<presentation>-<id_student>`.

    The final result is no profile column: it is what is to be predicted.
    """
    marked = info.with_columns(cohort_key(), student_id())
    kept, account = keep_rows(marked, "studentInfo", [(_NOT_CHOSEN, _not_in(schedule))])
    table = kept.with_columns(
        pl.col("imd_band").replace(_IMD_SPELLING),
        pl.col(source.MODULE).alias(MODULE_COLUMN),
        pl.col(names.COHORT).alias(names.AUDIENCE),
    ).select(names.STUDENT_ID, names.AUDIENCE, names.COHORT, *PROFILE)
    return table.sort(names.STUDENT_ID), account


def engagements_table(
    data: source.Source, schedule: pl.DataFrame
) -> tuple[pl.DataFrame, list[RowAccount]]:
    """VLE sites (type: the activity type) and assessments (`assessment-<type>`).

    An assessment is due at the end of its day; one without a date (the exam) at the
    end of the presentation, as the official description says. `week_from` and
    `week_to` stay plain attributes: they are the weeks a site is planned to be used
    in, and students go there earlier and later.
    """
    left_out = [(_NOT_CHOSEN, _not_in(schedule))]
    sites, site_account = keep_rows(data.vle.with_columns(cohort_key()), "vle", left_out)
    tests, test_account = keep_rows(
        data.assessments.with_columns(cohort_key()), "assessments", left_out
    )
    table = pl.concat([_sites(sites), _assessments(tests, schedule)])
    return table.sort(names.ENGAGEMENT_ID), [site_account, test_account]


def clicks_table(
    clicks: pl.DataFrame, students: pl.DataFrame, sites: pl.DataFrame, schedule: pl.DataFrame
) -> tuple[pl.DataFrame, RowAccount]:
    """Clicks of `studentVle`, one a row, at noon of their day.

    Returns:
      student_id, engagement_id, timestamp, value (clicks), cohort, date; the account.
    """
    marked = _dated(clicks.with_columns(cohort_key(), student_id()), schedule, source.DATE)
    no_site = ~pl.col(source.ID_SITE).is_in(sites.get_column(source.ID_SITE).implode())
    kept, account = keep_rows(
        marked,
        "studentVle",
        [
            (_NOT_CHOSEN, _not_in(schedule)),
            (_NO_STUDENT, _unknown_student(students)),
            ("of no site in vle", no_site),
            (_UNOBSERVED, _unobserved()),
        ],
    )
    table = kept.select(
        names.STUDENT_ID,
        pl.format("vle-{}", source.ID_SITE).alias(names.ENGAGEMENT_ID),
        names.TIMESTAMP,
        pl.col("sum_click").cast(pl.Float64).alias(names.VALUE),
        names.COHORT,
        source.DATE,
    )
    return table, account


def submissions_table(
    data: source.Source, students: pl.DataFrame, schedule: pl.DataFrame
) -> tuple[pl.DataFrame, RowAccount]:
    """Submissions of assessments, at noon of their day.

    A banked result was carried over from an earlier presentation; nothing was
    submitted in this one, so it is left out.

    Returns:
      student_id, engagement_id, timestamp, value (the score, null where missing),
      cohort, date_submitted, assessment_type, weight; and the account.
    """
    tests = data.assessments.with_columns(cohort_key()).drop(source.DATE)
    joined = data.student_assessment.join(
        tests, on=source.ID_ASSESSMENT, how="left", maintain_order="left"
    )
    marked = _dated(joined.with_columns(student_id()), schedule, source.DATE_SUBMITTED)
    kept, account = keep_rows(
        marked,
        "studentAssessment",
        [
            ("of no assessment in assessments", pl.col(names.COHORT).is_null()),
            (_NOT_CHOSEN, _not_in(schedule)),
            (_NO_STUDENT, _unknown_student(students)),
            (
                "banked: carried over from an earlier presentation",
                pl.col(source.IS_BANKED) == 1,
            ),
            (_UNOBSERVED, _unobserved()),
        ],
    )
    table = kept.select(
        names.STUDENT_ID,
        pl.format("assessment-{}", source.ID_ASSESSMENT).alias(names.ENGAGEMENT_ID),
        names.TIMESTAMP,
        pl.col("score").alias(names.VALUE),
        names.COHORT,
        source.DATE_SUBMITTED,
        source.ASSESSMENT_TYPE,
        WEIGHT,
    )
    return table, account


def registrations_table(
    registrations: pl.DataFrame, students: pl.DataFrame, schedule: pl.DataFrame
) -> tuple[pl.DataFrame, RowAccount]:
    """Registration and unregistration days of the students that have a row."""
    return keep_rows(
        registrations.with_columns(cohort_key(), student_id()).select(
            names.STUDENT_ID,
            names.COHORT,
            source.DATE_REGISTRATION,
            source.DATE_UNREGISTRATION,
        ),
        "studentRegistration",
        [
            (_NOT_CHOSEN, _not_in(schedule)),
            (_NO_STUDENT, _unknown_student(students)),
        ],
    )


def _sites(sites: pl.DataFrame) -> pl.DataFrame:
    return sites.select(
        pl.format("vle-{}", source.ID_SITE).alias(names.ENGAGEMENT_ID),
        pl.col(source.ACTIVITY_TYPE).alias(names.ENGAGEMENT_TYPE),
        pl.col(names.COHORT).alias(names.AUDIENCE),
        pl.lit(None, dtype=calendar.INSTANT).alias(names.DUE),
        pl.lit(None, dtype=pl.Float64).alias(WEIGHT),
        "week_from",
        "week_to",
    )


def _assessments(tests: pl.DataFrame, schedule: pl.DataFrame) -> pl.DataFrame:
    last_day = calendar.instant(pl.col(names.CLOSES), pl.lit(-1), calendar.END_OF_DAY_S)
    due = calendar.instant(pl.col(names.STARTS), pl.col(source.DATE), calendar.END_OF_DAY_S)
    return tests.join(schedule, on=names.COHORT).select(
        pl.format("assessment-{}", source.ID_ASSESSMENT).alias(names.ENGAGEMENT_ID),
        pl.format("assessment-{}", source.ASSESSMENT_TYPE).alias(names.ENGAGEMENT_TYPE),
        pl.col(names.COHORT).alias(names.AUDIENCE),
        pl.coalesce(due, last_day).alias(names.DUE),
        WEIGHT,
        pl.lit(None, dtype=pl.Int64).alias("week_from"),
        pl.lit(None, dtype=pl.Int64).alias("week_to"),
    )


def student_id() -> pl.Expr:
    """`<module>-<presentation>-<id_student>` from the official columns."""
    return pl.format("{}-{}-{}", source.MODULE, source.PRESENTATION, source.ID_STUDENT).alias(
        names.STUDENT_ID
    )


def _dated(rows: pl.DataFrame, schedule: pl.DataFrame, day: str) -> pl.DataFrame:
    dates = schedule.select(names.COHORT, names.STARTS, names.OBSERVED_UNTIL)
    timestamp = calendar.instant(pl.col(names.STARTS), pl.col(day), calendar.NOON_S)
    return rows.join(dates, on=names.COHORT, how="left", maintain_order="left").with_columns(
        timestamp.alias(names.TIMESTAMP)
    )


def _not_in(schedule: pl.DataFrame) -> pl.Expr:
    return ~pl.col(names.COHORT).is_in(schedule.get_column(names.COHORT).implode())


def _unknown_student(students: pl.DataFrame) -> pl.Expr:
    return ~pl.col(names.STUDENT_ID).is_in(students.get_column(names.STUDENT_ID).implode())


def _unobserved() -> pl.Expr:
    return pl.col(names.TIMESTAMP) >= pl.col(names.OBSERVED_UNTIL)
