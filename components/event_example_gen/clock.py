"""Instants as int64 microseconds since the epoch, UTC."""

from __future__ import annotations

import datetime as dt
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.errors import InputError

Instants = npt.NDArray[np.int64]

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
WEEK: Final = 7 * DAY
MONDAY: Final = 4 * DAY  # 1970-01-05, the first Monday of the epoch
MISSING: Final = int(np.iinfo(np.int64).min)  # no instant
NEVER: Final = int(np.iinfo(np.int64).max)  # an instant after all others


def parse_instant(text: str) -> int:
    """Microseconds since the epoch of an ISO 8601 text; without an offset it is UTC.

    Raises:
      InputError: the text is no ISO 8601 date or time.
    """
    try:
        moment = dt.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError as error:
        raise InputError(
            "an instant must be an ISO 8601 date or time.",
            where="as_of",
            received=repr(text),
            remedy="write it like 2026-03-01 or 2026-03-01T06:00:00+00:00.",
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.timezone.utc)
    return from_datetime(moment)


def from_datetime(moment: dt.datetime) -> int:
    """Microseconds since the epoch of an aware moment, exactly."""
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
    return (moment - epoch) // dt.timedelta(microseconds=1)


def to_text(instant: int) -> str:
    """An instant as ISO 8601 with its offset."""
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
    return (epoch + dt.timedelta(microseconds=instant)).isoformat()


def utc_day(instants: Instants) -> Instants:
    """Days since the epoch of the UTC days that hold the instants."""
    return np.floor_divide(instants, DAY)


def days_between(later: Instants, earlier: Instants) -> npt.NDArray[np.float32]:
    """(later - earlier) in days, as float32."""
    return ((later - earlier) / DAY).astype(np.float32)


def year_fraction(instants: Instants) -> npt.NDArray[np.float64]:
    """Share of the UTC calendar year that has passed, in [0, 1)."""
    moments = instants.astype("datetime64[us]")
    years = moments.astype("datetime64[Y]")
    start = years.astype("datetime64[us]")
    length = (years + 1).astype("datetime64[us]") - start
    passed: npt.NDArray[np.float64] = (moments - start) / length
    return passed


def weekday(instants: Instants) -> Instants:
    """Day of the week in UTC: 0 for Monday to 6 for Sunday."""
    return np.mod(utc_day(instants) - MONDAY // DAY, 7)
