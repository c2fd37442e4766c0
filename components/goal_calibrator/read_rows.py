"""Reads the labelled states of a split, and asks the trained model about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.goal_calibrator.goal_rows import AnsweredRows, GoalLabels
from schemas import features, names
from schemas.config import GoalpathConfig
from schemas.goal_parameters import PROFILE_FEATURES
from serving.goals.synthesis import HeadOutputs
from trainer.batching import dense_from_examples, dense_signature
from trainer.example_batches import serialized_examples

BATCH: Final = 512
WEEK_US: Final = 7 * 86_400_000_000
_ANSWERS: Final = (names.LIKELIHOOD, names.RISK, names.GOAL_PROBABILITY, names.EMBEDDING)

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float64]
Signature = Any  # TensorFlow has no types: a loaded signature


def read_labels(paths: Sequence[str], config: GoalpathConfig) -> GoalLabels:
    """The labels of the Examples of TFRecord files."""
    return _labels(_columns(_batches(paths), config), config)


def answered_rows(
    paths: Sequence[str], config: GoalpathConfig, signatures: Mapping[str, Signature]
) -> AnsweredRows:
    """The labels, and what the model says without an engagement.

    Args:
      paths: TFRecord files of a split.
      config: of the data set.
      signatures: of the loaded SavedModel.
    """
    asked = AskedBatches(config, signatures)
    columns = _columns(asked.each(_batches(paths)), config)
    labels = _labels(columns, config)
    return AnsweredRows(labels, asked.outputs(columns, labels.stage))


class AskedBatches:
    """Asks the trained model about batches of serialized Examples while they are read.

    Args:
      config: of the data set.
      signatures: of the loaded SavedModel.
    """

    def __init__(self, config: GoalpathConfig, signatures: Mapping[str, Signature]) -> None:
        self._specs = features.query_features(config)
        self._candidates = dense_signature(features.candidate_features(config))
        self._config = config
        self._signatures = signatures
        self._answers: dict[str, list[Array]] = {key: [] for key in _ANSWERS}

    def each(self, batches: Iterable[list[bytes]]) -> Iterator[list[bytes]]:
        """The batches as they come, asked about on the way."""
        for serialized in batches:
            query = dense_from_examples(serialized, self._specs, self._config)
            none = {
                key: empty_list(spec, len(serialized)) for key, spec in self._candidates.items()
            }
            heads = self._signatures[names.SIGNATURE_PREDICT](**query, **none)
            embedded = self._signatures[names.SIGNATURE_EMBED_STUDENT](**query)
            for key, parts in self._answers.items():
                parts.append({**heads, **embedded}[key].numpy())
            yield serialized

    def outputs(self, columns: Mapping[str, Array], stage: npt.NDArray[np.int64]) -> HeadOutputs:
        """What the synthesis reads of all that were asked about.

        Args:
          columns: features of the same states, in their order.
          stage: places of their stages.
        """
        joined = {
            key: np.concatenate(parts).astype(np.float64) for key, parts in self._answers.items()
        }
        return HeadOutputs(
            stage=stage,
            likelihood=joined[names.LIKELIHOOD],
            risk=joined[names.RISK],
            network=joined[names.GOAL_PROBABILITY],
            days_in_stage=columns[names.Q_DAYS_IN_STAGE].astype(np.float64),
            days_since_active=columns[names.Q_DAYS_SINCE_ACTIVE].astype(np.float64),
            embedding=joined[names.EMBEDDING],
        )


def empty_list(spec: tf.TensorSpec, rows: tf.Tensor | int) -> tf.Tensor:
    """A list feature of `rows` states that have none: `[rows, 0]`."""
    value = "" if spec.dtype == tf.string else 0
    return tf.cast(tf.fill([rows, 0], value), spec.dtype)


def _batches(paths: Sequence[str]) -> Iterator[list[bytes]]:
    for batch in serialized_examples(paths).batch(BATCH).as_numpy_iterator():
        yield batch.tolist()


def _columns(batches: Iterator[list[bytes]], config: GoalpathConfig) -> dict[str, Array]:
    stages = len(config.stages)
    spec = {
        names.STUDENT_ID: tf.io.FixedLenFeature([], tf.string),
        names.COHORT: tf.io.FixedLenFeature([], tf.string),
        names.SNAPSHOT_TIME: tf.io.FixedLenFeature([], tf.int64),
        names.Q_STAGE: tf.io.FixedLenFeature([], tf.string),
        names.Q_DAYS_IN_STAGE: tf.io.FixedLenFeature([], tf.float32),
        names.Q_DAYS_SINCE_ACTIVE: tf.io.FixedLenFeature([], tf.float32),
        names.GOAL_LABEL: tf.io.FixedLenFeature([stages], tf.float32),
        names.GOAL_WEIGHT: tf.io.FixedLenFeature([stages], tf.float32),
    }
    for key in PROFILE_FEATURES:
        spec[key] = tf.io.FixedLenFeature([], tf.float32)
    parts: dict[str, list[Array]] = {key: [] for key in spec}
    for serialized in batches:
        for key, value in tf.io.parse_example(serialized, spec).items():
            parts[key].append(value.numpy())
    return {key: np.concatenate(values) for key, values in parts.items()}


def _labels(columns: Mapping[str, Array], config: GoalpathConfig) -> GoalLabels:
    places = {stage.encode(): place for place, stage in enumerate(config.stages)}
    week = columns[names.SNAPSHOT_TIME].astype(np.int64) // WEEK_US
    cohort = np.unique(columns[names.COHORT], return_inverse=True)[1]
    period = np.unique(np.stack([cohort, week], axis=1), axis=0, return_inverse=True)[1]
    return GoalLabels(
        stage=np.array(
            [places[bytes(stage)] for stage in columns[names.Q_STAGE].tolist()], np.int64
        ),
        days_in_stage=columns[names.Q_DAYS_IN_STAGE].astype(np.float64),
        students=np.unique(columns[names.STUDENT_ID], return_inverse=True)[1].astype(np.int64),
        period=period.reshape(-1).astype(np.int64),
        reached=columns[names.GOAL_LABEL].astype(np.float64),
        known=columns[names.GOAL_WEIGHT].astype(np.float64) > 0,
        features=np.stack([columns[key] for key in PROFILE_FEATURES], axis=1).astype(np.float64),
    )
