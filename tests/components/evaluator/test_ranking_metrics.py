"""NDCG@k and recall@k against arithmetic by hand and against every order of ties."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.evaluator.ranking_metrics import cut_padding, ndcg_at_k, recall_at_k


def test_ndcg_of_a_list_worked_out_by_hand() -> None:
    # Order by score: grades 0, 3, 1. Gains 2^g - 1: 0, 7, 1. Best order: 7, 1, 0.
    scores = np.array([0.2, 0.9, 0.5])
    grades = np.array([1.0, 0.0, 3.0])
    dcg = 0 / math.log2(2) + 7 / math.log2(3) + 1 / math.log2(4)
    best = 7 / math.log2(2) + 1 / math.log2(3)
    assert ndcg_at_k(scores, grades, 10) == pytest.approx(dcg / best)
    assert ndcg_at_k(scores, grades, 2) == pytest.approx((7 / math.log2(3)) / best)
    assert ndcg_at_k(scores, grades, 1) == 0.0


def test_recall_of_a_list_worked_out_by_hand() -> None:
    scores = np.array([5.0, 4.0, 3.0, 2.0])
    grades = np.array([0.0, 2.0, 0.0, 1.0])
    assert recall_at_k(scores, grades, 1) == 0.0
    assert recall_at_k(scores, grades, 2) == 0.5
    assert recall_at_k(scores, grades, 4) == 1.0


def test_more_positives_than_places_cannot_all_be_found() -> None:
    assert recall_at_k(np.arange(20.0), np.ones(20), 10) == 0.5
    assert ndcg_at_k(np.arange(20.0), np.ones(20), 10) == pytest.approx(1.0)


def test_the_best_order_has_ndcg_1_and_a_list_of_one_too() -> None:
    grades = np.array([0.0, 1.0, 2.0, 3.0])
    assert ndcg_at_k(grades * 10, grades, 10) == pytest.approx(1.0)
    assert ndcg_at_k(np.array([0.3]), np.array([2.0]), 10) == 1.0


@pytest.mark.parametrize("measure", [ndcg_at_k, recall_at_k])
def test_a_list_without_a_positive_has_no_value(measure) -> None:
    assert math.isnan(measure(np.array([1.0, 2.0]), np.zeros(2), 10))
    assert math.isnan(measure(np.zeros(0), np.zeros(0), 10))


@pytest.mark.parametrize("measure", [ndcg_at_k, recall_at_k])
def test_a_score_that_is_not_a_number_spoils_the_value(measure) -> None:
    assert math.isnan(measure(np.array([1.0, np.nan]), np.array([1.0, 0.0]), 10))


@pytest.mark.parametrize("measure", [ndcg_at_k, recall_at_k])
def test_wrong_arguments_are_named(measure) -> None:
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\)"):
        measure(np.zeros(2), np.zeros(3), 10)
    with pytest.raises(ValueError, match=r"at least 1\. Received: 0"):
        measure(np.zeros(2), np.ones(2), 0)


def _over_all_orders(measure, scores, grades, k: int) -> float:
    """The mean over every order in which no lower score stands before a higher one."""
    values = []
    for order in itertools.permutations(range(len(scores))):
        ranked = scores[list(order)]
        if np.all(ranked[:-1] >= ranked[1:]):
            values.append(measure(-np.arange(len(scores), dtype=float), grades[list(order)], k))
    return float(np.mean(values))


@pytest.mark.parametrize("measure", [ndcg_at_k, recall_at_k])
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([0.0, 1.0, 3.0])), min_size=1, max_size=6
    ),
    k=st.integers(1, 4),
)
def test_ties_earn_what_every_order_earns_on_average(measure, rows, k: int) -> None:
    scores = np.array([float(score) for score, _ in rows])
    grades = np.array([grade for _, grade in rows])
    if not grades.any():
        assert math.isnan(measure(scores, grades, k))
        return
    assert measure(scores, grades, k) == pytest.approx(_over_all_orders(measure, scores, grades, k))


def test_constant_scores_earn_the_same_whatever_the_order_of_the_data() -> None:
    grades = np.array([3.0, 0.0, 0.0, 1.0, 0.0])
    forward = ndcg_at_k(np.zeros(5), grades, 3)
    backward = ndcg_at_k(np.zeros(5), grades[::-1].copy(), 3)
    assert forward == pytest.approx(backward)
    assert forward < 1


def test_padding_is_cut_off() -> None:
    scores = np.array([0.5, 0.1, -1e9, -1e9])
    np.testing.assert_array_equal(cut_padding(scores, 2, pad_score=-1e9), [0.5, 0.1])
    assert cut_padding(np.full(3, -1e9), 0, pad_score=-1e9).shape == (0,)


def test_scores_that_do_not_belong_to_the_list_are_refused() -> None:
    with pytest.raises(ValueError, match=r"as many scores\. Received: 1"):
        cut_padding(np.array([0.5]), 2, pad_score=-1e9)
    with pytest.raises(ValueError, match=r"past 1 candidates .* Received: \[0.25\]"):
        cut_padding(np.array([0.5, 0.25]), 1, pad_score=-1e9)
