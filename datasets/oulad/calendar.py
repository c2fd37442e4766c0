"""Days of a presentation as instants, and the order of records within a day.

OULAD counts days from the start of a presentation and knows no time of day. A row of
day d must be seen by a snapshot at midnight after d, and not by the one before, so
every row is dated at noon. What follows from a row of the same day comes seconds
later, in the order of the funnel, so that records of one day have one order.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

import polars as pl

from schemas.errors import DataError

INSTANT: Final = pl.Datetime("us", "UTC")
DAY_US: Final = 86_400_000_000
NOON_S: Final = 43_200
END_OF_DAY_S: Final = 86_399

_START_MONTHS: Final = {"B": 2, "J": 10}
_CODE = re.compile(r"(\d{4})([A-Z])")


def presentation_start(code: str, where: str) -> dt.datetime:
    """First instant of a presentation: 1 February (`B`) or 1 October (`J`), UTC.

    Args:
      code: official presentation code, such as `2013J`.
      where: how a message calls the place of the code.

    Raises:
      DataError: the code is not a year and B or J.
    """
    match = _CODE.fullmatch(code)
    if match is None or match[2] not in _START_MONTHS:
        raise DataError(
            "a presentation code is a year followed by B (February) or J (October).",
            where=where,
            received=repr(code),
            remedy="use the official file.",
        )
    return dt.datetime(int(match[1]), _START_MONTHS[match[2]], 1, tzinfo=dt.timezone.utc)


def instant(starts: pl.Expr, day: pl.Expr, second: int | pl.Expr) -> pl.Expr:
    """`starts` plus `day` days plus `second` seconds, as a UTC Datetime in microseconds."""
    return (starts.cast(pl.Int64) + day * DAY_US + second * 1_000_000).cast(INSTANT)
