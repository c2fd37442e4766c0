"""The fit of the steps against closed forms and a brute-force minimum."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import optimize

from components.goal_calibrator.step_fit import StepRows, fit_steps, steps_of_labels

Floats = npt.NDArray[np.float64]


def table(low: tuple[int, int], high: tuple[int, int]) -> StepRows:
    """One step and one factor of 0 or 1; (taken, not taken) at each, a student a row."""
    counts = (*low, *high)
    factor = np.repeat([0.0, 0.0, 1.0, 1.0], counts)
    taken = np.repeat([1.0, 0.0, 1.0, 0.0], counts)
    rows = len(factor)
    return StepRows(
        factor[:, None, None], taken[:, None], np.ones((rows, 1), bool), np.arange(rows)
    )


def test_a_two_by_two_table_has_its_odds_ratio() -> None:
    found = fit_steps(table((20, 80), (50, 50)), fewest_conversions=1, ridge=0.0)
    assert found.intercepts[0] == pytest.approx(math.log(20 / 80), abs=1e-3)
    assert found.weights[0, 0] == pytest.approx(math.log(4), abs=1e-3)
    assert (found.students[0], found.conversions[0]) == (200, 70)
    assert not found.pooled[0]


def test_a_factor_of_the_wrong_sign_has_no_weight() -> None:
    found = fit_steps(table((50, 50), (20, 80)), fewest_conversions=1, ridge=0.0)
    assert found.weights[0, 0] == 0.0
    assert found.intercepts[0] == pytest.approx(math.log(70 / 130), abs=1e-3)


def test_chain_of_labels_by_hand() -> None:
    reached = np.array([[1.0, 1, 0], [1, 1, 1], [1, 0, 0], [1, 1, 0]])
    known = np.array([[1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 0]], bool)
    taken, before = steps_of_labels(np.array([0, 1, 0, 0]), reached, known)
    assert before.tolist() == [[True, True], [False, True], [True, False], [True, False]]
    assert taken.tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]


def simulated(rows: int, steps: int, seed: int) -> StepRows:
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(rows, steps, 2))
    z = np.linspace(0.5, -0.5, steps) + factors @ np.array([1.2, -0.6])
    taken = (rng.random((rows, steps)) < 1 / (1 + np.exp(-z))).astype(float)
    return StepRows(factors, taken, rng.random((rows, steps)) < 0.8, np.arange(rows))


def brute_force(rows: StepRows, ridge: float) -> Floats:
    """Shared intercepts and weights by SLSQP, without a gradient, over written-out sums."""
    steps = rows.taken.shape[1]

    def loss(values: Floats) -> float:
        total = 0.5 * ridge * float(values @ values)
        for step in range(steps):
            here = rows.before[:, step]
            z = values[step] + rows.factors[here, step] @ values[steps:]
            y = rows.taken[here, step]
            total += float((y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)).sum())
        return total

    bounds = [(None, None)] * steps + [(0, None)] * 2
    result = optimize.minimize(
        loss, np.zeros(steps + 2), method="SLSQP", bounds=bounds, options={"ftol": 1e-12}
    )
    assert result.success
    return np.asarray(result.x)


def test_pooled_steps_share_the_brute_force_minimum() -> None:
    rows = simulated(300, 3, seed=5)
    found = fit_steps(rows, fewest_conversions=10_000, ridge=2.0)
    expected = brute_force(rows, 2.0)
    assert found.pooled.all()
    np.testing.assert_allclose(found.intercepts, expected[:3], atol=2e-3)
    np.testing.assert_allclose(found.weights, np.tile(expected[3:], (3, 1)), atol=2e-3)
    assert expected[4] == pytest.approx(0.0, abs=1e-6)  # its true sign is the wrong one


def test_own_weights_lie_between_their_data_and_the_shared_ones() -> None:
    rows = simulated(400, 2, seed=6)
    free = fit_steps(rows, fewest_conversions=20, ridge=0.0)
    tied = fit_steps(rows, fewest_conversions=20, ridge=1e6)
    for step in range(2):
        here = rows.before[:, step]
        alone = StepRows(
            rows.factors[here][:, [step]],
            rows.taken[here][:, [step]],
            np.ones((here.sum(), 1), bool),
            np.arange(here.sum()),
        )
        expected = brute_force(alone, 0.0)
        assert free.intercepts[step] == pytest.approx(expected[0], abs=5e-3)
        np.testing.assert_allclose(free.weights[step], expected[1:], atol=5e-3)
    np.testing.assert_allclose(tied.weights[0], tied.weights[1], atol=1e-3)


def test_fewer_than_twenty_students_on_either_side_are_pooled() -> None:
    assert fit_steps(table((0, 60), (19, 60)), fewest_conversions=20, ridge=1.0).pooled[0]
    assert fit_steps(table((60, 10), (60, 9)), fewest_conversions=20, ridge=1.0).pooled[0]
    assert not fit_steps(table((10, 60), (10, 60)), fewest_conversions=20, ridge=1.0).pooled[0]


def test_students_are_counted_and_not_their_states() -> None:
    rows = table((10, 60), (10, 60))
    same = StepRows(rows.factors, rows.taken, rows.before, np.arange(140) // 2)
    found = fit_steps(same, fewest_conversions=20, ridge=1.0)
    assert (found.students[0], found.conversions[0]) == (70, 10)
    assert found.pooled[0]


def test_no_rows_leave_every_step_at_one_half() -> None:
    none = StepRows(np.zeros((0, 2, 3)), np.zeros((0, 2)), np.zeros((0, 2), bool), np.zeros(0, int))
    found = fit_steps(none, fewest_conversions=20, ridge=1.0)
    assert found.intercepts.tolist() == [0.0, 0.0]
    assert found.weights.tolist() == [[0.0] * 3] * 2
    assert found.pooled.all()
