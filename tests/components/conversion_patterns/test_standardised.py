"""Incidence put together from groups, against arithmetic by hand and a simulated truth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from components.conversion_patterns.competing_risks import Follow, count_days, cumulative_incidence
from components.conversion_patterns.standardised import join_small, standardised_incidence
from components.event_example_gen import clock

HORIZON = 10
Codes = npt.NDArray[np.int64]


def counts(rows: dict[int, tuple[int, int, int]]) -> Codes:
    """Day -> reached, met the competing event, end of observation."""
    found = np.zeros((HORIZON + 1, 3), np.int64)
    for day, row in rows.items():
        found[day] = row
    return found


FAST = counts({2: (30, 10, 0), HORIZON: (0, 0, 20)})
SLOW = counts({4: (5, 5, 0), HORIZON: (0, 0, 30)})
CUT = counts({1: (2, 0, 5)})


def test_without_censoring_groups_make_no_difference() -> None:
    found = standardised_incidence(np.stack([FAST, SLOW]))
    assert found.curve[-1] == pytest.approx(35 / 100)
    assert found.variance == pytest.approx(0.35 * 0.65 / 100)
    assert found.free == pytest.approx(50 / 100)
    assert found.resolved == 100
    assert found.complete
    np.testing.assert_allclose(found.curve, cumulative_incidence(FAST + SLOW).curve)


def test_with_censoring_each_group_counts_by_its_size() -> None:
    # 40 slow ones more that are seen for three days: nothing happens to them in these, and
    # what will is what happens to slow ones.
    slow = SLOW + counts({3: (0, 0, 40)})
    found = standardised_incidence(np.stack([FAST, slow]))
    # 60 fast ones of whom half reach, 80 slow ones of whom 5 of 40 do.
    assert found.curve[-1] == pytest.approx((60 * 30 / 60 + 80 * 5 / 40) / 140)
    fast_share, slow_share = 60 / 140, 80 / 140
    mean = fast_share * 0.5 + slow_share * 0.125
    within = fast_share**2 * 0.5 * 0.5 / 60 + slow_share**2 * 0.125 * 0.875 / 40
    between = (fast_share * (0.5 - mean) ** 2 + slow_share * (0.125 - mean) ** 2) / 140
    assert found.variance == pytest.approx(within + between)
    # All in one, fast ones that nothing happened to stand for slow ones not seen any more.
    together = cumulative_incidence(FAST + slow).curve[-1]
    assert together == pytest.approx(30 / 140 + 100 / 140 * 5 / 60)


def test_groups_in_which_too_few_are_followed_join_the_next() -> None:
    nobody = counts({})
    assert join_small(np.stack([CUT, nobody, FAST, SLOW])).tolist() == [
        (CUT + FAST).tolist(),
        SLOW.tolist(),
    ]
    assert join_small(np.stack([FAST, SLOW, CUT])).tolist() == [
        FAST.tolist(),
        (SLOW + CUT).tolist(),
    ]
    assert join_small(np.stack([CUT, nobody])).tolist() == [CUT.tolist()]


@pytest.mark.parametrize(
    ("rows", "stands_alone"),
    [
        ({1: (0, 0, 9), HORIZON: (0, 0, 10)}, True),
        ({1: (0, 0, 9), HORIZON: (0, 0, 9)}, False),
        ({1: (0, 0, 9), HORIZON - 1: (4, 6, 0)}, True),
        ({1: (0, 0, 9), HORIZON - 1: (0, 0, 10)}, False),
        ({1: (1, 0, 0)}, True),
        ({}, False),
    ],
    ids=["ten to the end", "nine", "ten to the last day", "none", "all resolved", "nobody"],
)
def test_which_groups_stand_alone(
    rows: dict[int, tuple[int, int, int]], stands_alone: bool
) -> None:
    joined = join_small(np.stack([counts(rows), FAST]))
    assert len(joined) == 1 + stands_alone


def test_of_nobody_nothing_is_known() -> None:
    found = standardised_incidence(np.stack([counts({}), counts({})]))
    assert (found.curve[-1], found.variance, found.resolved) == (0.0, 0.0, 0)
    assert not found.complete


def test_it_is_not_misled_where_the_slow_are_the_ones_that_come_late() -> None:
    # Two kinds of students; the slow come later, and all are observed until one day.
    rng = np.random.default_rng(8)
    size, rates, end = 40_000, (0.08, 0.01), 30
    kinds = [np.arange(size) % 2 == kind for kind in (0, 1)]
    entered = np.where(kinds[1], rng.uniform(12, end, size), rng.uniform(0, end - 10, size))
    took = np.where(
        kinds[1], rng.exponential(1 / rates[1], size), rng.exponential(1 / rates[0], size)
    )
    students = [
        Follow(
            np.zeros(int(kind.sum()), np.int64),
            (took[kind] * clock.DAY).astype(np.int64),
            np.full(int(kind.sum()), clock.NEVER),
            ((end - entered[kind]) * clock.DAY).astype(np.int64),
        )
        for kind in kinds
    ]
    groups = np.stack([count_days(each, HORIZON) for each in students])
    truth = np.mean([1 - np.exp(-rate * HORIZON) for rate in rates])
    apart, together = standardised_incidence(groups), cumulative_incidence(groups.sum(axis=0))
    error = np.sqrt(apart.variance)
    assert abs(apart.curve[-1] - truth) < 3 * error
    assert together.curve[-1] - truth > 4 * error
