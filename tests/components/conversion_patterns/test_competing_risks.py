"""Aalen-Johansen against counting, Kaplan-Meier and Greenwood, and arithmetic by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from components.conversion_patterns.competing_risks import (
    CENSORED,
    OTHER,
    REACHED,
    Follow,
    count_days,
    cumulative_incidence,
    interval,
    outcomes,
    quantile_days,
    wilson,
)
from components.event_example_gen import clock

HORIZON = 10
Reals = npt.NDArray[np.float64]


def days(*values: float | None) -> npt.NDArray[np.int64]:
    """Instants in days after an origin at 0; None: never."""
    return np.array([clock.NEVER if v is None else int(v * clock.DAY) for v in values])


def follow(
    reached: list[float | None], other: list[float | None], known: list[float | None]
) -> Follow:
    return Follow(days(*[0.0] * len(reached)), days(*reached), days(*other), days(*known))


def counts(rows: dict[int, tuple[int, int, int]]) -> npt.NDArray[np.int64]:
    found = np.zeros((HORIZON + 1, 3), np.int64)
    for day, row in rows.items():
        found[day] = row
    return found


def test_who_ends_when_and_by_what() -> None:
    students = follow(
        reached=[2.5, None, 4.0, None, 3.2, 12.0],
        other=[None, 0.1, 4.0, None, None, None],
        known=[None, None, None, 6.9, 3.1, None],
    )
    day, kind = outcomes(students, HORIZON)
    # Reached on day 2; lost on day 0; both at one instant: reached; observed for six whole
    # days; reached after the observation; reached after the horizon.
    assert day.tolist() == [2, 0, 4, 6, 3, HORIZON]
    assert kind.tolist() == [REACHED, OTHER, REACHED, CENSORED, CENSORED, CENSORED]
    found = count_days(students, HORIZON)
    assert found.sum() == 6
    assert found[HORIZON].tolist() == [0, 0, 1]


def test_a_day_that_is_not_observed_to_its_end_is_not_counted() -> None:
    day, kind = outcomes(follow([3.2], [None], [3.5]), HORIZON)
    assert (day[0], kind[0]) == (3, CENSORED)


def test_without_censoring_it_is_the_share_and_its_variance_that_of_a_share() -> None:
    table = counts({1: (3, 2, 0), 4: (5, 1, 0), 9: (2, 0, 0), HORIZON: (0, 0, 7)})
    found = cumulative_incidence(table)
    assert found.curve[-1] == pytest.approx(10 / 20)
    assert found.curve[2] == pytest.approx(3 / 20)
    assert found.curve[5] == pytest.approx(8 / 20)
    assert found.free == pytest.approx(7 / 20)
    assert found.variance == pytest.approx(0.5 * 0.5 / 20)
    assert found.resolved == 20
    assert found.complete


def test_without_competing_events_it_is_kaplan_meier_with_greenwoods_variance() -> None:
    table = counts({0: (2, 0, 1), 3: (1, 0, 4), 6: (3, 0, 0), HORIZON: (0, 0, 9)})
    # At risk: a student censored on a day is not at risk on it.
    survival, greenwood = 1.0, 0.0
    for events, at_risk in ((2, 19), (1, 13), (3, 12)):
        survival *= 1 - events / at_risk
        greenwood += events / (at_risk * (at_risk - events))
    found = cumulative_incidence(table)
    assert found.curve[-1] == pytest.approx(1 - survival)
    assert found.variance == pytest.approx(survival**2 * greenwood)
    assert found.resolved == 15


def test_a_competing_event_is_no_censoring() -> None:
    # Half are lost on day 0, then one of the other two reaches: 1/4. Taken for censored
    # the lost would make it 1/2.
    found = cumulative_incidence(counts({0: (0, 2, 0), 5: (1, 0, 0), HORIZON: (0, 0, 1)}))
    assert found.curve[-1] == pytest.approx(0.25)


def test_groups_are_estimated_side_by_side() -> None:
    one = counts({1: (3, 2, 0), HORIZON: (0, 0, 7)})
    other = counts({0: (0, 0, 4)})
    both = cumulative_incidence(np.stack([one, other]))
    assert both.curve[:, -1].tolist() == [pytest.approx(0.25), 0.0]
    assert both.complete.tolist() == [True, False]
    assert both.resolved.tolist() == [12, 0]


@pytest.mark.parametrize(
    ("rows", "expected", "complete"),
    [
        ({0: (0, 0, 9)}, 0.0, False),
        ({HORIZON: (0, 0, 1)}, 0.0, True),
        ({3: (1, 0, 0)}, 1.0, True),
        ({0: (0, 5, 0)}, 0.0, True),
        ({}, 0.0, False),
    ],
    ids=["all censored", "one stays", "one reaches", "all lost", "nobody"],
)
def test_degenerate_groups(
    rows: dict[int, tuple[int, int, int]], expected: float, complete: bool
) -> None:
    found = cumulative_incidence(counts(rows))
    assert found.curve[-1] == expected
    assert found.variance == 0.0
    assert bool(found.complete) is complete


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    # Exponential event and loss, uniform censoring; truth by the closed form.
    rng = np.random.default_rng(5)
    rate, loss, horizon = 0.05, 0.03, 30
    truth = rate / (rate + loss) * (1 - np.exp(-(rate + loss) * horizon))
    covered = 0
    for _ in range(400):
        reached, other = rng.exponential(1 / rate, 120), rng.exponential(1 / loss, 120)
        known = rng.uniform(5, 80, 120)
        students = Follow(
            np.zeros(120, np.int64),
            *((each * clock.DAY).astype(np.int64) for each in (reached, other, known)),
        )
        found = cumulative_incidence(count_days(students, horizon))
        low, high = interval(found.curve[-1], found.variance, found.resolved, 0.95)
        covered += bool(low <= truth <= high)
    # 95 % of 400, give or take three standard deviations of such a count.
    assert 367 <= covered <= 393


@pytest.mark.parametrize(
    ("share", "number", "expected"),
    [(0.0, 10, (0.0, 0.2775)), (0.5, 10, (0.2366, 0.7634)), (1.0, 1, (0.2065, 1.0))],
)
def test_wilsons_interval_as_in_textbooks(
    share: float, number: int, expected: tuple[float, float]
) -> None:
    low, high = wilson(np.array(share), np.array(number), 0.95)
    assert (float(low), float(high)) == pytest.approx(expected, abs=1e-4)


def test_where_nothing_is_known_the_interval_is_everything() -> None:
    low, high = interval(np.array(0.0), np.array(0.0), np.array(0), 0.95)
    assert (float(low), float(high)) == (0.0, 1.0)


def test_the_typical_time_is_linear_within_a_day() -> None:
    curve = np.array([0.0, 0.1, 0.1, 0.3, 0.4])
    assert quantile_days(curve, 0.25) == pytest.approx(1.0)
    assert quantile_days(curve, 0.5) == pytest.approx(2.5)
    assert quantile_days(np.zeros(4), 0.5) is None


def test_a_share_that_rounding_put_past_one_has_an_interval_within_one() -> None:
    lower, upper = wilson(np.array([1.0000000000000002, -1e-17]), np.array([50.0, 50.0]), 0.95)
    assert upper[0] == 1.0
    assert lower[1] == 0.0
    assert 0.9 < lower[0] < 1.0
