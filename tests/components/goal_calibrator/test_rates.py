"""Rates from patterns, and profiles of training students, counted by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from components.goal_calibrator.cluster_rates import cluster_rates
from components.goal_calibrator.goal_rows import GoalLabels
from components.goal_calibrator.profiles import profiles
from components.goal_calibrator.stage_rates import stage_rates
from schemas.conversion_patterns import (
    NOTHING_KNOWN,
    Chance,
    ChanceFromNowOn,
    Cluster,
    Clustering,
    ConversionPatterns,
)
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


def chance(probability: float) -> Chance:
    return Chance(probability=probability, lower=0.0, upper=1.0)


def entries(*found: tuple[int, int, int, Chance]) -> tuple[ChanceFromNowOn, ...]:
    return tuple(
        ChanceFromNowOn(days_in_stage=days, students=students, reached=reached, chance=each)
        for days, students, reached, each in found
    )


@pytest.fixture
def counted(patterns: ConversionPatterns) -> ConversionPatterns:
    """From the first stage, at once and after a week; nothing is known from the second."""
    found = {
        ("applied", "admitted"): entries((0, 40, 20, chance(0.5)), (7, 20, 4, chance(0.2))),
        ("applied", "enrolled"): entries((0, 40, 10, chance(0.25)), (7, 20, 0, chance(0.0))),
        ("admitted", "enrolled"): entries((0, 0, 0, NOTHING_KNOWN), (7, 0, 0, NOTHING_KNOWN)),
    }
    pairs = tuple(
        pair.model_copy(update={"from_now_on": found[pair.from_stage, pair.to_stage]})
        for pair in patterns.transitions
    )
    return patterns.model_copy(update={"transitions": pairs})


def test_rates_are_steps_of_the_chances_shrunk_to_the_stage(counted: ConversionPatterns) -> None:
    rates = stage_rates(counted, prior=20.0)[0]
    assert rates.days == (0.0, 7.0)
    assert rates.students == ((40, 40, 40), (20, 20, 20))
    assert rates.reached == ((40, 20, 10), (20, 4, 0))
    # Step 1, all: (40 * .5 + 20 * .2 + .5) / 61. At once: (20 + 20 whole) / 60.
    whole = 24.5 / 61
    early, late = (20 + 20 * whole) / 60, (4 + 20 * whole) / 40
    assert rates.log_odds[0][1] == pytest.approx(math.log(early / (1 - early)))
    assert rates.log_odds[1][1] == pytest.approx(math.log(late / (1 - late)))
    # Step 2: 20 of 40 stood before it and 4 of 20; half of the former took it, none of these.
    whole = (10 + 0.5) / (24 + 1)
    early, late = (10 + 20 * whole) / 40, (20 * whole) / 24
    assert rates.log_odds[0][2] == pytest.approx(math.log(early / (1 - early)))
    assert rates.log_odds[1][2] == pytest.approx(math.log(late / (1 - late)))


def test_a_stage_that_nobody_entered_is_at_even_odds(counted: ConversionPatterns) -> None:
    second, last = stage_rates(counted, prior=20.0)[1:]
    assert second.students == ((0, 0, 0), (0, 0, 0))
    assert second.log_odds[0] == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)
    assert (last.days, last.students, last.log_odds) == ((0.0,), ((0, 0, 0),), ((0.0, 0.0, 0.0),))


def test_a_step_from_where_nobody_came_counts_at_the_mean(counted: ConversionPatterns) -> None:
    pair = counted.transition("applied", "admitted")
    none_came = pair.model_copy(
        update={"from_now_on": entries((0, 40, 20, chance(0.5)), (7, 20, 0, chance(0.0)))}
    )
    changed = counted.model_copy(update={"transitions": (none_came, *counted.transitions[1:])})
    rates = stage_rates(changed, prior=20.0)[0]
    whole = (10 + 0.5) / (20 + 1)  # of the second step, at once alone
    assert rates.log_odds[1][2] == pytest.approx(math.log(whole / (1 - whole)))


def cluster(name: str, students: int, conversion: dict[str, Chance | None]) -> Cluster:
    return Cluster(
        name=name,
        students=students,
        share=0.5,
        centroid=(1.0,),
        traits=(),
        stages={},
        conversion=conversion,
    )


def test_clusters_are_told_by_their_odds_against_the_mean() -> None:
    clustering = Clustering(
        clusters=(
            cluster("many", 60, {"admitted": chance(0.5), "enrolled": NOTHING_KNOWN}),
            cluster("few", 20, {"admitted": chance(0.1), "enrolled": None}),
        ),
        silhouette=0.5,
        stability=1.0,
        reason="",
    )
    many, few = cluster_rates(clustering, STAGES, prior=20.0)
    whole = (30 + 2 + 0.5) / 81
    for found, reached, students in ((many, 30, 60), (few, 2, 20)):
        own = (reached + 20 * whole) / (students + 20)
        expected = math.log(own / (1 - own)) - math.log(whole / (1 - whole))
        assert found.log_odds == pytest.approx((0.0, expected, 0.0), abs=1e-12)
    assert many.log_odds[1] > 0 > few.log_odds[1]
    assert (many.name, many.centroid, many.students) == ("many", (1.0,), 60)
    nothing = clustering.model_copy(update={"clusters": ()})
    assert cluster_rates(nothing, STAGES, prior=20.0) == ()


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
