"""Rates and profiles of training students, counted by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from components.goal_calibrator.goal_rows import GoalLabels
from components.goal_calibrator.profiles import profiles
from components.goal_calibrator.stage_rates import stage_rates
from schemas.goal_parameters import PROFILE_FEATURES

STAGES = ("applied", "admitted", "enrolled")


@pytest.fixture
def labels() -> GoalLabels:
    """Six states of five students in the first stage; student 0 is seen twice."""
    top = np.array([1, 1, 0, 2, 0, 0])
    return GoalLabels(
        stage=np.zeros(6, np.int64),
        days_in_stage=np.array([0.0, 7.0, 0.0, 0.0, 7.0, 7.0]),
        students=np.array([0, 0, 1, 2, 3, 4]),
        period=np.zeros(6, np.int64),
        reached=(np.arange(3) <= top[:, None]).astype(float),
        known=np.ones((6, 3), bool),
        features=np.zeros((6, len(PROFILE_FEATURES))),
    )


def test_rates_count_students_and_shrink_to_the_stage(labels: GoalLabels) -> None:
    rates = stage_rates(labels, bins=2, prior=2.0)[0]
    # The median of the days is 3.5.
    assert rates.days == (0.0, 3.5)
    assert rates.students == ((3, 3, 3), (3, 3, 3))
    assert rates.reached == ((3, 2, 1), (3, 1, 0))
    # Step 1, all: (3 + .5) / (6 + 1) = 1/2. Early: (2 + 2/2) / (3 + 2) = 3/5; late 2/5.
    assert rates.log_odds[0][1] == pytest.approx(math.log(3 / 2))
    assert rates.log_odds[1][1] == pytest.approx(math.log(2 / 3))
    # Step 2, all: (1 + .5) / (3 + 1) = 3/8. Early: (1 + 3/4) / (2 + 2) = 7/16;
    # for the late bin it is (0 + 3/4) / (1 + 2), which is 1/4.
    assert rates.log_odds[0][2] == pytest.approx(math.log(7 / 9))
    assert rates.log_odds[1][2] == pytest.approx(math.log(1 / 3))


def test_unknown_outcomes_are_not_counted(labels: GoalLabels) -> None:
    known = labels.known.copy()
    known[3, 2] = False
    rates = stage_rates(dataclasses.replace(labels, known=known), bins=1, prior=1.0)[0]
    assert rates.students == ((5, 5, 4),)
    assert rates.reached == ((5, 2, 0),)


def test_a_stage_without_students_is_at_even_odds(labels: GoalLabels) -> None:
    rates = stage_rates(labels, bins=5, prior=20.0)[1]
    assert rates.days == (0.0,)
    assert rates.students == ((0, 0, 0),)
    assert rates.log_odds[0] == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)


def test_days_that_are_all_alike_make_one_bin_with_students(labels: GoalLabels) -> None:
    same = dataclasses.replace(labels, days_in_stage=np.full(6, 10.0))
    rates = stage_rates(same, bins=5, prior=2.0)[0]
    assert rates.days == (0.0, 10.0)
    assert rates.students == ((0, 0, 0), (5, 5, 5))
    assert rates.log_odds[0][1] == pytest.approx(0.0, abs=1e-12)  # the stage's 1/2


def test_profiles_compare_the_two_sides(labels: GoalLabels) -> None:
    features = np.zeros((6, len(PROFILE_FEATURES)))
    features[:, 0] = [4.0, 6.0, 1.0, 8.0, 3.0, 2.0]
    found = profiles(dataclasses.replace(labels, features=features), STAGES, fewest=2)
    # To `enrolled` went one student, too few; features that never differ are left out.
    assert [(each.from_stage, each.goal, each.feature) for each in found] == [
        ("applied", "admitted", PROFILE_FEATURES[0])
    ]
    assert (found[0].reached, found[0].others) == (2, 3)
    assert (found[0].mean_reached, found[0].mean_others) == (6.0, 2.0)
    # Squares of 4, 6, 1, 8, 3, 2 less 4: 0, 4, 9, 16, 1, 4; 34 / 6.
    assert found[0].deviation == pytest.approx(math.sqrt(34 / 6))
    assert profiles(labels, STAGES, fewest=3) == ()
