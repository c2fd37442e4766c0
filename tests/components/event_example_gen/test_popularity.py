"""Popularity and reach by day, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from components.event_example_gen import generate
from components.event_example_gen.popularity import (
    Breakpoints,
    Popularity,
    add_breakpoints,
    breakpoints_of,
    distinct_pairs,
    find_pairs,
    popularity_on,
    shares,
)
from schemas import names
from tests.components.event_example_gen.hand_made import day, event, example, make_tables, student
from tests.components.event_example_gen.in_memory import (
    Tables,
    make_histories,
    make_reference,
    of_students,
    run,
)
from tests.sample_data import DAY, START, sample_config, sample_tables

NORTH, SOUTH = 0, 1
E0, E1 = 0, 1

# Days and events of the north: a and b; c is in the south.
EVENTS = [
    event(10 / 24, "e0"),
    event(1 - 1 / 86_400_000_000, "e0"),  # the last microsecond of day 0
    event(1.5, "e0", student="b"),
    event(2.25, "e1", student="b"),
    event(2.5, "e2", "ignored", student="b"),
    event(3, "e0"),  # the first instant of day 3
    event(0.5, "e0", student="c"),
]
STUDENTS = [
    student("a", audience="north"),
    student("b", audience="north"),
    student("c", audience="south"),
]

# Day -> engagement -> active events of 7 and 28 days, students of 7 and 28 days; as of
# the start of the day. Day 0 has two events of a with e0, day 1 one of b with e0, day 2
# one of b with e1, day 3 one of a with e0.
NORTH_BY_HAND = {
    0: {},
    1: {E0: (2, 2, 1, 1)},
    2: {E0: (3, 3, 2, 2)},
    3: {E0: (3, 3, 2, 2), E1: (1, 1, 1, 1)},
    4: {E0: (4, 4, 2, 2), E1: (1, 1, 1, 1)},
    7: {E0: (4, 4, 2, 2), E1: (1, 1, 1, 1)},
    8: {E0: (2, 4, 2, 2), E1: (1, 1, 1, 1)},
    9: {E0: (1, 4, 1, 2), E1: (1, 1, 1, 1)},
    10: {E0: (1, 4, 1, 2), E1: (0, 1, 0, 1)},
    11: {E0: (0, 4, 0, 2), E1: (0, 1, 0, 1)},
    28: {E0: (0, 4, 0, 2), E1: (0, 1, 0, 1)},
    29: {E0: (0, 2, 0, 2), E1: (0, 1, 0, 1)},
    30: {E0: (0, 1, 0, 1), E1: (0, 1, 0, 1)},
    31: {E0: (0, 1, 0, 1)},
    32: {},
}
# The north as a whole: a student who was active with two engagements counts once.
TOTALS_BY_HAND = {
    0: (0, 0, 0, 0),
    1: (2, 2, 1, 1),
    2: (3, 3, 2, 2),
    3: (4, 4, 2, 2),
    4: (5, 5, 2, 2),
    7: (5, 5, 2, 2),
    8: (3, 5, 2, 2),
    9: (2, 5, 2, 2),
    10: (1, 5, 1, 2),
    11: (0, 5, 0, 2),
    28: (0, 5, 0, 2),
    29: (0, 3, 0, 2),
    30: (0, 2, 0, 2),
    31: (0, 1, 0, 1),
    32: (0, 0, 0, 0),
}


def counts_of(found: Popularity, pair: int) -> dict[int, tuple[int, ...]]:
    rows = range(found.start[pair], found.start[pair + 1])
    return {int(found.engagement[row]): tuple(found.count[row]) for row in rows}


def shifted(days: int) -> Tables:
    events = [{**row, names.TIMESTAMP: row[names.TIMESTAMP] + days * DAY} for row in EVENTS]
    return make_tables(STUDENTS, events)


def breakpoints(tables: Tables) -> Breakpoints:
    reference = make_reference(tables, sample_config(cohorts=False), START + 400 * DAY)
    histories = make_histories(tables, reference)
    return breakpoints_of(histories.events, histories.students.audience_code)


@pytest.mark.parametrize("shift", [0, -START // DAY - 3, -40_000], ids=["2024", "1970", "1914"])
def test_counts_of_seven_and_twenty_eight_days(shift: int) -> None:
    days = np.array(sorted(NORTH_BY_HAND)) + START // DAY + shift
    found = popularity_on(breakpoints(shifted(shift)), np.full(len(days), NORTH), days)
    by_day = dict(zip(sorted(NORTH_BY_HAND), range(len(days)), strict=True))
    assert {at: counts_of(found, pair) for at, pair in by_day.items()} == NORTH_BY_HAND
    assert {at: tuple(found.total[pair]) for at, pair in by_day.items()} == TOTALS_BY_HAND


def test_each_audience_counts_its_own_students() -> None:
    days = np.array([1, 2]) + START // DAY
    found = popularity_on(breakpoints(shifted(0)), np.full(2, SOUTH), days)
    assert [counts_of(found, pair) for pair in range(2)] == [{E0: (1, 1, 1, 1)}] * 2
    assert found.total.tolist() == [[1, 1, 1, 1]] * 2


def test_features_are_shares_as_of_the_start_of_the_day() -> None:
    # A snapshot at every event of a; the one of day 3 is at noon, after an event of day 3.
    events = [*EVENTS, event(3.5, "e1")]
    config = sample_config(cohorts=False, cadence="every_event")
    output = run(make_tables(STUDENTS, events), config, START + 90 * DAY)
    row = example(output, 3.5)
    assert row[names.C_ID] == ["e0", "e1", "e2"]
    assert row[names.C_POPULARITY_7] == pytest.approx([3 / 4, 1 / 4, 0])
    assert row[names.C_POPULARITY_28] == pytest.approx([3 / 4, 1 / 4, 0])
    assert row[names.C_REACH_7] == pytest.approx([2 / 2, 1 / 2, 0])
    assert row[names.C_REACH_28] == pytest.approx([2 / 2, 1 / 2, 0])
    assert row[names.C_OWN_COUNT] == [3, 0, 0]


def test_before_the_first_event_nothing_is_popular() -> None:
    students = [student("a", audience="north", entered_at=day(-14)), *STUDENTS[1:]]
    output = run(make_tables(students, EVENTS), sample_config(cohorts=False), START + 90 * DAY)
    early = example(output, -14)
    assert early[names.C_ID]
    for key in (names.C_POPULARITY_7, names.C_POPULARITY_28, names.C_REACH_7, names.C_REACH_28):
        assert set(early[key]) == {0}


def test_a_share_of_nothing_is_zero() -> None:
    count, total = np.array([0, 1, 3]), np.array([0, 4, 3])
    assert shares(count, total).tolist() == [0.0, 0.25, 1.0]
    assert shares(count, total).dtype == np.float32


def test_partitions_add_up() -> None:
    tables = sample_tables(cohorts=True, students=30)
    reference = make_reference(tables, sample_config(cohorts=True), START + 150 * DAY)
    ids = [row[names.STUDENT_ID] for row in tables[names.STUDENTS]]
    parts = [
        generate.survey(
            make_histories(of_students(tables, set(ids[part::3])), reference), reference, since=0
        ).breakpoints
        for part in range(3)
    ]
    whole = generate.survey(make_histories(tables, reference), reference, since=0).breakpoints
    together = add_breakpoints(parts)
    assert len(whole.day)
    for field in ("audience", "engagement", "day", "change"):
        assert getattr(together, field).tolist() == getattr(whole, field).tolist()


def test_without_events_there_are_no_breakpoints() -> None:
    empty = breakpoints(make_tables(STUDENTS))
    assert not len(add_breakpoints([empty, empty]).day)
    found = popularity_on(empty, np.array([NORTH]), np.array([START // DAY]))
    assert found.total.tolist() == [[0, 0, 0, 0]]
    assert found.start.tolist() == [0, 0]


def test_pairs_are_distinct_sorted_and_found() -> None:
    audience, days = distinct_pairs(np.array([1, 0, 1, 0]), np.array([-5, 9, -5, -7]))
    assert (audience.tolist(), days.tolist()) == ([0, 0, 1], [-7, 9, -5])
    place = find_pairs(audience, days, np.array([1, 0, 0, 2]), np.array([-5, 9, 8, 0]))
    assert place.tolist() == [2, 1, -1, -1]
    assert find_pairs(audience[:0], days[:0], audience, days).tolist() == [-1, -1, -1]
