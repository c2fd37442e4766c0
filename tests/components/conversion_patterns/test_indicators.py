"""Differences of means by hand, and what they must not be fooled by."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from components.conversion_patterns.indicators import (
    behaviour_numbers,
    describe_indicators,
    standardised_difference,
)
from components.conversion_patterns.sampled import Outcomes
from components.event_example_gen import clock
from schemas import names
from schemas.conversion_patterns import Indicator
from schemas.features import Shape, query_features
from tests.sample_data import sample_config

CONFIG = sample_config(cohorts=False)  # stages Inquiry to Enrolled, likelihood in 14 days


def outcomes(stage: list[int], moved: list[bool], known_days: float = 30) -> Outcomes:
    """Who moved did so on day 3, to the next stage."""
    never = np.full((len(stage), 4), clock.NEVER)
    for row, (place, came) in enumerate(zip(stage, moved, strict=True)):
        never[row, : place + 2 if came else place + 1] = 3 * clock.DAY
    return Outcomes(
        np.array(stage),
        never,
        np.full(len(stage), clock.NEVER),
        np.full(len(stage), round(known_days * clock.DAY)),
    )


def test_of_one_stratum_it_is_cohens_d() -> None:
    values = np.array([1.0, 3.0, 5.0, 4.0, 6.0, 8.0])
    moved = np.array([False, False, False, True, True, True])
    found = standardised_difference(values, moved, np.zeros(6, np.int64))
    # Means 3 and 6; within both groups the squares add up to 8, so 16 / 4 = 4.
    assert found is not None
    assert found.value == pytest.approx(3 / 2)
    # 1 / W = 1/3 + 1/3, f = 4.
    assert found.error == pytest.approx(math.sqrt(2 / 3 + 1.5**2 / 8))


def test_a_difference_between_strata_is_no_difference() -> None:
    # Those long in the stage have larger numbers and move more often; within a class the
    # means are alike.
    values = np.array([1.0, 3.0, 1.0, 3.0, 11.0, 13.0, 11.0, 13.0, 11.0, 13.0])
    moved = np.array([True, True, False, False, True, True, True, True, False, False])
    stratum = np.array([0] * 4 + [1] * 6)
    found = standardised_difference(values, moved, stratum)
    assert found is not None
    assert found.value == pytest.approx(0.0)
    crude = values[moved].mean() - values[~moved].mean()
    assert crude > 1


def test_strata_are_weighted_by_what_they_can_tell() -> None:
    # 2 of each against 1 and 1: weights 2 * 2 / 4 = 1 and 1 / 2; differences 2 and -1.
    values = np.array([2.0, 4.0, 0.0, 2.0, 5.0, 6.0])
    moved = np.array([True, True, False, False, True, False])
    found = standardised_difference(values, moved, np.array([0, 0, 0, 0, 1, 1]))
    # Within groups the squares add up to 4, with 6 - 4 degrees of freedom.
    assert found is not None
    assert found.value == pytest.approx((1 * 2 + 0.5 * -1) / 1.5 / math.sqrt(2))


@pytest.mark.parametrize(
    ("values", "moved", "stratum"),
    [
        ([], [], []),
        ([1.0], [True], [0]),
        ([2.0, 2.0, 2.0, 2.0], [True, True, False, False], [0, 0, 0, 0]),
        ([1.0, 2.0, 3.0, 4.0], [True, True, True, True], [0, 0, 0, 0]),
        ([1.0, 2.0, 3.0, 4.0], [True, True, False, False], [0, 0, 1, 1]),
    ],
    ids=["nobody", "one", "no variation", "all moved", "no stratum with both"],
)
def test_where_nothing_can_be_compared(
    values: list[float], moved: list[bool], stratum: list[int]
) -> None:
    found = standardised_difference(
        np.array(values), np.array(moved, bool), np.array(stratum, np.int64)
    )
    assert found is None


def described(values: np.ndarray, known: Outcomes, key: str = "x") -> tuple[Indicator, ...]:
    return describe_indicators({key: values}, known, np.zeros(len(known), np.int64), CONFIG)


def test_an_indicator_has_its_numbers() -> None:
    moved = [True] * 6 + [False] * 10
    values = np.array([4.0, 6.0] * 3 + [1.0, 3.0] * 5)
    [found] = described(values, outcomes([0] * 16, moved))
    assert (found.from_stage, found.feature) == ("Inquiry", "x")
    assert (found.moved_on, found.stayed) == (6, 10)
    assert (found.mean_moved_on, found.mean_stayed) == (5.0, 2.0)
    # Every value is 1 off its mean: 16 / 14 is the variance within groups.
    size = 3 / math.sqrt(16 / 14)
    error = math.sqrt(1 / 6 + 1 / 10 + size**2 / 28)
    assert found.difference == pytest.approx(size)
    assert found.upper - found.difference == pytest.approx(1.959964 * error, rel=1e-5)
    assert found.difference - found.lower == pytest.approx(1.959964 * error, rel=1e-5)
    assert found.q_value == pytest.approx(math.erfc(size / error / math.sqrt(2)), rel=1e-4)


def test_what_is_not_known_to_its_end_is_left_out() -> None:
    known = outcomes([0] * 16, [True] * 6 + [False] * 10)
    short = Outcomes(known.stage, known.reached_after, known.other_after, known.known_for.copy())
    short.known_for[-3:] = 13 * clock.DAY
    [found] = described(np.arange(16.0), short)
    assert (found.moved_on, found.stayed) == (6, 7)


def test_a_group_that_is_too_small_is_not_shown() -> None:
    assert CONFIG.patterns.smallest_group == 5
    moved = [True] * 4 + [False] * 20
    assert described(np.arange(24.0), outcomes([0] * 24, moved)) == ()


def test_they_go_by_stage_and_then_by_size() -> None:
    rng = np.random.default_rng(1)
    moved = np.array([True, False] * 40)
    stage = [1] * 40 + [0] * 40
    noise = rng.normal(size=(2, 80))
    numbers = {"weak": noise[0] + moved, "strong": noise[1] - 3 * moved}
    found = describe_indicators(
        numbers, outcomes(stage, moved.tolist()), np.zeros(80, np.int64), CONFIG
    )
    assert [(each.from_stage, each.feature) for each in found] == [
        ("Inquiry", "strong"),
        ("Inquiry", "weak"),
        ("Visited", "strong"),
        ("Visited", "weak"),
    ]
    assert found[0].difference < 0


def test_behaviour_is_neither_the_place_in_the_funnel_nor_who_a_student_is() -> None:
    scalars = [spec.key for spec in query_features(CONFIG) if spec.shape is Shape.SCALAR]
    sample = pa.table({key: np.arange(3.0) for key in scalars})
    keys = set(behaviour_numbers(sample, CONFIG))
    assert names.Q_DAYS_IN_STAGE not in keys
    assert names.Q_YEAR_SIN not in keys
    assert names.Q_STAGE not in keys
    assert not [key for key in keys if key.startswith(names.PROFILE_PREFIX)]
    assert len(keys) > 3
