"""Counts by pair, time in the stage and day, from lives that are worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from components.conversion_patterns.competing_risks import CENSORED, OTHER, REACHED
from components.conversion_patterns.transition_counts import (
    TransitionCounts,
    count_transitions,
    stage_pairs,
)
from tests.components.conversion_patterns.hand_part import make_part, until
from tests.components.event_example_gen.hand_made import change, day, student

HORIZON = 10
AFTER = (0, 7)
ARRIVAL = (5,)
PAIRS = {pair: place for place, pair in enumerate(stage_pairs(4))}
Cells = dict[tuple[int, int], int]


def cells(found: TransitionCounts, pair: tuple[int, int], after: int) -> Cells:
    """(day, kind) -> students, without zeros."""
    table = found.counts[PAIRS[pair], AFTER.index(after)].sum(axis=0)
    return {(int(d), int(k)): int(table[d, k]) for d, k in zip(*np.nonzero(table), strict=True)}


def test_pairs_go_by_from_and_then_to() -> None:
    assert stage_pairs(4) == ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
    assert stage_pairs(2) == ((0, 1),)


@pytest.fixture(scope="module")
def found() -> TransitionCounts:
    part, _ = make_part(
        [student(name, entered_at=day(0)) for name in "abcd"] + [student("e", entered_at=day(15))],
        changes=[
            change(3.5, "Visited", student="a"),
            change(8.2, "Applied", student="a"),
            change(2.9, "lost", student="b"),
            change(9, "Enrolled", student="d"),
        ],
        plan=until(20),
    )
    return count_transitions(part, days_in_stage=AFTER, arrival_days=ARRIVAL, horizon=HORIZON)


def test_from_the_entry(found: TransitionCounts) -> None:
    # a on day 3, b lost on day 2, c stays, d on day 9, e is observed for five days.
    others = {(2, OTHER): 1, (5, CENSORED): 1}
    assert cells(found, (0, 1), 0) == {
        (3, REACHED): 1,
        (9, REACHED): 1,
        (10, CENSORED): 1,
        **others,
    }
    assert cells(found, (0, 2), 0) == {
        (8, REACHED): 1,
        (9, REACHED): 1,
        (10, CENSORED): 1,
        **others,
    }
    assert cells(found, (0, 3), 0) == {(9, REACHED): 1, (10, CENSORED): 2, **others}


def test_from_a_week_on_of_those_that_are_still_in_the_stage(found: TransitionCounts) -> None:
    # c and d are; a has left, b is lost, e's week ends after the training time.
    assert cells(found, (0, 1), 7) == {(2, REACHED): 1, (10, CENSORED): 1}
    assert cells(found, (0, 3), 7) == {(2, REACHED): 1, (10, CENSORED): 1}


def test_from_a_later_stage_of_those_that_entered_it(found: TransitionCounts) -> None:
    # a was in Visited from 3.5 to 8.2, so 4.7 days; d jumped over it.
    assert cells(found, (1, 2), 0) == {(4, REACHED): 1}
    assert cells(found, (1, 3), 0) == {(10, CENSORED): 1}
    assert cells(found, (1, 2), 7) == {}
    # Known from 8.2 to 20, which is the whole horizon.
    assert cells(found, (2, 3), 0) == {(10, CENSORED): 1}


def test_students_are_told_apart_by_how_long_they_took_to_come() -> None:
    part, _ = make_part(
        [student(name, entered_at=day(2)) for name in "ab"],
        changes=[
            change(7, "Visited", student="a"),
            change(9, "Applied", student="a"),
            change(7.1, "Visited", student="b"),
        ],
    )
    found = count_transitions(part, days_in_stage=(0,), arrival_days=ARRIVAL, horizon=HORIZON)
    early, late = found.counts[PAIRS[1, 2], 0]
    assert (early.sum(), early[2, REACHED]) == (1, 1)
    assert (late.sum(), late[HORIZON, CENSORED]) == (1, 1)
    # Everyone comes into the first stage at once.
    assert found.counts[PAIRS[0, 1], 0].sum(axis=(1, 2)).tolist() == [2, 0]


def test_partitions_add_up() -> None:
    one = TransitionCounts(np.full((6, 1, 3, 3), 2))
    assert (one + one).counts.tolist() == np.full((6, 1, 3, 3), 4).tolist()


def test_of_nobody_nothing_is_counted() -> None:
    part, _ = make_part([student("a")])
    empty = count_transitions(part, days_in_stage=AFTER, arrival_days=ARRIVAL, horizon=HORIZON)
    assert empty.counts.shape == (6, 2, 2, HORIZON + 1, 3)
    assert not empty.counts.any()
