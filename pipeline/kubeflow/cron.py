"""Cron expressions as Kubeflow Pipelines reads them, checked before they are sent.

Six fields, seconds first: second, minute, hour, day of the month, month, day of the week.
A field is `*` or `?`, or a list of numbers, names (JAN, MON) and ranges, each with a step
(`1-5`, `*/15`, `MON-FRI`). The server's reader is robfig/cron v1; KFP's client checks
nothing, and the server tells of a mistake only when nothing is started.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Final

from schemas.errors import InputError

_MONTH_NAMES: Final = (
    *("JAN", "FEB", "MAR", "APR", "MAY", "JUN"),
    *("JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)
_MONTHS: Final = {name: n for n, name in enumerate(_MONTH_NAMES, start=1)}
_DAYS: Final = {name: n for n, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}
_ANY: Final = ("*", "?")
# Within these days every day of the week meets every date there is, the 29th of February
# among them (that is left out in 2100).
_HORIZON_DAYS: Final = 366 * 41


@dataclasses.dataclass(frozen=True)
class Field:
    """One of the six.

    Attributes:
      name: in messages.
      first: smallest value.
      last: greatest value.
      names: words for values.
    """

    name: str
    first: int
    last: int
    names: Mapping[str, int] = dataclasses.field(default_factory=dict)


FIELDS: Final = (
    Field("second", 0, 59),
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of the month", 1, 31),
    Field("month", 1, 12, _MONTHS),
    Field("day of the week", 0, 6, _DAYS),
)


@dataclasses.dataclass(frozen=True)
class Cron:
    """A parsed expression.

    Attributes:
      text: as sent, with single spaces.
      seconds, minutes, hours, days, months, weekdays: the values that match; weekdays
        from 0, Sunday.
      any_day: the day of the month is `*` or `?`.
      any_weekday: the day of the week is.
    """

    text: str
    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def matches_day(self, day: dt.date) -> bool:
        """Whether there is an instant on that day.

        Where both days are given either is enough, else both have to match, as in
        crontab(5).
        """
        if day.month not in self.months:
            return False
        by_date = day.day in self.days
        by_week = day.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return by_date and by_week
        return by_date or by_week

    def next_times(self, after: dt.datetime, count: int) -> list[dt.datetime]:
        """The next instants after `after`; fewer than `count` where there are no more."""
        found: list[dt.datetime] = []
        times = [
            dt.time(hour, minute, second, tzinfo=after.tzinfo)
            for hour in sorted(self.hours)
            for minute in sorted(self.minutes)
            for second in sorted(self.seconds)
        ]
        for ahead in range(_HORIZON_DAYS):
            day = after.date() + dt.timedelta(days=ahead)
            if self.matches_day(day):
                instants = (dt.datetime.combine(day, time) for time in times)
                found.extend(instant for instant in instants if instant > after)
            if len(found) >= count:
                break
        return found[:count]


def parse_cron(text: str) -> Cron:
    """Checks an expression.

    Raises:
      InputError: it does not have six fields, a field is wrong, it never comes true, or
        it starts a run more than once a minute.
    """
    parts = text.split()
    if len(parts) != len(FIELDS):
        raise _wrong(
            "a schedule must have six fields, seconds first",
            text,
            f"{len(parts)} fields",
            "for 06:00 every Monday write '0 0 6 * * 1'"
            + ("; put the second in front, such as 0" if len(parts) == len(FIELDS) - 1 else ""),
        )
    values = [_values(part, field, text) for part, field in zip(parts, FIELDS, strict=True)]
    if len(values[0]) > 1:
        raise _wrong(
            "a run must not be started more than once a minute",
            text,
            f"{len(values[0])} seconds of each minute",
            "give one second, such as 0",
        )
    seconds, minutes, hours, days, months, weekdays = values
    cron = Cron(
        text=" ".join(parts),
        seconds=seconds,
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=weekdays,
        any_day=parts[3].split("/")[0] in _ANY,
        any_weekday=parts[5].split("/")[0] in _ANY,
    )
    if not cron.next_times(dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc), 1):
        raise _wrong(
            "a schedule must come true some day",
            text,
            f"day {parts[3]} of month {parts[4]}",
            "name a date that exists",
        )
    return cron


def _values(part: str, field: Field, text: str) -> frozenset[int]:
    return frozenset(value for item in part.split(",") for value in _item(item, field, text))


def _item(item: str, field: Field, text: str) -> range:
    span, slash, step_text = item.partition("/")
    step = 1
    if slash:
        if not step_text.isdecimal() or not int(step_text):
            raise _wrong_field(field, item, text, "a step is a whole number from 1")
        step = int(step_text)
    if span in _ANY:
        return range(field.first, field.last + 1, step)
    start_text, dash, end_text = span.partition("-")
    start = _number(start_text, field, item, text)
    open_end = field.last if slash else start
    end = _number(end_text, field, item, text) if dash else open_end
    if end < start:
        raise _wrong_field(field, item, text, "a range runs from the smaller to the greater")
    return range(start, end + 1, step)


def _number(word: str, field: Field, item: str, text: str) -> int:
    value = field.names.get(word.upper())
    if value is None and word.isdecimal():
        value = int(word)
    if value is None or not field.first <= value <= field.last:
        words = f" or {', '.join(field.names)}" if field.names else ""
        raise _wrong_field(field, item, text, f"use {field.first} to {field.last}{words}")
    return value


def _wrong_field(field: Field, item: str, text: str, remedy: str) -> InputError:
    return _wrong(f"the {field.name} of a schedule must be valid", text, repr(item), remedy)


def _wrong(rule: str, text: str, received: str, remedy: str) -> InputError:
    return InputError(f"{rule}.", where=f"--cron {text!r}", received=received, remedy=f"{remedy}.")
