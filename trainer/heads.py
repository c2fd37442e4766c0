"""The heads: each reads both embeddings through layers of its own."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from trainer.registration import PACKAGE

Shapes = list[tuple[int | None, ...]]


@keras.saving.register_keras_serializable(package=PACKAGE)
class InteractionHead(keras.layers.Layer):  # type: ignore[misc]
    """One number for a student and each of `N` engagements.

        f(e, c, g) = (Q e) . c / sqrt(D) + v . g + w . MLP(relu(A e + B c + G g + a)) + b

    The product ranks as a two-tower model does; the network sees what a product
    cannot, such as a student to whom nothing appeals; g says where the two have the
    same value.

    Input: `[student, engagements, agreement]`, float32 `[B, D]`, `[B, N, D]` and
    `[B, N, agreements]`; without the last it counts as 0. Output: float32 `[B, N]`, a
    score or a log-odds.

    Args:
      units: widths of the network, one at least.
      dropout: rate after each of its layers.
      seed: of the dropout.
      agreements: width of g; 0 where there is none.
    """

    def __init__(
        self,
        units: tuple[int, ...],
        dropout: float = 0.0,
        seed: int = 0,
        agreements: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = tuple(units)
        self.dropout = dropout
        self.seed = seed
        self.agreements = agreements
        self.student = keras.layers.Dense(self.units[0], name="student")
        self.engagement = keras.layers.Dense(self.units[0], use_bias=False, name="engagement")
        self.deeper = [
            keras.layers.Dense(width, activation="relu", name=f"dense_{depth}")
            for depth, width in enumerate(self.units[1:], start=1)
        ]
        self.dropouts = [
            keras.layers.Dropout(dropout, seed=seed + depth) for depth in range(len(self.units))
        ]
        self.output_layer = keras.layers.Dense(1, name="output")
        if agreements:
            self.agreement = keras.layers.Dense(self.units[0], use_bias=False, name="agreement")
            self.agreement_output = keras.layers.Dense(1, use_bias=False, name="agreement_output")

    def build(self, input_shape: Shapes) -> None:
        """Builds every layer for the widths of the embeddings."""
        student, engagements = input_shape[:2]
        self.query = keras.layers.Dense(engagements[-1], use_bias=False, name="query")
        self.query.build(student)
        self.student.build(student)
        self.engagement.build(engagements)
        batch, count, _ = engagements
        for layer, width in zip(self.deeper, self.units[:-1], strict=True):
            layer.build((batch, count, width))
        self.output_layer.build((batch, count, self.units[-1]))
        if self.agreements:
            self.agreement.build((batch, count, self.agreements))
            self.agreement_output.build((batch, count, self.agreements))
        self.built = True

    def call(self, inputs: list[keras.KerasTensor], training: bool = False) -> keras.KerasTensor:
        """See the class."""
        student, engagements = inputs[:2]
        query = ops.expand_dims(self.query(student), -1)
        score = ops.squeeze(ops.matmul(engagements, query), -1) / math.sqrt(engagements.shape[-1])
        hidden = ops.expand_dims(self.student(student), 1) + self.engagement(engagements)
        if len(inputs) > 2:
            hidden = hidden + self.agreement(inputs[2])
            score = score + ops.squeeze(self.agreement_output(inputs[2]), -1)
        hidden = self.dropouts[0](ops.relu(hidden), training=training)
        for layer, dropout in zip(self.deeper, self.dropouts[1:], strict=True):
            hidden = dropout(layer(hidden), training=training)
        return score + ops.squeeze(self.output_layer(hidden), -1)

    def compute_output_shape(self, input_shape: Shapes) -> tuple[int | None, ...]:
        """`[B, N]`."""
        return input_shape[1][:2]

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "dropout": self.dropout,
            "seed": self.seed,
            "agreements": self.agreements,
        }


@keras.saving.register_keras_serializable(package=PACKAGE)
class NoEngagement(keras.layers.Layer):  # type: ignore[misc]
    """A learned vector that stands where no engagement is given.

    Input: students, float32 `[B, D]`, read for their number only. Output: float32
    `[B, 1, dim]`, the same vector for each.

    Args:
      dim: width of an engagement's embedding.
    """

    def __init__(self, dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dim = dim

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the vector."""
        self.vector = self.add_weight(shape=(self.dim,), initializer="zeros", name="vector")
        self.built = True

    def call(self, students: keras.KerasTensor) -> keras.KerasTensor:
        """See the class."""
        return ops.broadcast_to(self.vector, (ops.shape(students)[0], 1, self.dim))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`[B, 1, dim]`."""
        return (input_shape[0], 1, self.dim)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "dim": self.dim}


@keras.saving.register_keras_serializable(package=PACKAGE)
class TakeGiven(keras.layers.Layer):  # type: ignore[misc]
    """The embedding of the engagement that was met next.

    Input: `[engagements, place]`, float32 `[B, N, D]` and integer `[B]`. Output:
    float32 `[B, 1, D]`; zeros where the place is negative or `N` is 0.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = True

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """See the class."""
        engagements, place = inputs
        places = ops.arange(ops.shape(engagements)[1], dtype="int32")
        chosen = ops.expand_dims(places, 0) == ops.expand_dims(ops.cast(place, "int32"), 1)
        weights = ops.expand_dims(ops.cast(chosen, self.compute_dtype), 1)
        return ops.matmul(weights, engagements)

    def compute_output_shape(self, input_shape: Shapes) -> tuple[int | None, ...]:
        """`[B, 1, D]`."""
        batch, _, width = input_shape[0]
        return (batch, 1, width)


@keras.saving.register_keras_serializable(package=PACKAGE)
class MaskPadding(keras.layers.Layer):  # type: ignore[misc]
    """Writes a sentinel where a list has ended.

    Input: `[values, index]`, float32 `[B, N]` or `[B, N, K]` and integer `[B, N]`, 0
    being padding. Output: like the values.

    Args:
      sentinel: what padding holds.
    """

    def __init__(self, sentinel: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sentinel = sentinel
        self.built = True

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """See the class."""
        values, index = inputs
        there = index > 0
        if len(values.shape) > 2:
            there = ops.expand_dims(there, -1)
        return ops.where(there, values, ops.cast(self.sentinel, values.dtype))

    def compute_output_shape(self, input_shape: Shapes) -> tuple[int | None, ...]:
        """The shape of the values."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "sentinel": self.sentinel}
