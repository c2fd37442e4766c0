"""Conformal radii by hand, and what they cover on simulated draws."""

from __future__ import annotations

import numpy as np
import pytest

from components.goal_calibrator.radii import Groups, covered, like_groups, radius
from schemas.goal_parameters import WIDE


def test_groups_are_of_one_period_and_like_predictions() -> None:
    probability = np.array([0.1, 0.9, 0.2, 0.8, 0.5, 0.3, 0.7])
    reached = np.array([0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0])
    period = np.array([0, 0, 0, 0, 0, 1, 1])
    found = like_groups(probability, reached, np.arange(7), period, size=2)
    # Period 0: (.1, .2), (.5, .8), .9 is left over; period 1: (.3, .7).
    np.testing.assert_allclose(found.predicted, [0.15, 0.65, 0.5])
    np.testing.assert_allclose(found.reached, [0.5, 0.5, 0.5])


def test_a_student_is_once_in_a_period() -> None:
    found = like_groups(
        np.array([0.2, 0.9, 0.4]),
        np.array([0.0, 1.0, 1.0]),
        np.array([5, 5, 6]),
        np.zeros(3, int),
        size=2,
    )
    np.testing.assert_allclose(found.predicted, [0.3])
    np.testing.assert_allclose(found.reached, [0.5])


def test_no_states_make_no_groups_and_a_wide_radius() -> None:
    none = np.zeros(0)
    found = like_groups(none, none, np.zeros(0, int), np.zeros(0, int), size=25)
    assert len(found.predicted) == 0
    assert radius(found, level=0.9, size=25) == WIDE


def test_radius_is_the_score_of_the_conformal_rank() -> None:
    # sqrt(.5 * .5) = .5: scores of 0, .02, ..., .18; with 9 groups rank ceil(10 * .9) = 9.
    groups = Groups(np.full(9, 0.5), 0.5 + 0.01 * np.arange(1, 10)[::-1])
    assert radius(groups, level=0.9, size=25) == pytest.approx(0.18)
    assert radius(groups, level=0.5, size=25) == pytest.approx(0.10)  # rank 5
    eight = Groups(groups.predicted[:8], groups.reached[:8])
    assert radius(eight, level=0.9, size=25) == WIDE  # rank 9 of 8


def test_covered_counts_the_ends_as_inside() -> None:
    groups = Groups(np.array([0.5, 0.5, 0.01]), np.array([0.6, 0.61, 0.0]))
    # .5 +- .2 * .5; .01 counts as .02 in the width: .01 +- .028, cut at 0.
    assert covered(groups, 0.2, size=25).tolist() == [True, False, True]


def simulated(rng: np.random.Generator, periods: int, shock: float) -> Groups:
    students = 100
    z = rng.normal(-0.5, 1.0, (periods, students))
    moved = z + shock * rng.normal(size=(periods, 1))
    probability = 1 / (1 + np.exp(-z))
    reached = rng.random(z.shape) < 1 / (1 + np.exp(-moved))
    return like_groups(
        probability.ravel(),
        reached.ravel().astype(float),
        np.arange(z.size),
        np.repeat(np.arange(periods), students),
        size=25,
    )


@pytest.mark.parametrize("shock", [0.0, 0.5])
def test_intervals_cover_nine_of_ten_new_groups(shock: float) -> None:
    rng = np.random.default_rng(11)
    width = radius(simulated(rng, 600, shock), level=0.9, size=25)
    share = covered(simulated(rng, 600, shock), width, size=25).mean()
    assert 0.88 <= share <= 0.92
