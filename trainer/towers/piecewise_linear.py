"""Numbers as positions on a scale of pieces, so that a network can see thresholds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from trainer.registration import PACKAGE

KNOTS = (-2.5, -1.5, -1.0, -0.6, -0.3, 0.0, 0.3, 0.6, 1.0, 1.5, 2.2, 3.5)
"""In standard deviations, as the preprocessing leaves numbers; denser where most are."""


@keras.saving.register_keras_serializable(package=PACKAGE)
class PiecewiseLinear(keras.layers.Layer):  # type: ignore[misc]
    """How far each number has come through each piece between two knots.

        e_k(x) = min(1, max(0, (x - t_k) / (t_{k+1} - t_k)))

    A dense layer over these is a function of each number with a slope of its own
    between any two knots; over the number alone it is a straight line. Gorishniy,
    Rubachev and Babenko, "On Embeddings for Numerical Features in Tabular Deep
    Learning", NeurIPS 2022.

    Input: float32 `[..., F]`. Output: float32 `[..., F * (K - 1)]` in [0, 1], the
    pieces of a number side by side.

    Args:
      knots: t, `K` ascending numbers, two at least.
    """

    def __init__(self, knots: Sequence[float] = KNOTS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.knots = tuple(knots)
        if len(self.knots) < 2 or any(b <= a for a, b in itertools.pairwise(self.knots)):
            raise ValueError(
                f"`knots` should be two or more ascending numbers. Received: knots = {knots}."
            )
        self.built = True

    def call(self, numbers: keras.KerasTensor) -> keras.KerasTensor:
        """See the class."""
        start = ops.convert_to_tensor(self.knots[:-1], self.compute_dtype)
        end = ops.convert_to_tensor(self.knots[1:], self.compute_dtype)
        through = (ops.expand_dims(numbers, -1) - start) / (end - start)
        shape = (*ops.shape(numbers)[:-1], numbers.shape[-1] * (len(self.knots) - 1))
        return ops.reshape(ops.clip(through, 0.0, 1.0), shape)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`[..., F]` -> `[..., F * (K - 1)]`."""
        assert input_shape[-1] is not None
        return (*input_shape[:-1], input_shape[-1] * (len(self.knots) - 1))

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "knots": self.knots}
