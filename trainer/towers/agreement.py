"""Where a student and an engagement have the same value."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from trainer.registration import PACKAGE

Shapes = list[tuple[int | None, ...]]


@keras.saving.register_keras_serializable(package=PACKAGE)
class Agreement(keras.layers.Layer):  # type: ignore[misc]
    """1 where a category of the student equals one of the engagement, else 0.

    A programme and the topic of an event, a stage and the stage that an event is meant
    for: equality of two categories is what towers that meet in a product learn last.

    Input: `[values, candidates]`, integer `[B, P]` and `[B, N, A]` of one vocabulary; 0
    is missing and equals nothing, and neither does `unknown`. Output: float32
    `[B, N, P * A]`.

    Args:
      unknown: index of the entry for what is outside the vocabulary.
    """

    def __init__(self, unknown: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unknown = unknown
        self.built = True

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """See the class."""
        values, candidates = inputs
        values = ops.expand_dims(ops.expand_dims(values, 1), -1)
        candidates = ops.expand_dims(candidates, 2)
        told = ops.logical_and(candidates > 0, candidates != self.unknown)
        equal = ops.cast(ops.logical_and(values == candidates, told), self.compute_dtype)
        shape = ops.shape(equal)
        return ops.reshape(equal, (shape[0], shape[1], equal.shape[2] * equal.shape[3]))

    def compute_output_shape(self, input_shape: Shapes) -> tuple[int | None, ...]:
        """`[B, N, P * A]`."""
        values, candidates = input_shape
        assert values[1] is not None
        assert candidates[2] is not None
        return (candidates[0], candidates[1], values[1] * candidates[2])

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "unknown": self.unknown}
