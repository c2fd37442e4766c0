"""Hides known ids in training, so that unknown ones mean something when served."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from trainer.registration import PACKAGE


@keras.saving.register_keras_serializable(package=PACKAGE)
class IdDropout(keras.layers.Layer):  # type: ignore[misc]
    """Sends a share of ids to the buckets for ids outside the vocabulary.

    Without it the embeddings of those buckets would keep their initial values, and a
    new engagement, or a cohort with a catalogue of its own, would be scored by noise.

    Input: integer `[...]`; 0 is padding and stays. Output: the same shape; in
    training each index above 0 becomes `first_bucket + index % buckets` with
    probability `rate`, else it is unchanged.

    Args:
      rate: in [0, 1).
      first_bucket: index of the first bucket.
      buckets: number of buckets, 1 or more.
      seed: of the draws.
    """

    def __init__(
        self, rate: float, *, first_bucket: int, buckets: int, seed: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.first_bucket = first_bucket
        self.buckets = buckets
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, index: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """See the class."""
        if not training or self.rate == 0:
            return index
        drawn = keras.random.uniform(ops.shape(index), seed=self.seed_generator)
        hidden = ops.logical_and(drawn < self.rate, index > 0)
        return ops.where(hidden, self.first_bucket + index % self.buckets, index)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "rate": self.rate,
            "first_bucket": self.first_bucket,
            "buckets": self.buckets,
            "seed": self.seed,
        }
