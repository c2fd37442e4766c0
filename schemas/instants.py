"""Reads dates and times as int64 microseconds since the epoch, UTC.

A time without an offset is in the configured zone. Where clocks go back, a local time
occurs twice: the first is taken, and said. Where they go forward, an hour of local
times does not exist: such a time is an error, since it shows that the zone is wrong.
A date without a time is its first instant, so it is valid on such a day too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from schemas.errors import ConfigError

EPOCH_FORMATS: Final[Mapping[str, int]] = {
    "epoch_s": 1_000_000,
    "epoch_ms": 1_000,
    "epoch_us": 1,
}
ISO_FORMATS: Final = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
)
COMMON_FORMATS: Final = (
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d, %Y",
    "%B %d, %Y",
)
# strptime reads "31/12/24" by %d/%m/%Y as a day of the year 24.
EARLIEST_US: Final = int(np.datetime64("1000-01-01", "us").astype(np.int64))
_LATEST_US: Final = int(np.datetime64("9999-12-31T23:59:59", "us").astype(np.int64))
_UTC: Final = "UTC"
_TIME_DIRECTIVES: Final = ("%H", "%I", "%T", "%R", "%X", "%c", "%s", "%+", "%k", "%l")
_OFFSET_DIRECTIVES: Final = ("%z", "%#z", "%:z", "%::z", "%+")


@dataclasses.dataclass(frozen=True)
class Instants:
    """A column of dates, read.

    Attributes:
      values: Int64, microseconds since the epoch; null where there is none.
      bad: Boolean, a value that is no date.
      gap: Boolean, a local time that does not exist in the zone.
      ambiguous: Boolean, a local time that occurs twice; `values` has the first.
    """

    values: pl.Series
    bad: pl.Series
    gap: pl.Series
    ambiguous: pl.Series


def check_timezone(timezone: str) -> None:
    """Raises ConfigError where `timezone` is no IANA name."""
    try:
        pl.Series([], dtype=pl.Datetime("us")).dt.replace_time_zone(timezone)
    except pl.exceptions.ComputeError as error:
        hint = str(error).partition("Hint: ")[2].partition("\n")[0]
        raise ConfigError(
            "timezone must be an IANA name.",
            where="timezone",
            received=repr(timezone),
            remedy=f"use a name such as UTC or Europe/London. {hint}".strip(),
        ) from error


def read_instants(raw: pl.Series, date_format: str | None, timezone: str) -> Instants:
    """Reads a column of text, dates, datetimes or epoch numbers.

    Args:
      raw: any type; text must be stripped, null where there is no value.
      date_format: strptime format of text; `epoch_s`, `epoch_ms` or `epoch_us` for
        numbers since the epoch; None: ISO 8601.
      timezone: IANA name for values without an offset.
    """
    dtype = raw.dtype
    if dtype in (pl.Datetime, pl.Date):
        return _localised(raw, timezone)
    if date_format is not None and date_format in EPOCH_FORMATS:
        return _from_epoch(raw, EPOCH_FORMATS[date_format])
    if dtype == pl.String:
        formats = ISO_FORMATS if date_format is None else (date_format,)
        return _from_text(raw, formats, timezone)
    return _nothing(raw, bad=raw.is_not_null())


def suggest_formats(samples: list[str]) -> tuple[str, ...]:
    """The common formats that read every one of `samples`; ISO 8601 is not tried."""
    text = pl.Series(samples, dtype=pl.String).str.strip_chars()
    if text.is_empty():
        return ()
    return tuple(fmt for fmt in COMMON_FORMATS if not _from_text(text, (fmt,), _UTC).bad.any())


def _nothing(raw: pl.Series, *, bad: pl.Series) -> Instants:
    no = _all(raw.len(), False)
    return Instants(pl.Series([None] * raw.len(), dtype=pl.Int64), bad, no, no)


def _all(length: int, value: bool) -> pl.Series:
    return pl.Series(np.full(length, value))


def _checked(values: pl.Series, present: pl.Series, gap: pl.Series, twice: pl.Series) -> Instants:
    in_range = (values >= EARLIEST_US) & (values <= _LATEST_US)
    bad = present & ~in_range.fill_null(False) & ~gap
    values = values.to_frame("v").select(pl.when(in_range).then("v")).to_series()
    return Instants(values, bad, gap, twice & ~bad)


def _from_epoch(raw: pl.Series, factor: int) -> Instants:
    numbers = raw.cast(pl.Int64, strict=False)
    limit = _LATEST_US // factor
    scaled = numbers.to_frame("n").select(
        pl.when(pl.col("n").is_between(-limit, limit)).then(pl.col("n") * factor)
    )
    no = _all(raw.len(), False)
    return _checked(scaled.to_series(), raw.is_not_null(), no, no)


def _localised(raw: pl.Series, timezone: str) -> Instants:
    if raw.dtype == pl.Date:
        values, gap, _ = _to_utc(raw.cast(pl.Datetime("us")), timezone, date_only=True)
        return _checked(values, raw.is_not_null(), gap, _all(raw.len(), False))
    zone: str | None = getattr(raw.dtype, "time_zone", None)
    micros = raw.dt.cast_time_unit("us")
    if zone is not None:
        no = _all(raw.len(), False)
        return _checked(micros.to_physical(), raw.is_not_null(), no, no)
    values, gap, twice = _to_utc(micros, timezone, date_only=False)
    return _checked(values, raw.is_not_null(), gap, twice)


def _to_utc(
    naive: pl.Series, timezone: str, *, date_only: bool
) -> tuple[pl.Series, pl.Series, pl.Series]:
    if timezone == _UTC:
        no = _all(naive.len(), False)
        return naive.to_physical(), no, no
    first = naive.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    gap = first.is_null() & naive.is_not_null()
    if date_only and gap.any():
        # Midnight is missing where clocks go forward at midnight: the day starts at 1:00.
        later = naive.dt.offset_by("1h").dt.replace_time_zone(
            timezone, ambiguous="earliest", non_existent="null"
        )
        first = first.fill_null(later)
        gap = first.is_null() & naive.is_not_null()
    last = naive.dt.replace_time_zone(timezone, ambiguous="latest", non_existent="null")
    twice = (first != last).fill_null(False) & _all(naive.len(), not date_only)
    return first.to_physical(), gap, twice


def _from_text(text: pl.Series, formats: tuple[str, ...], timezone: str) -> Instants:
    present = text.is_not_null()
    values = np.zeros(text.len(), dtype=np.int64)
    done, gap, twice = (np.zeros(text.len(), dtype=bool) for _ in range(3))
    pending = present.arg_true().to_numpy()
    for fmt in _likeliest_first(text, formats):
        if not pending.size:
            break
        part = text if pending.size == text.len() else text.gather(pending)
        parsed, in_gap, double = _parse(part, fmt, timezone)
        read = (parsed.is_not_null() | in_gap).to_numpy()
        place = pending[read]
        values[place] = parsed.fill_null(0).to_numpy()[read]
        done[place] = parsed.is_not_null().to_numpy()[read]
        gap[place], twice[place] = in_gap.to_numpy()[read], double.to_numpy()[read]
        pending = pending[~read]
    found = pl.DataFrame({"v": values, "done": done}).select(pl.when("done").then("v"))
    return _checked(found.to_series(), present, pl.Series(gap), pl.Series(twice))


def _likeliest_first(text: pl.Series, formats: tuple[str, ...]) -> tuple[str, ...]:
    """Puts the format first that reads the first value, so that one pass is the rule."""
    if len(formats) == 1 or text.null_count() == text.len():
        return formats
    first = text.drop_nulls().head(1)
    fits = [fmt for fmt in formats if _parse(first, fmt, _UTC)[0].null_count() == 0][:1]
    return (*fits, *(fmt for fmt in formats if fmt not in fits))


def _parse(text: pl.Series, fmt: str, timezone: str) -> tuple[pl.Series, pl.Series, pl.Series]:
    if any(directive in fmt for directive in _OFFSET_DIRECTIVES):
        aware = text.str.strptime(pl.Datetime("us", _UTC), fmt, strict=False)
        no = _all(text.len(), False)
        return aware.to_physical(), no, no
    naive = text.str.strptime(pl.Datetime("us"), fmt, strict=False)
    date_only = not any(directive in fmt for directive in _TIME_DIRECTIVES)
    return _to_utc(naive, timezone, date_only=date_only)
