from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.quality_parts.bootstrap import Estimate, StudentBootstrap, weighted_mean


def test_snapshots_of_a_student_come_and_go_together() -> None:
    student = np.array([0, 1, 0, 2, 1, 0])
    seen: list[np.ndarray] = []

    def remember(weights: np.ndarray) -> float:
        seen.append(weights)
        return 0.0

    StudentBootstrap(3, resamples=20, seed=1).estimate(remember, student)
    assert len(seen) == 21  # 20 resamples, and the rows as they are
    for weights in seen:
        assert weights[0] == weights[2] == weights[5]
        assert weights[1] == weights[4]
        assert weights[0] + weights[1] + weights[3] == 3  # students drawn
    assert len({tuple(weights) for weights in seen}) > 3


def test_one_student_is_always_the_same_sample() -> None:
    values = np.array([1.0, 4.0])
    estimate = StudentBootstrap(1, 10, 1).estimate(weighted_mean(values), np.array([0, 0]))
    assert estimate.value == 2.5
    assert estimate.interval == (2.5, 2.5)


def test_the_interval_is_the_middle_of_the_known_replicates() -> None:
    replicates = np.array([*range(101), math.nan])
    assert Estimate(3.0, replicates).interval == (2.5, 97.5)
    assert all(math.isnan(end) for end in Estimate(3.0, np.array([math.nan])).interval)


def test_the_interval_of_a_mean_is_as_wide_as_theory_says() -> None:
    values = (np.arange(400) % 4 == 0).astype(np.float64)
    student = np.arange(400)
    low, high = StudentBootstrap(400, 2000, 1).estimate(weighted_mean(values), student).interval
    assert (high - low) / 2 == pytest.approx(1.96 * math.sqrt(0.25 * 0.75 / 400), rel=0.1)
    # Ten times the same snapshots tell nothing new.
    ten = StudentBootstrap(400, 2000, 1).estimate(
        weighted_mean(np.tile(values, 10)), np.tile(student, 10)
    )
    assert ten.interval == pytest.approx((low, high))


def test_differences_are_paired() -> None:
    random = np.random.default_rng(2)
    values, student = random.random(50), np.arange(50)
    bootstrap = StudentBootstrap(50, 100, 3)
    one = bootstrap.estimate(weighted_mean(values), student)
    other = bootstrap.estimate(weighted_mean(values + 0.125), student)
    difference = other.minus(one)
    assert difference.value == pytest.approx(0.125)
    assert difference.interval == pytest.approx((0.125, 0.125))
    assert one.interval[0] < one.value < one.interval[1]


def test_a_view_that_a_resample_misses_is_not_a_number_there() -> None:
    # Student 0 alone is in the view; some resamples have others only.
    estimate = StudentBootstrap(3, 100, 1).estimate(weighted_mean(np.array([2.0])), np.array([0]))
    missed = np.isnan(estimate.replicates)
    assert 0 < missed.sum() < 100
    assert estimate.interval == (2.0, 2.0)


def test_there_must_be_a_student() -> None:
    with pytest.raises(ValueError, match="Received: 0"):
        StudentBootstrap(0, 10, 1)
