"""A SavedModel of three linear heads, and Examples with a known relation to them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from schemas import names

SIGNAL = "days_in_stage"  # the one feature that heads read
POPULARITY = names.C_POPULARITY_7


def _feature(values: Sequence[object]) -> tf.train.Feature:
    if values and isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def write_examples(folder: Path, count: int, seed: int) -> None:
    """`count` snapshots whose labels follow `SIGNAL`, and grades `POPULARITY`.

    Lists have 0 to 12 candidates; one snapshot in five has unknown labels, which say
    the opposite of the signal.
    """
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "data-00000"), "") as writer:
        for index in range(count):
            signal = random.normal()
            label = float(random.random() < 1 / (1 + np.exp(-2 * signal)))
            known = float(index % 5 != 0)
            popularity = random.random(random.integers(0, 13))
            grade = (popularity > 0.7).astype(float)
            features = {
                SIGNAL: [float(signal)],
                names.Q_DAYS_SINCE_ACTIVE: [float(index % 7)],
                names.Q_STAGE: [b"First" if index % 2 else b"Second"],
                "profile_region": [b"north"],
                POPULARITY: [float(p) for p in popularity],
                names.C_GRADE: [float(g) for g in grade],
                names.RANKING_WEIGHT: [float(grade.any())],
                names.LIKELIHOOD_LABEL: [label if known else float(signal < 0)],
                names.LIKELIHOOD_WEIGHT: [known],
                names.RISK_LABEL: [1 - label if known else float(signal > 0)],
                names.RISK_WEIGHT: [known],
            }
            example = tf.train.Example(
                features=tf.train.Features(
                    feature={key: _feature(values) for key, values in features.items()}
                )
            )
            writer.write(example.SerializeToString())


class _Heads(tf.Module):
    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = tf.Variable(slope, dtype=tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, names.EXAMPLES_INPUT)])
    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        parsed = tf.io.parse_example(
            examples,
            {
                SIGNAL: tf.io.FixedLenFeature([1], tf.float32),
                POPULARITY: tf.io.RaggedFeature(tf.float32, row_splits_dtype=tf.int64),
            },
        )
        signal = self.slope * parsed[SIGNAL][:, 0]
        scores = (parsed[POPULARITY] * self.slope).to_tensor(names.PAD_SCORE)
        given = tf.ones_like(scores) * tf.sigmoid(signal)[:, None]
        return {
            names.RANKING_SCORE: scores,
            names.LIKELIHOOD: tf.sigmoid(signal),
            names.RISK: tf.sigmoid(-signal),
            names.LIKELIHOOD_GIVEN: given,
            names.RISK_GIVEN: 1 - given,
        }


def save_model(folder: Path, slope: float) -> None:
    """Writes the model; slope 2 is the truth, 0 knows nothing, below 0 is wrong."""
    heads = _Heads(slope)
    tf.saved_model.save(heads, str(folder), signatures={names.SIGNATURE_DEFAULT: heads.serve})
