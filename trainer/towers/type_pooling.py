"""What a student did with each engagement type, as one vector."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from trainer.registration import PACKAGE

Shapes = list[tuple[int | None, ...]]


@keras.saving.register_keras_serializable(package=PACKAGE)
class TypePooling(keras.layers.Layer):  # type: ignore[misc]
    """Sum over the types met of relu(W [embedding of the type, its numbers] + b).

    The types of a student are a set: their order does not matter, and a sum keeps
    how many there are.

    Input: `[values, index]` with values float32 `[B, T, F]` and index integer
    `[B, T]`, 0 being padding. Output: float32 `[B, units]`; zeros for an empty set.

    Args:
      units: width of the output.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.encoder = keras.layers.Dense(units, activation="relu", name="encoder")

    def build(self, input_shape: Shapes) -> None:
        """Builds the encoder for the width of the values."""
        self.encoder.build(input_shape[0])
        self.built = True

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """See the class."""
        values, index = inputs
        there = ops.expand_dims(ops.cast(index > 0, self.compute_dtype), -1)
        return ops.sum(self.encoder(values) * there, axis=1)

    def compute_output_shape(self, input_shape: Shapes) -> tuple[int | None, ...]:
        """`[B, units]`."""
        return (input_shape[0][0], self.units)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "units": self.units}
