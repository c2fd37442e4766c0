"""The equation of goal likelihoods, on arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest

from schemas.goal_parameters import LARGEST_LOGIT, WIDE, ClusterRates, Factor, StageRates
from serving.goals.synthesis import (
    ClusterTable,
    HeadOutputs,
    RateTable,
    cut_log_odds,
    factor_values,
    interval,
    reach,
    step_probabilities,
)


def test_reach_multiplies_the_steps_ahead() -> None:
    log_odds = np.log([[1.0, 1 / 3], [1.0, 1 / 3], [1.0, 1 / 3]])
    found = reach(log_odds, np.array([0, 1, 2]))
    np.testing.assert_allclose(found, [[1, 1 / 2, 1 / 8], [1, 1, 1 / 4], [1, 1, 1]], atol=1e-15)
    assert reach(np.array([[1e4, -1e4]]), np.array([0])).tolist() == [[1.0, 1.0, 0.0]]


def test_log_odds_are_cut_at_both_ends() -> None:
    found = cut_log_odds(np.array([0.0, 0.2, 0.5, 1.0]))
    expected = [-LARGEST_LOGIT, -math.log(4), 0.0, LARGEST_LOGIT]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_step_probabilities_divide_and_know_a_zero() -> None:
    found = step_probabilities(np.array([[1.0, 0.5, 0.125], [1.0, 0.0, 0.0]]))
    assert found.tolist() == [[0.5, 0.25], [0.0, 0.0]]


def test_factors_are_what_they_are_named() -> None:
    rates = (
        StageRates(days=(0.0,), students=((1, 1),), reached=((1, 1),), log_odds=((0.0, 7.0),)),
        StageRates(
            days=(0.0, 5.0),
            students=((1, 1),) * 2,
            reached=((1, 1),) * 2,
            log_odds=((0.0, 1.0), (0.0, 2.0)),
        ),
    )
    outputs = HeadOutputs(
        stage=np.array([0, 1, 1, 1]),
        likelihood=np.array([0.5, 0.8, 0.5, 0.5]),
        risk=np.array([0.5, 0.8, 0.5, 0.5]),
        network=np.array([[1.0, 0.2]] * 4),
        days_in_stage=np.array([99.0, 4.9, 5.0, -1.0]),
        days_since_active=np.array([0.0, 1.0, -3.0, math.e - 1]),
        embedding=np.array([[9.0, 1.0], [1.0, 9.0], [0.0, 0.0], [-1.0, -2.0]]),
    )
    clusters = (
        ClusterRates(name="a", centroid=(0.8, 0.0), students=1, log_odds=(0.0, 5.0)),
        ClusterRates(name="b", centroid=(0.0, 0.9), students=1, log_odds=(0.0, 6.0)),
    )
    found = factor_values(outputs, RateTable.of(rates), ClusterTable.of(clusters, 2))
    np.testing.assert_allclose(found[Factor.NETWORK][:, 0], [-math.log(4)] * 4)
    np.testing.assert_allclose(found[Factor.LIKELIHOOD][:, 0], [0, math.log(4), 0, 0], atol=1e-12)
    np.testing.assert_allclose(found[Factor.SAFETY][:, 0], [0, -math.log(4), 0, 0], atol=1e-12)
    assert found[Factor.RATE][:, 0].tolist() == [7.0, 1.0, 2.0, 1.0]
    # (-1, -2) / sqrt(5) is 1.53 off (.8, 0) and 1.85 off (0, .9); length 0 stays at 0.
    assert found[Factor.CLUSTER][:, 0].tolist() == [5.0, 6.0, 5.0, 5.0]
    np.testing.assert_allclose(found[Factor.RECENCY][:, 0], [0, -math.log(2), 0, -1], atol=1e-12)


def test_interval_is_cut_and_widened_to_be_monotone() -> None:
    probability = np.array([[1.0, 0.5, 0.5], [1.0, 1.0, 0.2]])
    radii = np.array([[0.0, 0.2, 0.6], [0.0, 0.0, WIDE], [0.0, 0.0, 0.0]])
    lower, upper = interval(probability, np.array([0, 1]), radii, 25)
    # Goal 1 alone would be .5 +- .1, goal 2 .5 +- .3: the upper end of 1 is raised to .8.
    np.testing.assert_allclose(lower, [[1, 0.4, 0.2], [1, 1, 0]], atol=1e-12)
    np.testing.assert_allclose(upper, [[1, 0.8, 0.8], [1, 1, 1]], atol=1e-12)


def test_a_sure_prediction_keeps_the_width_of_half_a_student() -> None:
    lower, upper = interval(
        np.array([[1.0, 0.0]]), np.array([0]), np.array([[0.0, 1.0], [0.0, 0.0]]), 25
    )
    assert lower[0, 1] == 0.0
    assert upper[0, 1] == pytest.approx(math.sqrt(0.02 * 0.98), abs=1e-12)


def test_without_clusters_an_embedding_is_not_read() -> None:
    table = ClusterTable.of((), 3)
    assert table.nearest(np.full((2, 7), np.nan)).tolist() == [0, 0]
    assert table.log_odds.tolist() == [[0.0, 0.0, 0.0]]
