"""Dense layers one after the other, each followed by dropout."""

from __future__ import annotations

from collections.abc import Sequence

import keras


def dense_stack(
    inputs: keras.KerasTensor, units: Sequence[int], dropout: float, seed: int, *, name: str
) -> keras.KerasTensor:
    """relu(W x + b) for each width, `[..., F]` -> `[..., units[-1]]`.

    Args:
      inputs: float32 `[..., F]`.
      units: widths; none: the input itself.
      dropout: rate after each layer.
      seed: of the dropout.
      name: prefix of the layers' names.
    """
    hidden = inputs
    for depth, width in enumerate(units):
        hidden = keras.layers.Dense(width, activation="relu", name=f"{name}_dense_{depth}")(hidden)
        hidden = keras.layers.Dropout(dropout, seed=seed + depth, name=f"{name}_dropout_{depth}")(
            hidden
        )
    return hidden
