"""Dense layers one after the other, each followed by dropout."""

from __future__ import annotations

from collections.abc import Sequence

import keras


class DenseStack:
    """relu(W x + b) for each width, `[..., F]` -> `[..., units[-1]]`.

    Called again it is the same layers over other tensors.

    Args:
      units: widths; none: the input itself.
      dropout: rate after each layer.
      seed: of the dropout.
      name: prefix of the layers' names.
    """

    def __init__(self, units: Sequence[int], dropout: float, seed: int, *, name: str) -> None:
        self._layers: list[keras.layers.Layer] = []
        for depth, width in enumerate(units):
            dense = keras.layers.Dense(width, activation="relu", name=f"{name}_dense_{depth}")
            hide = keras.layers.Dropout(dropout, seed=seed + depth, name=f"{name}_dropout_{depth}")
            self._layers += [dense, hide]

    def __call__(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """See the class."""
        hidden = inputs
        for layer in self._layers:
            hidden = layer(hidden)
        return hidden
