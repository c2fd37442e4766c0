"""Adjusted p-values by hand, and the share of false findings that they keep to."""

from __future__ import annotations

import numpy as np
import pytest

from components.conversion_patterns.false_discovery import q_values


def test_adjusted_p_values_worked_out_by_hand() -> None:
    # In order .01 4/1 = .04, .03 4/2 = .06, .04 4/3 = .0533, .2 4/4 = .2; .06 comes down.
    found = q_values(np.array([0.01, 0.04, 0.03, 0.2]))
    assert found.tolist() == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.2])


@pytest.mark.parametrize(
    ("given", "expected"), [([], []), ([0.3], [0.3]), ([0.9, 0.8, 1.0], [1.0, 1.0, 1.0])]
)
def test_few_and_large_ones(given: list[float], expected: list[float]) -> None:
    assert q_values(np.array(given)).tolist() == pytest.approx(expected)


def test_ties_are_adjusted_alike() -> None:
    assert len(set(q_values(np.array([0.02, 0.02, 0.02, 0.5])).tolist()[:3])) == 1


def test_of_nothing_but_chance_few_are_called_findings() -> None:
    rng = np.random.default_rng(3)
    called = [bool((q_values(rng.random(50)) <= 0.05).any()) for _ in range(1000)]
    # At most 5 % of the trials, and three standard deviations of such a share.
    assert np.mean(called) <= 0.05 + 3 * 0.0069
