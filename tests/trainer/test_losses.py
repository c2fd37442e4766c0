"""The losses, with the arithmetic spelled out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from schemas import names
from schemas.config import LossWeightsConfig
from trainer.losses import (
    Loss,
    binary_cross_entropy,
    head_losses,
    listwise_softmax,
    total_loss,
)
from trainer.model import LOGIT_SUFFIX


def listwise(
    scores: list[list[float]],
    grades: list[list[float]],
    probability: list[list[float]],
    weight: list[float],
) -> Loss:
    shape = (len(scores), len(scores[0]) if scores else 0)
    return listwise_softmax(
        tf.constant(scores, tf.float32, shape),
        tf.constant(grades, tf.float32, shape),
        sampling_probability=tf.constant(probability, tf.float32, shape),
        weight=tf.constant(weight, tf.float32),
    )


def test_listwise_is_the_softmax_cross_entropy_of_the_gains() -> None:
    # Grades 2, 1, 0 have gains 3, 1, 0, so targets 3/4, 1/4, 0.
    scores = [1.0, 0.5, -1.0]
    total = sum(math.exp(s) for s in scores)
    expected = -(0.75 * math.log(math.exp(1.0) / total) + 0.25 * math.log(math.exp(0.5) / total))
    loss = listwise([scores], [[2.0, 1.0, 0.0]], [[1.0, 1.0, 1.0]], [1.0])
    assert float(loss.total) == pytest.approx(expected, rel=1e-6)
    assert float(loss.weight) == 1.0


def test_listwise_subtracts_the_log_of_the_sampling_probability() -> None:
    # A negative met with probability 1/4 stands for four: log 4 is added to its score.
    expected = -math.log(math.e / (math.e + 4.0))
    loss = listwise([[1.0, 0.0]], [[1.0, 0.0]], [[1.0, 0.25]], [1.0])
    assert float(loss.total) == pytest.approx(expected, rel=1e-6)


def test_a_sampled_list_estimates_the_loss_of_the_whole_list() -> None:
    # Ten equal negatives of score 0; any list of one of them at probability 1/10 gives
    # the denominator e + 10.
    whole = listwise([[1.0] + [0.0] * 10], [[1.0] + [0.0] * 10], [[1.0] * 11], [1.0])
    sampled = listwise([[1.0, 0.0]], [[1.0, 0.0]], [[1.0, 0.1]], [1.0])
    assert float(sampled.total) == pytest.approx(float(whole.total), rel=1e-6)


def test_probability_zero_excludes_a_candidate_even_a_positive() -> None:
    alone = listwise([[1.0, 0.0]], [[1.0, 0.0]], [[1.0, 1.0]], [1.0])
    joined = listwise([[1.0, 50.0, 0.0]], [[1.0, 3.0, 0.0]], [[1.0, 0.0, 1.0]], [1.0])
    assert float(joined.total) == pytest.approx(float(alone.total), rel=1e-6)


@pytest.mark.parametrize(
    ("grades", "probability", "weight"),
    [
        ([0.0, 0.0], [1.0, 1.0], 1.0),
        ([1.0, 0.0], [1.0, 1.0], 0.0),
        ([1.0, 0.0], [0.0, 1.0], 1.0),
        ([1.0, 1.0], [0.0, 0.0], 1.0),
    ],
    ids=["no positive", "weight 0", "positive excluded", "all excluded"],
)
def test_a_list_that_teaches_nothing_has_no_loss_no_weight_and_no_gradient(
    grades: list[float], probability: list[float], weight: float
) -> None:
    scores = tf.Variable([[2.0, -3.0]])
    with tf.GradientTape() as tape:
        loss = listwise_softmax(
            scores.value(),
            tf.constant([grades]),
            sampling_probability=tf.constant([probability]),
            weight=tf.constant([weight]),
        )
    assert float(loss.total) == 0.0
    assert float(loss.weight) == 0.0
    assert float(loss.mean()) == 0.0
    np.testing.assert_array_equal(tape.gradient(loss.total, scores), [[0.0, 0.0]])


def test_one_candidate_that_is_positive_costs_nothing() -> None:
    loss = listwise([[-7.0]], [[1.0]], [[1.0]], [1.0])
    assert float(loss.total) == pytest.approx(0.0, abs=1e-6)
    assert float(loss.weight) == 1.0


def test_ties_share_the_probability() -> None:
    loss = listwise([[0.0] * 4], [[1.0, 0.0, 0.0, 0.0]], [[1.0] * 4], [1.0])
    assert float(loss.total) == pytest.approx(math.log(4), rel=1e-6)


def test_lists_of_length_zero_and_no_lists_are_finite() -> None:
    assert float(listwise([[], []], [], [], [1.0, 1.0]).total) == 0.0
    assert float(listwise([], [], [], []).mean()) == 0.0


def test_extreme_scores_and_grades_stay_finite() -> None:
    scores = tf.Variable([[1e4, -1e4, 0.0]])
    with tf.GradientTape() as tape:
        loss = listwise_softmax(
            scores.value(),
            tf.constant([[0.0, 7.0, 0.0]]),
            sampling_probability=tf.constant([[1.0, 1.0, 1e-12]]),
            weight=tf.constant([1.0]),
        )
    assert float(loss.total) == pytest.approx(2e4, rel=1e-5)
    assert np.isfinite(tape.gradient(loss.total, scores).numpy()).all()


def test_weights_of_lists_are_in_sum_and_count() -> None:
    lists = [[0.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]
    loss = listwise(*lists, [1.0, 0.5])
    assert float(loss.total) == pytest.approx(1.5 * math.log(2), rel=1e-6)
    assert float(loss.weight) == 1.5


def test_binary_cross_entropy_is_minus_the_log_of_the_probability() -> None:
    logit = math.log(0.8 / 0.2)
    loss = binary_cross_entropy(
        tf.constant([logit, logit]), tf.constant([1.0, 0.0]), weight=tf.constant([1.0, 1.0])
    )
    assert float(loss.total) == pytest.approx(-math.log(0.8) - math.log(0.2), rel=1e-6)
    assert float(loss.weight) == 2.0


def test_binary_cross_entropy_of_extreme_log_odds() -> None:
    logits = tf.constant([1e4, -1e4, 1e4, -1e4])
    loss = binary_cross_entropy(logits, tf.constant([1.0, 0.0, 0.0, 1.0]), weight=tf.ones([4]))
    assert float(loss.total) == pytest.approx(2e4, rel=1e-6)


def test_an_unknown_label_has_no_part_whatever_the_value() -> None:
    logits = tf.Variable([float("inf"), 0.0])
    with tf.GradientTape() as tape:
        loss = binary_cross_entropy(
            logits.value(), tf.constant([0.0, 1.0]), weight=tf.constant([0.0, 1.0])
        )
    assert float(loss.total) == pytest.approx(math.log(2), rel=1e-6)
    assert float(loss.weight) == 1.0
    assert tape.gradient(loss.total, logits).numpy()[1] == pytest.approx(-0.5)


def _labels(given: list[int], weight: list[float]) -> dict[str, tf.Tensor]:
    rows = len(given)
    return {
        names.GIVEN_INDEX: tf.constant(given, tf.int64),
        names.C_GRADE: tf.ones([rows, 1]),
        names.C_SAMPLING_PROBABILITY: tf.ones([rows, 1]),
        names.RANKING_WEIGHT: tf.ones([rows]),
        names.LIKELIHOOD_LABEL: tf.ones([rows]),
        names.LIKELIHOOD_WEIGHT: tf.constant(weight),
        names.RISK_LABEL: tf.zeros([rows]),
        names.RISK_WEIGHT: tf.constant(weight),
        names.GOAL_LABEL: tf.tile([[1.0, 1.0, 0.0]], [rows, 1]),
        names.GOAL_WEIGHT: tf.tile(tf.constant(weight)[:, tf.newaxis], [1, 3]),
    }


def _outputs(logits: list[list[float]]) -> dict[str, tf.Tensor]:
    return {
        names.RANKING_SCORE: tf.zeros([len(logits), 1]),
        names.LIKELIHOOD + LOGIT_SUFFIX: tf.constant(logits),
        names.RISK + LOGIT_SUFFIX: tf.constant(logits),
        names.GOAL_PROBABILITY + LOGIT_SUFFIX: tf.stack([logits, logits], axis=-1),
    }


def test_known_snapshots_count_without_an_engagement_and_again_with_the_one_met() -> None:
    # Row 0 met an engagement, row 1 met none, row 2 is unknown.
    losses = head_losses(
        _outputs([[0.0, 1.0], [2.0, 50.0], [9.0, 9.0]]), _labels([0, -1, 0], [1.0, 1.0, 0.0])
    )
    likelihood = [math.log1p(math.exp(-z)) for z in (0.0, 1.0, 2.0)]
    risk = [math.log1p(math.exp(z)) for z in (0.0, 1.0, 2.0)]
    assert float(losses[names.LIKELIHOOD].total) == pytest.approx(sum(likelihood), rel=1e-6)
    assert float(losses[names.LIKELIHOOD].weight) == 3.0
    assert float(losses[names.RISK].total) == pytest.approx(sum(risk), rel=1e-6)
    # The first step was taken, as if to advance, the second not.
    steps = sum(likelihood) + sum(risk)
    assert float(losses[names.GOAL_PROBABILITY].total) == pytest.approx(steps, rel=1e-6)
    assert float(losses[names.GOAL_PROBABILITY].weight) == 6.0


def test_the_total_is_the_weighted_sum_of_means() -> None:
    losses = {
        names.RANKING_SCORE: Loss(tf.constant(6.0), tf.constant(3.0)),
        names.LIKELIHOOD: Loss(tf.constant(4.0), tf.constant(4.0)),
        names.RISK: Loss(tf.constant(0.0), tf.constant(0.0)),
        names.GOAL_PROBABILITY: Loss(tf.constant(9.0), tf.constant(6.0)),
    }
    weights = LossWeightsConfig(ranking=0.5, likelihood=3.0, risk=7.0, goal=0.2)
    assert float(total_loss(losses, weights)) == pytest.approx(0.5 * 2.0 + 3.0 * 1.0 + 0.2 * 1.5)
