"""Shapley's shares against the definition: the mean over all orders."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from schemas.goal_parameters import GoalParameters
from serving.goals.shares import log_odds, shares
from serving.goals.synthesis import Synthesis


def test_shares_are_means_over_orders(parameters: GoalParameters) -> None:
    rng = np.random.default_rng(3)
    synthesis = Synthesis(parameters)
    synthesis.weights = rng.uniform(0, 2, (2, 4))
    student, reference = rng.normal(size=(2, 4)), rng.normal(size=(2, 4))

    def value(replaced: set[int]) -> float:
        p = 1.0
        for step in range(2):
            z = synthesis.intercepts[step]
            for factor in range(4):
                source = student if factor in replaced else reference
                z += synthesis.weights[step, factor] * source[step, factor]
            p /= 1 + math.exp(-z)
        return math.log(p / (1 - p))

    expected = np.zeros(4)
    orders = list(itertools.permutations(range(4)))
    for order in orders:
        for place, factor in enumerate(order):
            before = set(order[:place])
            expected[factor] += (value(before | {factor}) - value(before)) / len(orders)
    base, found = shares(synthesis, student, reference, 0, 2)
    assert base == pytest.approx(value(set()), abs=1e-12)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert base + found.sum() == pytest.approx(value({0, 1, 2, 3}), abs=1e-12)


def test_one_step_is_linear(parameters: GoalParameters) -> None:
    student, reference = np.array([[2.0, 3.0], [9.0, 9.0]]), np.array([[1.0, -1.0], [0.0, 0.0]])
    base, found = shares(Synthesis(parameters), student, reference, 0, 1)
    assert base == pytest.approx(1.0 - 0.5, abs=1e-12)
    np.testing.assert_allclose(found, [1.0 * (2 - 1), 0.5 * (3 + 1)], atol=1e-12)


def test_log_odds_stay_finite_at_the_ends() -> None:
    found = log_odds(np.array([[0.0], [-800.0], [-math.log(2)]]))
    assert np.isfinite(found).all()
    assert found[2] == pytest.approx(0.0, abs=1e-12)
    assert found[1] == pytest.approx(-800.0)
