"""The way of an enrolment through the funnel, as `stage_changes`."""

from __future__ import annotations

from typing import Final

import polars as pl

from datasets.oulad import calendar, source
from datasets.oulad.tables import EXAM, WEIGHT
from schemas import names

REGISTERED: Final = "Registered"
STARTED: Final = "Started"
ASSESSED: Final = "Assessed"
HALFWAY: Final = "Halfway"
COMPLETED: Final = "Completed"
STAGES: Final = (REGISTERED, STARTED, ASSESSED, HALFWAY, COMPLETED)
HALF_OF_WEIGHT: Final = 50.0

_DAY = "day"
# Seconds after noon: records that share a day are ordered as the funnel is.
_SECOND = {REGISTERED: 0, STARTED: 1, ASSESSED: 2, HALFWAY: 3, names.LOST: 4}
_ROUNDING = 1e-9


def stage_changes_table(
    enrolments: pl.DataFrame,
    clicks: pl.DataFrame,
    submissions: pl.DataFrame,
    schedule: pl.DataFrame,
) -> pl.DataFrame:
    """All stage records before the end of observation.

    - Registered: `date_registration`; where it is missing, the day of the first other
      record (click, submission, unregistration), or day 0 if that is earlier.
    - Started: first click on day 0 or later.
    - Assessed: first submission.
    - Halfway: the day on which the weight submitted, exams apart, reaches 50.
    - Completed: Pass or Distinction, at the close.
    - lost: `date_unregistration`, but the close at the latest; at the close for Fail,
      and for Withdrawn without a date.

    Args:
      enrolments: student_id, cohort, final_result, date_registration,
        date_unregistration; one row a student.
      clicks: student_id, cohort, date.
      submissions: as `submissions_table` gives.
      schedule: cohort, starts, closes, observed_until.

    Returns:
      student_id, timestamp, stage; by student and time.
    """
    dated = pl.concat(
        [
            _registered(enrolments, clicks, submissions),
            _first_day(clicks.filter(pl.col(source.DATE) >= 0), source.DATE, STARTED),
            _first_day(submissions, source.DATE_SUBMITTED, ASSESSED),
            _first_day(_halfway(submissions), source.DATE_SUBMITTED, HALFWAY),
            _unregistered(enrolments),
        ]
    ).join(enrolments.select(names.STUDENT_ID, names.COHORT), on=names.STUDENT_ID)
    timed = dated.join(schedule, on=names.COHORT).with_columns(
        pl.when(pl.col(names.STAGE) == names.LOST)
        .then(pl.min_horizontal(_noon_of_day(), names.CLOSES))
        .otherwise(_noon_of_day())
        .alias(names.TIMESTAMP)
    )
    columns = (names.STUDENT_ID, names.TIMESTAMP, names.STAGE, names.OBSERVED_UNTIL)
    changes = pl.concat([timed.select(columns), _decided(enrolments, schedule).select(columns)])
    observed = pl.col(names.TIMESTAMP) < pl.col(names.OBSERVED_UNTIL)
    return (
        changes.filter(observed | pl.col(names.OBSERVED_UNTIL).is_null())
        .drop(names.OBSERVED_UNTIL)
        .sort(names.STUDENT_ID, names.TIMESTAMP)
    )


def _registered(
    enrolments: pl.DataFrame, clicks: pl.DataFrame, submissions: pl.DataFrame
) -> pl.DataFrame:
    columns = (names.STUDENT_ID, _DAY)
    others = pl.concat(
        [
            clicks.rename({source.DATE: _DAY}).select(columns),
            submissions.rename({source.DATE_SUBMITTED: _DAY}).select(columns),
            enrolments.rename({source.DATE_UNREGISTRATION: _DAY}).select(columns),
        ]
    )
    first = others.group_by(names.STUDENT_ID).agg(pl.col(_DAY).min().alias("first_day"))
    known = pl.col(source.DATE_REGISTRATION)
    guess = pl.min_horizontal(pl.col("first_day"), pl.lit(0, dtype=pl.Int64))
    return enrolments.join(first, on=names.STUDENT_ID, how="left").select(
        names.STUDENT_ID, pl.coalesce(known, guess).alias(_DAY), _stage(REGISTERED)
    )


def _first_day(rows: pl.DataFrame, day: str, stage: str) -> pl.DataFrame:
    first = rows.group_by(names.STUDENT_ID).agg(pl.col(day).min().alias(_DAY))
    return first.with_columns(_stage(stage))


def _halfway(submissions: pl.DataFrame) -> pl.DataFrame:
    """Submissions at or after which the weight submitted is half of the whole."""
    per_day = (
        submissions.filter(pl.col(source.ASSESSMENT_TYPE) != EXAM)
        .sort(source.DATE_SUBMITTED)
        .unique([names.STUDENT_ID, names.ENGAGEMENT_ID], keep="first")
        .group_by(names.STUDENT_ID, source.DATE_SUBMITTED)
        .agg(pl.col(WEIGHT).sum())
        .sort(names.STUDENT_ID, source.DATE_SUBMITTED)
    )
    reached = pl.col(WEIGHT).cum_sum().over(names.STUDENT_ID)
    return per_day.filter(reached >= HALF_OF_WEIGHT - _ROUNDING)


def _unregistered(enrolments: pl.DataFrame) -> pl.DataFrame:
    rows = enrolments.filter(pl.col(source.DATE_UNREGISTRATION).is_not_null())
    return rows.select(
        names.STUDENT_ID,
        pl.col(source.DATE_UNREGISTRATION).alias(_DAY),
        _stage(names.LOST),
    )


def _decided(enrolments: pl.DataFrame, schedule: pl.DataFrame) -> pl.DataFrame:
    """What the close decides, for those that have not unregistered."""
    passed = pl.col(source.FINAL_RESULT).is_in(source.PASSED)
    outcome = pl.when(passed).then(pl.lit(COMPLETED)).otherwise(pl.lit(names.LOST))
    staying = enrolments.filter(pl.col(source.DATE_UNREGISTRATION).is_null())
    return staying.join(schedule, on=names.COHORT).with_columns(
        outcome.alias(names.STAGE), pl.col(names.CLOSES).alias(names.TIMESTAMP)
    )


def _stage(stage: str) -> pl.Expr:
    return pl.lit(stage).alias(names.STAGE)


def _noon_of_day() -> pl.Expr:
    second = pl.col(names.STAGE).replace_strict(_SECOND, return_dtype=pl.Int64)
    return calendar.instant(pl.col(names.STARTS), pl.col(_DAY), second + calendar.NOON_S)
