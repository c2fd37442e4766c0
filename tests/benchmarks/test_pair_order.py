from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.quality_parts.pair_order import PairOrder
from components.evaluator.probability_metrics import auc


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def test_auc_counts_pairs_in_the_right_order() -> None:
    # .9 beats .8 and .1; .3 beats .1, loses to .8: 3 of 4.
    assert PairOrder(floats(1, 0, 1, 0), floats(0.9, 0.8, 0.3, 0.1)).auc() == 0.75


def test_a_tie_is_half_a_pair() -> None:
    assert PairOrder(floats(1, 0), floats(0.4, 0.4)).auc() == 0.5
    # The positive ties with one negative and beats the other.
    assert PairOrder(floats(1, 0, 0), floats(0.4, 0.4, 0.1)).auc() == 0.75


def test_within_strata_only_pairs_of_the_same_stratum_count() -> None:
    # Stratum 7: .5 beats .4, loses to .6: 1 of 2.
    # Stratum 3: 2 beats 1 and 0; 1 ties with 1, beats 0: 3.5 of 4.
    labels = floats(1, 0, 0, 1, 1, 0, 0)
    scores = floats(0.5, 0.4, 0.6, 2, 1, 1, 0)
    strata = np.array([7, 7, 7, 3, 3, 3, 3])
    assert PairOrder(labels, scores, strata).auc() == pytest.approx(4.5 / 6)
    shuffled = np.array([4, 0, 6, 2, 5, 1, 3])
    again = PairOrder(labels[shuffled], scores[shuffled], strata[shuffled])
    assert again.auc() == pytest.approx(4.5 / 6)


def test_a_stratum_with_one_class_has_no_pairs() -> None:
    labels, strata = floats(1, 0, 1, 1), np.array([0, 0, 1, 1])
    assert PairOrder(labels, floats(2, 1, 0, 0), strata).auc() == 1.0


def test_what_tells_strata_apart_alone_is_chance_within_them() -> None:
    labels = floats(1, 1, 0, 1, 0, 0)
    strata = np.array([0, 0, 0, 1, 1, 1])
    scores = floats(5, 5, 5, 1, 1, 1)
    # Pooled, 2 of 3 positives are in the stratum with 1 of 3 negatives:
    # 2 x 2 pairs are won, 1 x 1 is lost, the other 4 of 9 are tied.
    assert PairOrder(labels, scores).auc() == pytest.approx(6 / 9)
    assert PairOrder(labels, scores, strata).auc() == 0.5


def test_it_is_not_defined_without_pairs() -> None:
    assert math.isnan(PairOrder(floats(1, 1), floats(0.1, 0.2)).auc())
    assert math.isnan(PairOrder(floats(), floats()).auc())
    assert math.isnan(PairOrder(floats(1, 0), floats(1, 0), np.array([0, 1])).auc())
    assert math.isnan(PairOrder(floats(1, 0), floats(1, 0)).auc(floats(0, 1)))


def test_a_weight_of_two_is_a_row_twice_and_of_zero_a_row_less() -> None:
    random = np.random.default_rng(3)
    labels = (random.random(60) < 0.4).astype(np.float64)
    scores, strata = random.integers(0, 9, 60) / 9, random.integers(0, 4, 60)
    weights = random.integers(0, 3, 60)
    rows = np.repeat(np.arange(60), weights)
    repeated = PairOrder(labels[rows], scores[rows], strata[rows])
    weighted = PairOrder(labels, scores, strata).auc(weights.astype(np.float64))
    assert weighted == pytest.approx(repeated.auc())


def test_it_is_the_evaluators_auc() -> None:
    random = np.random.default_rng(4)
    labels = (random.random(500) < 0.3).astype(np.float64)
    scores = np.round(random.random(500) + labels / 3, 2)
    weights = random.random(500)
    assert PairOrder(labels, scores).auc(weights) == pytest.approx(auc(labels, scores, weights))


def test_scores_must_be_numbers_and_shapes_agree() -> None:
    with pytest.raises(ValueError, match="Received: 1 NaN"):
        PairOrder(floats(1, 0), floats(1, math.nan))
    with pytest.raises(ValueError, match=r"\(2,\), \(1,\)"):
        PairOrder(floats(1, 0), floats(1))
