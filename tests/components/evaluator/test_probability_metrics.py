"""Probability metrics against arithmetic by hand and counting of pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.evaluator.probability_metrics import (
    AUC,
    BRIER,
    CALIBRATION_ERROR,
    LOG_LOSS,
    MEAN_LABEL,
    MEAN_PREDICTION,
    PR_AUC,
    PROBABILITY_METRICS,
    SKILL,
    WEIGHT,
    auc,
    average_precision,
    probability_metrics,
)


def test_four_examples_worked_out_by_hand() -> None:
    labels = np.array([1.0, 0.0, 1.0, 0.0])
    predictions = np.array([0.8, 0.6, 0.5, 0.1])
    values = probability_metrics(labels, predictions, np.ones(4))
    # Pairs (positive, negative): .8>.6, .8>.1, .5<.6, .5>.1.
    assert values[AUC] == pytest.approx(3 / 4)
    # Positives at ranks 1 and 3: precisions 1 and 2/3.
    assert values[PR_AUC] == pytest.approx((1 + 2 / 3) / 2)
    loss = -(math.log(0.8) + math.log(0.4) + math.log(0.5) + math.log(0.9)) / 4
    assert values[LOG_LOSS] == pytest.approx(loss)
    assert values[BRIER] == pytest.approx((0.04 + 0.36 + 0.25 + 0.01) / 4)
    # Each in a bin of its own.
    assert values[CALIBRATION_ERROR] == pytest.approx((0.2 + 0.6 + 0.5 + 0.1) / 4)
    assert values[MEAN_LABEL] == 0.5
    assert values[MEAN_PREDICTION] == pytest.approx(0.5)
    assert values[SKILL] == pytest.approx(1 - loss / math.log(2))
    assert values[WEIGHT] == 4


def test_weights_count_as_copies_and_zero_leaves_out() -> None:
    labels = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    predictions = np.array([0.7, 0.4, 0.4, 0.2, 0.01])
    weighted = probability_metrics(labels, predictions, np.array([1.0, 3.0, 2.0, 1.0, 0.0]))
    copies = [0, 1, 1, 1, 2, 2, 3]
    copied = probability_metrics(labels[copies], predictions[copies], np.ones(7))
    assert weighted == pytest.approx(copied)


def test_the_base_rate_has_no_skill_and_a_worse_constant_a_negative_one() -> None:
    labels = np.array([1.0, 0.0, 0.0, 0.0])
    base_rate = probability_metrics(labels, np.full(4, 0.25), np.ones(4))
    assert base_rate[SKILL] == pytest.approx(0.0)
    assert base_rate[AUC] == 0.5
    assert base_rate[CALIBRATION_ERROR] == pytest.approx(0.0)
    assert base_rate[PR_AUC] == pytest.approx(0.25)
    assert probability_metrics(labels, np.full(4, 0.5), np.ones(4))[SKILL] < 0


def test_bins_hide_errors_that_cancel_within_them() -> None:
    labels = np.array([1.0, 0.0])
    values = probability_metrics(labels, np.array([0.52, 0.54]), np.ones(2))
    # One bin [.5, .55): mean prediction .53, mean label .5.
    assert values[CALIBRATION_ERROR] == pytest.approx(0.03)


def test_certain_and_wrong_stays_finite() -> None:
    values = probability_metrics(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.ones(2))
    assert values[LOG_LOSS] == pytest.approx(-math.log(1e-7))
    assert values[AUC] == 0.0


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_labels_that_are_all_equal_leave_no_order_to_measure(label: float) -> None:
    values = probability_metrics(np.full(3, label), np.array([0.2, 0.5, 0.9]), np.ones(3))
    assert {name for name in PROBABILITY_METRICS if math.isnan(values[name])} == {
        AUC,
        PR_AUC,
        SKILL,
    }


def test_nothing_counted_and_nan_predictions_have_no_values() -> None:
    nothing = probability_metrics(np.ones(2), np.ones(2), np.zeros(2))
    spoilt = probability_metrics(np.array([1.0, 0.0]), np.array([0.5, np.nan]), np.ones(2))
    for values, weight in ((nothing, 0.0), (spoilt, 2.0)):
        assert values[WEIGHT] == weight
        assert all(math.isnan(values[name]) for name in PROBABILITY_METRICS if name != WEIGHT)


_ROWS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.1, 0.2, 0.2, 0.7, 0.9]), st.integers(1, 3)),
    min_size=2,
    max_size=12,
)


@given(rows=_ROWS)
def test_auc_counts_pairs(rows) -> None:
    labels, predictions, weights = (np.array(c, float) for c in zip(*rows, strict=True))
    wins = total = 0.0
    for label, prediction, weight in zip(labels, predictions, weights, strict=True):
        for other, against, other_weight in zip(labels, predictions, weights, strict=True):
            if label == 1 and other == 0:
                total += weight * other_weight
                wins += (
                    weight * other_weight * ((prediction > against) + (prediction == against) / 2)
                )
    measured = auc(labels, predictions, weights)
    assert math.isnan(measured) if total == 0 else measured == pytest.approx(wins / total)


@given(rows=_ROWS)
def test_average_precision_steps_through_the_thresholds(rows) -> None:
    labels, predictions, weights = (np.array(c, float) for c in zip(*rows, strict=True))
    if labels.min() == labels.max():
        assert math.isnan(average_precision(labels, predictions, weights))
        return
    positives = (weights * labels).sum()
    area = recall_before = 0.0
    for threshold in sorted(set(predictions), reverse=True):
        chosen = predictions >= threshold
        found = (weights * labels)[chosen].sum()
        recall = found / positives
        area += (recall - recall_before) * found / weights[chosen].sum()
        recall_before = recall
    assert average_precision(labels, predictions, weights) == pytest.approx(area)
