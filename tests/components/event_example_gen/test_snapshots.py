"""At which instants a student's state is taken."""

from __future__ import annotations

from typing import Any

import pytest

from components.event_example_gen import clock, generate
from schemas import names
from tests.components.event_example_gen.hand_made import (
    Row,
    change,
    day,
    event,
    make_tables,
    student,
)
from tests.components.event_example_gen.in_memory import make_histories, make_reference
from tests.sample_data import DAY, START, sample_config

MICROSECOND = 1 / DAY


def days_of_snapshots(
    students: list[Row],
    events: list[Row],
    *,
    cadence: str,
    until: float,
    since: int = clock.MISSING,
    **tables: Any,
) -> dict[str, list[float]]:
    """Student -> days of the snapshots, for data that reach to the day `until`."""
    config = sample_config(cohorts="cohorts" in tables, cadence=cadence)
    made = make_tables(students, events, **tables)
    reference = make_reference(made, config, day(until))
    histories = make_histories(made, reference)
    at = generate.take_snapshots(
        histories,
        generate.observe(histories.students.cohort_code, reference.cohorts, reference.as_of),
        config.snapshots.cadence,
        since=since,
    )
    found: dict[str, list[float]] = {str(row[names.STUDENT_ID]): [] for row in students}
    ids = histories.students.ids.to_pylist()
    for row, t in zip(at.student, at.t, strict=True):
        found[ids[row]].append((t - START) / DAY)
    return found


def of_one(entered: float | None, events: list[Row], **options: Any) -> list[float]:
    row = student("a", entered_at=None if entered is None else day(entered))
    return days_of_snapshots([row], events, **options)["a"]


def test_weekly_without_a_cohort_is_every_monday_from_entry_on() -> None:
    assert of_one(0, [], cadence="weekly", until=21) == [0, 7, 14]
    assert of_one(0.5, [], cadence="weekly", until=21.5) == [7, 14, 21]
    assert of_one(MICROSECOND, [], cadence="weekly", until=8) == [7]


def test_a_student_enters_at_its_first_row_where_no_date_is_given() -> None:
    assert of_one(None, [event(9), event(2)], cadence="weekly", until=15) == [7, 14]
    changes = [change(1, "Visited")]
    options: dict[str, Any] = {"cadence": "weekly", "until": 15, "changes": changes}
    assert of_one(None, [event(9)], **options) == [7, 14]


def test_weekly_in_a_cohort_counts_from_its_start() -> None:
    cohorts = [{"cohort": "c", "starts": day(2.25), "closes": day(100)}]
    early = student("early", cohort="c", entered_at=day(-30))
    late = student("late", cohort="c", entered_at=day(10))
    on_time = student("on time", cohort="c", entered_at=day(9.25))
    found = days_of_snapshots(
        [early, late, on_time], [], cadence="weekly", until=25, cohorts=cohorts
    )
    assert found == {
        "early": [2.25, 9.25, 16.25, 23.25],
        "late": [16.25, 23.25],
        "on time": [9.25, 16.25, 23.25],
    }


def test_daily_is_midnight_or_the_hour_of_the_cohort() -> None:
    assert of_one(0.25, [], cadence="daily", until=4) == [1, 2, 3]
    cohorts = [{"cohort": "c", "starts": day(0.25), "closes": day(100)}]
    in_cohort = student("a", cohort="c", entered_at=day(1))
    found = days_of_snapshots([in_cohort], [], cadence="daily", until=4, cohorts=cohorts)
    assert found == {"a": [1.25, 2.25, 3.25]}


def test_every_event_is_each_distinct_instant_of_the_students_events() -> None:
    events = [event(3), event(1.5), event(3, "e1"), event(1.5, response="ignored"), event(5)]
    assert of_one(None, events, cadence="every_event", until=5) == [1.5, 3]
    assert of_one(None, events, cadence="every_event", until=5 + MICROSECOND) == [1.5, 3, 5]
    assert of_one(2, events, cadence="every_event", until=10) == [3, 5]


def test_every_event_begins_with_the_cohort() -> None:
    cohorts = [{"cohort": "c", "starts": day(2), "closes": day(100)}]
    events = [event(1), event(2), event(3)]
    row = student("a", cohort="c")
    found = days_of_snapshots([row], events, cadence="every_event", until=10, cohorts=cohorts)
    assert found == {"a": [2, 3]}


@pytest.mark.parametrize("cadence", ["weekly", "daily"])
def test_none_at_or_after_the_end_of_the_data(cadence: str) -> None:
    assert max(of_one(0, [], cadence=cadence, until=14)) < 14
    assert max(of_one(0, [], cadence=cadence, until=14 + MICROSECOND)) == 14


@pytest.mark.parametrize(
    "end",
    [
        event(14, stage_after="lost"),
        event(14, response="unsubscribed"),
        event(14, stage_after="Enrolled"),
    ],
    ids=["lost", "unsubscribed", "last stage"],
)
def test_the_last_may_be_at_the_very_end_of_a_student(end: Row) -> None:
    events = [event(1), end, event(20)]
    assert of_one(0, events, cadence="weekly", until=50) == [0, 7, 14]
    earlier = {**end, names.TIMESTAMP: day(14) - 1}
    assert of_one(0, [event(1), earlier], cadence="weekly", until=50) == [0, 7]


def test_no_event_after_a_loss_is_an_instant() -> None:
    events = [event(1), event(2, stage_after="lost"), event(3)]
    assert of_one(None, events, cadence="every_event", until=9) == [1, 2]


def test_a_closed_cohort_has_none_from_its_close_on() -> None:
    cohorts = [{"cohort": "c", "starts": day(0), "closes": day(21)}]
    row = student("a", cohort="c", entered_at=day(0))
    found = days_of_snapshots([row], [], cadence="weekly", until=60, cohorts=cohorts)
    assert found == {"a": [0, 7, 14]}


def test_a_cohort_that_closes_with_the_data_is_not_closed_yet() -> None:
    cohorts = [{"cohort": "c", "starts": day(0), "closes": day(21)}]
    row = student("a", cohort="c", entered_at=day(0))
    options: dict[str, Any] = {"cadence": "daily", "cohorts": cohorts}
    assert days_of_snapshots([row], [], until=21, **options)["a"] == list(range(21))
    assert days_of_snapshots([row], [], until=23, **options)["a"] == list(range(21))


def test_a_censored_cohort_has_none_from_where_its_records_end() -> None:
    cohorts = [
        {"cohort": "c", "starts": day(0), "closes": day(100), "observed_until": day(14)},
    ]
    row = student("a", cohort="c", entered_at=day(0))
    found = days_of_snapshots([row], [], cadence="weekly", until=60, cohorts=cohorts)
    assert found == {"a": [0, 7]}


def test_a_window_keeps_the_last_days_only() -> None:
    options: dict[str, Any] = {"cadence": "weekly", "until": 30}
    assert of_one(0, [], since=day(14), **options) == [14, 21, 28]
    assert of_one(0, [], since=day(14) + 1, **options) == [21, 28]


def test_who_never_entered_has_none() -> None:
    assert of_one(None, [], cadence="weekly", until=30) == []
    assert of_one(40, [], cadence="daily", until=30) == []
    assert of_one(None, [event(31)], cadence="every_event", until=30) == []


def test_instants_before_the_epoch_lie_on_the_same_grid() -> None:
    before = -START // DAY - 10  # 1969-12-22, a Monday
    assert of_one(before + 1, [], cadence="weekly", until=before + 15) == [before + 7, before + 14]
