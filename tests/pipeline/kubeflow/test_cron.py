"""Cron as the server's reader takes it. Expected instants are from the calendar of 2026-28."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.kubeflow.cron import parse_cron
from schemas.errors import InputError

# A Monday.
NOW = dt.datetime(2026, 9, 7, 6, 0, tzinfo=dt.timezone.utc)


def _next(text: str, count: int = 2, after: dt.datetime = NOW) -> list[str]:
    return [f"{each:%Y-%m-%d %H:%M:%S}" for each in parse_cron(text).next_times(after, count)]


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("0 0 6 * * 1", ["2026-09-14 06:00:00", "2026-09-21 06:00:00"]),
        ("0 1 6 * * 1", ["2026-09-07 06:01:00", "2026-09-14 06:01:00"]),
        ("30 */20 6 * * *", ["2026-09-07 06:00:30", "2026-09-07 06:20:30"]),
        ("0 0 22-23 ? * FRI,sat", ["2026-09-11 22:00:00", "2026-09-11 23:00:00"]),
        ("0 0 0 1 JAN,jul ?", ["2027-01-01 00:00:00", "2027-07-01 00:00:00"]),
        ("0 0 0 31 * *", ["2026-10-31 00:00:00", "2026-12-31 00:00:00"]),
        ("0 0 0 29 2 *", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        # From 5 on, every 10th hour.
        ("0 0 5/10 * * *", ["2026-09-07 15:00:00", "2026-09-08 05:00:00"]),
        ("0 0 0 */15 * ?", ["2026-09-16 00:00:00", "2026-10-01 00:00:00"]),
        # Both days given: either is enough. The 9th is a Wednesday, the 13th a Sunday.
        ("0 0 0 9 * 0", ["2026-09-09 00:00:00", "2026-09-13 00:00:00"]),
    ],
)
def test_the_next_instants(text: str, times: list[str]) -> None:
    assert _next(text) == times


def test_an_instant_is_after_now_and_not_at_it() -> None:
    assert _next("0 0 6 7 9 *", 1) == ["2027-09-07 06:00:00"]


def test_spaces_are_made_one() -> None:
    assert parse_cron("  0 0\t6 * *  1 ").text == "0 0 6 * * 1"


@pytest.mark.parametrize(
    ("text", "rule", "received"),
    [
        ("", "must have six fields", "0 fields"),
        ("0 6 * * 1", "must have six fields", "5 fields"),
        ("0 0 6 * * 1 2026", "must have six fields", "7 fields"),
        ("@weekly", "must have six fields", "1 fields"),
        ("* 0 6 * * 1", "not be started more than once a minute", "60 seconds of each minute"),
        ("0,30 0 6 * * 1", "not be started more than once a minute", "2 seconds of each minute"),
        ("60 0 6 * * 1", "the second of a schedule", "'60'"),
        ("0 60 6 * * 1", "the minute of a schedule", "'60'"),
        ("0 0 24 * * 1", "the hour of a schedule", "'24'"),
        ("0 0 6 0 * *", "the day of the month of a schedule", "'0'"),
        ("0 0 6 L * *", "the day of the month of a schedule", "'L'"),
        ("0 0 6 * 13 *", "the month of a schedule", "'13'"),
        ("0 0 6 * MON *", "the month of a schedule", "'MON'"),
        ("0 0 6 * * 7", "the day of the week of a schedule", "'7'"),
        ("0 0 6 * * 1#2", "the day of the week of a schedule", "'1#2'"),
        ("0 0 6 * * FRI-MON", "the day of the week of a schedule", "'FRI-MON'"),
        ("0 0 */0 * * *", "the hour of a schedule", "'*/0'"),
        ("0 0 6/x * * *", "the hour of a schedule", "'6/x'"),
        ("0 0 -1 * * *", "the hour of a schedule", "'-1'"),
        ("0 0 1,,2 * * *", "the hour of a schedule", "''"),
        ("0 0 6 30 2 *", "must come true some day", "day 30 of month 2"),
        ("0 0 6 31 4,6,9,11 ?", "must come true some day", "day 31 of month 4,6,9,11"),
    ],
)
def test_a_mistake_is_named(text: str, rule: str, received: str) -> None:
    with pytest.raises(InputError, match=rule) as refused:
        parse_cron(text)
    assert refused.value.received == received
    assert refused.value.where == f"--cron {text!r}"
    assert refused.value.remedy
