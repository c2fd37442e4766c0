"""Batches for training, transformed once and kept in a file.

Examples are shuffled one by one before they are put into batches, batches are
transformed and written to a cache, and every epoch reads the cache with the batches
in another order. So parsing and vocabulary look-ups are paid once, not once an epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from schemas.config import GoalpathConfig
from schemas.errors import TrainingRefusedError
from trainer.batching import (
    TRAINING_LABELS,
    MaybeRagged,
    model_inputs,
    model_labels,
    raw_feature_spec,
)
from trainer.features import Group

Transform = Callable[[Mapping[str, MaybeRagged]], Mapping[str, MaybeRagged]]

SHUFFLE_BYTES = 256 << 20
"""Most that the buffer of shuffled Examples may hold."""
SHUFFLE_BATCHES = 64
"""Batches from which the next one is drawn."""
_READERS = 8


def example_files(patterns: Sequence[str]) -> list[str]:
    """The files that the patterns match, sorted.

    Raises:
      TrainingRefusedError: there is none.
    """
    paths = sorted({path for pattern in patterns for path in tf.io.gfile.glob(pattern)})
    if not paths:
        raise TrainingRefusedError(
            "there must be Examples to learn from.",
            where=", ".join(patterns) or "(no pattern)",
            received="no file",
            remedy="check that the data have snapshots in every split.",
        )
    return paths


def serialized_examples(paths: Sequence[str]) -> tf.data.Dataset:
    """Serialized Examples of TFRecord files, gzipped where their names end so."""
    compression = "GZIP" if paths[0].endswith(".gz") else ""
    return tf.data.Dataset.from_tensor_slices(list(paths)).interleave(
        lambda path: tf.data.TFRecordDataset(path, compression_type=compression),
        cycle_length=min(_READERS, len(paths)),
        block_length=16,
    )


def cached_batches(
    paths: Sequence[str],
    config: GoalpathConfig,
    transform: Transform,
    *,
    cache_file: str,
    shuffled: bool,
) -> tf.data.Dataset:
    """Batches `(inputs, labels)` of the training model.

    Args:
      paths: TFRecord files.
      config: gives batch size and seed.
      transform: applies the transform graph to parsed features.
      cache_file: prefix of the cache's files; the first complete pass writes them.
      shuffled: whether Examples, and then in each pass batches, change their order.

    Returns:
      `trainer.batching.model_inputs` of all groups, and `TRAINING_LABELS`.
    """
    training = config.training
    data = serialized_examples(paths)
    if shuffled:
        buffer = _shuffle_buffer(data)
        data = data.shuffle(buffer, seed=training.seed, reshuffle_each_iteration=False)
    parsing = raw_feature_spec(config, labels=True)

    def prepare(serialized: tf.Tensor) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        transformed = transform(tf.io.parse_example(serialized, parsing))
        labels = model_labels(transformed, config)
        return (
            model_inputs(transformed, config, tuple(Group)),
            {key: labels[key] for key in TRAINING_LABELS},
        )

    data = data.batch(training.batch_size)
    data = data.map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    data = data.cache(cache_file)
    if shuffled:
        data = data.shuffle(SHUFFLE_BATCHES, seed=training.seed, reshuffle_each_iteration=True)
    return data.prefetch(2)


def _shuffle_buffer(data: tf.data.Dataset) -> int:
    sizes = [len(record) for record in data.take(256).as_numpy_iterator()]
    mean = max(sum(sizes) / max(len(sizes), 1), 1.0)
    return max(int(SHUFFLE_BYTES / mean), 1)
