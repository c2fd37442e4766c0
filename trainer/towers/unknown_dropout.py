"""Hides known values in training, so that unknown ones mean something when served."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from trainer.registration import PACKAGE


@keras.saving.register_keras_serializable(package=PACKAGE)
class UnknownDropout(keras.layers.Layer):  # type: ignore[misc]
    """Sends a share of values to the entry for what is outside the vocabulary.

    Without it the embedding of that entry would keep its initial values, and a new
    engagement, or a cohort with a catalogue of its own, would be scored by noise.

    Input: integer `[...]`; 0 is padding and stays. Output: the same shape; in
    training each index above 0 becomes `unknown` with probability `rate`, else it is
    unchanged.

    Args:
      rate: in [0, 1).
      unknown: index of the entry for what is outside the vocabulary.
      seed: of the draws.
      by_row: one draw for all of a row `[B, ...]`. In a cohort with a catalogue of its
        own a list has no known engagement at all, not now and then one.
    """

    def __init__(
        self, rate: float, *, unknown: int, seed: int, by_row: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.unknown = unknown
        self.seed = seed
        self.by_row = by_row
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, index: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """See the class."""
        if not training or self.rate == 0:
            return index
        shape = ops.shape(index)
        if self.by_row:
            shape = (shape[0], *(1 for _ in shape[1:]))
        drawn = keras.random.uniform(shape, seed=self.seed_generator)
        hidden = ops.logical_and(drawn < self.rate, index > 0)
        return ops.where(hidden, ops.cast(self.unknown, index.dtype), index)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "rate": self.rate,
            "unknown": self.unknown,
            "seed": self.seed,
            "by_row": self.by_row,
        }
