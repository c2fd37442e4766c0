"""The goal head's layers and loss, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from trainer.goal_steps import CERTAIN, GoalStepsHead, ReachGoals, StepsAhead
from trainer.losses import Loss, goal_steps

HALF, FIFTH = 0.0, math.log(0.2 / 0.8)


def test_reaching_a_stage_takes_every_step_to_it() -> None:
    reached = ReachGoals()(tf.constant([[HALF, FIFTH, HALF]]))
    np.testing.assert_allclose(reached, [[1.0, 0.5, 0.1, 0.05]], rtol=1e-6)


def test_what_lies_behind_is_exactly_one_and_the_rest_never_rises() -> None:
    rng = np.random.default_rng(2)
    logits = tf.constant(rng.normal(0, 3, (200, 1, 4)), tf.float32)
    stage = rng.integers(0, 5, 200)
    reached = ReachGoals()(StepsAhead()([logits, tf.constant(stage / 4, tf.float32)])).numpy()
    for row, at in zip(reached[:, 0], stage, strict=True):
        assert (row[: at + 1] == 1.0).all()
        assert (row[at + 1 :] < 1.0).all()
        assert (np.diff(row) <= 0).all()
        assert (row >= 0).all()


@pytest.mark.parametrize("stages", [2, 3, 7, 24])
def test_the_stage_is_told_from_its_position_whatever_the_rounding(stages: int) -> None:
    steps = stages - 1
    position = tf.constant(np.arange(stages) / steps, tf.float32)
    ahead = StepsAhead()([tf.zeros([stages, 1, steps]), position]).numpy()[:, 0]
    expected = [[CERTAIN if j <= s else 0.0 for j in range(1, stages)] for s in range(stages)]
    np.testing.assert_array_equal(ahead, expected)


def test_very_unlikely_steps_stay_finite_and_very_likely_ones_are_not_above_one() -> None:
    reached = ReachGoals()(tf.constant([[-200.0, -200.0], [90.0, 90.0]])).numpy()
    np.testing.assert_array_equal(reached, [[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])


def test_the_head_is_a_hidden_layer_over_student_engagement_and_agreement() -> None:
    rng = np.random.default_rng(3)
    student, engagements, agreement = (
        rng.normal(size=shape).astype(np.float32) for shape in ((2, 3), (2, 4, 5), (2, 4, 1))
    )
    head = GoalStepsHead(2, 6, agreements=1)
    actual = head([student, engagements, agreement]).numpy()
    a, bias = head.student.kernel.numpy(), head.student.bias.numpy()
    b, g = head.engagement.kernel.numpy(), head.agreement.kernel.numpy()
    v, out = head.output_layer.kernel.numpy(), head.output_layer.bias.numpy()
    for row in range(2):
        for place in range(4):
            hidden = student[row] @ a + bias
            hidden = hidden + engagements[row, place] @ b + agreement[row, place] @ g
            expected = np.maximum(hidden, 0) @ v + out
            np.testing.assert_allclose(actual[row, place], expected, rtol=1e-4, atol=1e-5)


def steps_loss(
    logits: list[list[float]], reached: list[float], weight: list[float] | None = None
) -> Loss:
    known = tf.constant([[weight or [1.0] * len(reached)] * len(logits)])
    return goal_steps(tf.constant([logits]), tf.constant([reached]), weight=known)


def test_a_step_counts_where_the_one_before_was_taken() -> None:
    # Stage 1 was reached, stage 2 not; of the step to 3 nothing is known.
    loss = steps_loss([[HALF, FIFTH, 5.0]], [1.0, 1.0, 0.0, 0.0])
    assert float(loss.total) == pytest.approx(-math.log(0.5) - math.log(0.8), rel=1e-6)
    assert float(loss.weight) == 2.0


def test_a_step_that_lies_behind_has_no_part() -> None:
    loss = steps_loss([[CERTAIN, CERTAIN, FIFTH]], [1.0, 1.0, 1.0, 1.0])
    assert float(loss.total) == pytest.approx(-math.log(0.2), rel=1e-6)
    assert float(loss.weight) == 1.0


def test_the_steps_together_are_the_likelihood_of_how_far_the_student_came() -> None:
    # P(reached 2, not 3) = P(1) P(2 | 1) (1 - P(3 | 2)).
    logits = [0.3, -0.4, 1.1]
    p = [1 / (1 + math.exp(-z)) for z in logits]
    loss = steps_loss([logits], [1.0, 1.0, 1.0, 0.0])
    assert float(loss.total) == pytest.approx(-math.log(p[0] * p[1] * (1 - p[2])), rel=1e-6)


@pytest.mark.parametrize("known", [[0.0] * 3, [1.0, 0.0, 0.0]], ids=["nothing", "the stage alone"])
def test_unknown_goals_have_no_loss_and_no_gradient(known: list[float]) -> None:
    logits = tf.Variable([[[0.4, -1.0]]])
    with tf.GradientTape() as tape:
        loss = goal_steps(
            logits.value(), tf.constant([[1.0, 1.0, 0.0]]), weight=tf.constant([[known]])
        )
    assert float(loss.total) == 0.0
    assert float(loss.weight) == 0.0
    np.testing.assert_array_equal(tape.gradient(loss.total, logits), np.zeros((1, 1, 2)))
