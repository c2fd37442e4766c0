"""The last events of a student as one vector: attention that fades with time."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from trainer.registration import PACKAGE

Shapes = list[tuple[int | None, ...]]


@keras.saving.register_keras_serializable(package=PACKAGE)
class DecayedAttentionPooling(keras.layers.Layer):  # type: ignore[misc]
    """Additive attention over events, each head with a rate of decay of its own.

    For event i with encoding x_i and age d_i on a logarithmic scale, head h gives it
    the weight

        a_i = exp(u_h . x_i - softplus(r_h) d_i) / (1 + sum_j exp(u_h . x_j - softplus(r_h) d_j))

    so weights fall as a power of the age. The 1 stands for "no event": what the
    others leave goes to a learned vector, and an empty history is that vector alone.
    Attention pooling: Bahdanau, Cho and Bengio, 2015, arXiv:1409.0473; the extra
    unit of weight: Miller, "Attention is off by one", 2023.

    Input: `[events, ages, index]` with events float32 `[B, H, F]`, ages float32
    `[B, H]` (standardised logarithm of days) and index integer `[B, H]`, 0 being
    padding. Output: float32 `[B, heads * dim]`.

    Args:
      dim: width of an event's encoding.
      heads: attention heads.
    """

    def __init__(self, dim: int, heads: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dim = dim
        self.heads = heads
        self.encoder = keras.layers.Dense(dim, activation="relu", name="encoder")
        self.scorer = keras.layers.Dense(heads, name="scorer")

    def build(self, input_shape: Shapes) -> None:
        """Builds the encoder, the scorer, the rates of decay and the vectors of no event."""
        batch, length, _ = input_shape[0]
        self.encoder.build(input_shape[0])
        self.scorer.build((batch, length, self.dim))
        self.rate = self.add_weight(
            shape=(self.heads,), initializer=keras.initializers.Constant(0.5), name="rate"
        )
        self.no_event = self.add_weight(
            shape=(self.heads, self.dim), initializer="zeros", name="no_event"
        )
        self.built = True

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """See the class."""
        events, ages, index = inputs
        encoded = self.encoder(events)
        there = ops.expand_dims(ops.cast(index > 0, self.compute_dtype), -1)
        scores = self.scorer(encoded) - ops.softplus(self.rate) * ops.expand_dims(ages, -1)
        # Bounded, not shifted by the maximum: a maximum over no event does not exist.
        weights = ops.exp(ops.clip(scores, -30.0, 30.0)) * there
        total = 1.0 + ops.sum(weights, axis=1)
        pooled = ops.matmul(ops.transpose(weights, (0, 2, 1)), encoded) + self.no_event
        pooled = pooled / ops.expand_dims(total, -1)
        return ops.reshape(pooled, (-1, self.heads * self.dim))

    def compute_output_shape(self, input_shape: Shapes) -> tuple[int | None, ...]:
        """`[B, heads * dim]`."""
        return (input_shape[0][0], self.heads * self.dim)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "dim": self.dim, "heads": self.heads}
