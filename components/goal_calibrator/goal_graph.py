"""The goal synthesis in the graph: what `serving.goals.synthesis` computes with NumPy.

Everything is float64, since a product of many steps is told apart from 0 by its logarithm;
what comes out is float32 like every other output of the model.
"""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from schemas import names
from schemas.goal_parameters import LARGEST_LOGIT, Factor, GoalParameters
from serving.goals.synthesis import Synthesis

Tensors = Mapping[str, tf.Tensor]


class GoalGraph:
    """The equation with its parameters as constants of the graph.

    Args:
      parameters: of the calibration split.
    """

    def __init__(self, parameters: GoalParameters) -> None:
        self._parameters = parameters
        self._numpy = Synthesis(parameters)

    def outputs(self, query: Tensors, heads: Tensors) -> dict[str, tf.Tensor]:
        """GOAL_LIKELIHOOD, GOAL_LOWER and GOAL_UPPER, float32 `[B, K]`.

        Args:
          query: raw query features; the stage and days are read.
          heads: LIKELIHOOD and RISK `[B]`, GOAL_PROBABILITY `[B, K]`, EMBEDDING `[B, D]`.
        """
        stages = len(self._parameters.stages)
        position = tf.cast(query[names.Q_STAGE_POSITION], tf.float64)
        stage = tf.cast(tf.round(position * (stages - 1)), tf.int32)
        factors = self._factors(stage, query, heads)
        log_odds = self._numpy.intercepts + tf.reduce_sum(factors * self._numpy.weights, axis=-1)
        ahead = tf.range(1, stages) > stage[:, tf.newaxis]
        log_step = tf.where(ahead, tf.math.log_sigmoid(log_odds), tf.zeros_like(log_odds))
        product = tf.exp(tf.cumsum(log_step, axis=-1))
        reach = tf.concat([tf.ones_like(product[:, :1]), product], axis=-1)
        lower, upper = self._interval(reach, stage)
        found = {names.GOAL_LIKELIHOOD: reach, names.GOAL_LOWER: lower, names.GOAL_UPPER: upper}
        return {key: tf.cast(value, tf.float32, name=key) for key, value in found.items()}

    def _factors(self, stage: tf.Tensor, query: Tensors, heads: Tensors) -> tf.Tensor:
        """`[B, K - 1, F]`."""
        network = tf.cast(heads[names.GOAL_PROBABILITY], tf.float64)
        steps = _cut_log_odds(tf.math.divide_no_nan(network[:, 1:], network[:, :-1]))
        since = tf.cast(query[names.Q_DAYS_SINCE_ACTIVE], tf.float64)
        alone = {
            Factor.LIKELIHOOD: _cut_log_odds(tf.cast(heads[names.LIKELIHOOD], tf.float64)),
            Factor.SAFETY: -_cut_log_odds(tf.cast(heads[names.RISK], tf.float64)),
            Factor.RECENCY: -tf.math.log1p(tf.maximum(since, tf.zeros_like(since))),
        }
        values = {key: value[:, tf.newaxis] + tf.zeros_like(steps) for key, value in alone.items()}
        values[Factor.NETWORK] = steps
        values[Factor.RATE] = self._rates(stage, query)
        values[Factor.CLUSTER] = self._clusters(heads[names.EMBEDDING]) + tf.zeros_like(steps)
        return tf.stack([values[factor] for factor in self._parameters.factors], axis=-1)

    def _rates(self, stage: tf.Tensor, query: Tensors) -> tf.Tensor:
        days = tf.cast(query[names.Q_DAYS_IN_STAGE], tf.float64)[:, tf.newaxis]
        begun = tf.gather(tf.constant(self._numpy.rates.days), stage) <= days
        place = tf.maximum(tf.reduce_sum(tf.cast(begun, tf.int32), axis=1) - 1, 0)
        table = tf.constant(self._numpy.rates.log_odds)
        return tf.gather_nd(table, tf.stack([stage, place], axis=1))[:, 1:]

    def _clusters(self, embedding: tf.Tensor) -> tf.Tensor:
        """`[B, K - 1]`."""
        table = self._numpy.clusters
        if not table.centroids.shape[1]:
            return tf.constant(table.log_odds[:1, 1:])
        values = tf.cast(embedding, tf.float64)
        unit = tf.math.divide_no_nan(values, tf.norm(values, axis=1, keepdims=True))
        away = tf.reduce_sum((unit[:, tf.newaxis] - table.centroids) ** 2, axis=-1)
        return tf.gather(tf.constant(table.log_odds), tf.argmin(away, axis=1))[:, 1:]

    def _interval(self, reach: tf.Tensor, stage: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        edge = 0.5 / self._parameters.group_size
        p = tf.clip_by_value(reach, edge, 1.0 - edge)
        half = tf.gather(tf.constant(self._numpy.radii), stage) * tf.sqrt(p * (1.0 - p))
        reached = tf.range(len(self._parameters.stages)) <= stage[:, tf.newaxis]
        one = tf.ones_like(reach)
        lower = tf.where(reached, one, tf.clip_by_value(reach - half, 0.0, 1.0))
        upper = tf.where(reached, one, tf.clip_by_value(reach + half, 0.0, 1.0))
        return _running(lower, tf.minimum), _running(upper[:, ::-1], tf.maximum)[:, ::-1]


def _running(values: tf.Tensor, extreme: tf.types.experimental.GenericFunction) -> tf.Tensor:
    """Smallest or largest value so far, along the second axis, which is short."""
    columns = tf.unstack(values, axis=1)
    for place in range(1, len(columns)):
        columns[place] = extreme(columns[place], columns[place - 1])
    return tf.stack(columns, axis=1)


def _cut_log_odds(probability: tf.Tensor) -> tf.Tensor:
    edge = 1.0 / (1.0 + tf.exp(tf.constant(LARGEST_LOGIT, tf.float64)))
    p = tf.clip_by_value(probability, edge, 1.0 - edge)
    return tf.math.log(p) - tf.math.log1p(-p)
