"""Which presentations to import, when they run, and until when they are observed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import polars as pl

from datasets.oulad import calendar, source
from schemas import names
from schemas.errors import InputError

LENGTH_DAYS: Final = "length_days"
OBSERVED_DAYS: Final = "observed_days"
CLICKS: Final = "clicks"
LAST_CLICK_DAY: Final = "last_click_day"

# Clicks of a whole presentation go on until its last days (they end on the very day
# of its length in every whole presentation seen). Clicks that stop more than a week
# before it have been cut off.
MAX_SILENT_DAYS: Final = 7


def cohort_key() -> pl.Expr:
    """`<module>-<presentation>` from the official columns."""
    return pl.format("{}-{}", source.MODULE, source.PRESENTATION).alias(names.COHORT)


def find_presentations(
    data: source.Source, observed_days: Mapping[str, int] | None = None
) -> pl.DataFrame:
    """All presentations of `courses`, by name.

    A presentation whose clicks stop on day L, more than `MAX_SILENT_DAYS` before its
    length, comes from a truncated file. Day L is then incomplete, and the day before
    it is kept as a margin: the presentation is observed until L - 1 days after its
    start.

    Args:
      data: the seven tables.
      observed_days: presentation -> days after its start until which it is observed,
        in place of that rule.

    Returns:
      A row each with `cohort`, `starts` (Datetime), `length_days`, `clicks` (rows),
      `last_click_day` (null: no clicks), and `observed_days` (null: to its end).

    Raises:
      DataError: a presentation code is malformed.
      InputError: `observed_days` names a presentation that does not exist.
    """
    given = dict(observed_days or {})
    courses = data.courses.with_columns(cohort_key()).sort(names.COHORT)
    _check_known(given, courses, option="--observed-until")
    starts = [
        calendar.presentation_start(code, where=f"courses, `{source.PRESENTATION}`")
        for code in courses.get_column(source.PRESENTATION)
    ]
    overrides = pl.DataFrame(
        {names.COHORT: list(given), "given": list(given.values())},
        schema={names.COHORT: pl.String, "given": pl.Int64},
    )
    last = pl.col(LAST_CLICK_DAY)
    cut = last < pl.col(LENGTH_DAYS) - MAX_SILENT_DAYS
    return (
        courses.with_columns(pl.Series(names.STARTS, starts, dtype=calendar.INSTANT))
        .rename({source.LENGTH: LENGTH_DAYS})
        .join(_click_counts(data.student_vle), on=names.COHORT, how="left")
        .join(overrides, on=names.COHORT, how="left")
        .with_columns(
            pl.col(CLICKS).fill_null(0),
            pl.coalesce("given", pl.when(cut).then(last - 1)).alias(OBSERVED_DAYS),
        )
        .select(names.COHORT, names.STARTS, LENGTH_DAYS, CLICKS, LAST_CLICK_DAY, OBSERVED_DAYS)
        .sort(names.COHORT)
    )


def choose_presentations(found: pl.DataFrame, wanted: Collection[str] | None) -> pl.DataFrame:
    """The presentations to import: `wanted`, or else those that have clicks.

    Raises:
      InputError: `wanted` names a presentation that does not exist, or none has clicks.
    """
    if wanted:
        _check_known(wanted, found, option="--presentations")
        return found.filter(pl.col(names.COHORT).is_in(list(wanted)))
    chosen = found.filter(pl.col(CLICKS) > 0)
    if chosen.is_empty():
        raise InputError(
            "a presentation needs clicks to be imported.",
            where="studentVle",
            received="no click of any presentation in courses",
            remedy="use the official studentVle file, or choose with --presentations.",
        )
    return chosen


def cohorts_table(chosen: pl.DataFrame) -> pl.DataFrame:
    """The `cohorts` table: cohort, starts, closes, observed_until (null: to the end)."""
    starts = pl.col(names.STARTS)
    return chosen.select(
        names.COHORT,
        names.STARTS,
        calendar.instant(starts, pl.col(LENGTH_DAYS), 0).alias(names.CLOSES),
        calendar.instant(starts, pl.col(OBSERVED_DAYS), 0).alias(names.OBSERVED_UNTIL),
    )


def _click_counts(clicks: pl.DataFrame) -> pl.DataFrame:
    return (
        clicks.group_by(source.MODULE, source.PRESENTATION)
        .agg(
            pl.len().cast(pl.Int64).alias(CLICKS),
            pl.col(source.DATE).max().alias(LAST_CLICK_DAY),
        )
        .with_columns(cohort_key())
        .drop(source.MODULE, source.PRESENTATION)
    )


def _check_known(wanted: Collection[str], found: pl.DataFrame, *, option: str) -> None:
    known = found.get_column(names.COHORT).to_list()
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise InputError(
            "a presentation must be one of courses.csv.",
            where=option,
            received=", ".join(unknown),
            remedy=f"use some of {', '.join(sorted(known))}.",
        )
