"""The words of a text as one vector."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from trainer.registration import PACKAGE


@keras.saving.register_keras_serializable(package=PACKAGE)
class TokenMean(keras.layers.Layer):  # type: ignore[misc]
    """Mean of the embeddings of a text's tokens.

    Input: integer `[..., L]` in [0, size), 0 being padding. Output: float32
    `[..., dim]`; zeros for a text without a token.

    Args:
      size: rows of the embedding table.
      dim: width of an embedding.
    """

    def __init__(self, size: int, dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.dim = dim
        self.embedding = keras.layers.Embedding(size, dim, name="embedding")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the table."""
        self.embedding.build(input_shape)
        self.built = True

    def call(self, tokens: keras.KerasTensor) -> keras.KerasTensor:
        """See the class."""
        there = ops.expand_dims(ops.cast(tokens > 0, self.compute_dtype), -1)
        total = ops.sum(self.embedding(tokens) * there, axis=-2)
        return total / ops.maximum(ops.sum(there, axis=-2), 1.0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`[..., L]` -> `[..., dim]`."""
        return (*input_shape[:-1], self.dim)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "size": self.size, "dim": self.dim}
