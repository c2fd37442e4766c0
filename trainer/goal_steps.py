"""The goal head: how likely each later stage is, as steps that follow each other.

    P(reach k) = prod_{s < j <= k} sigmoid(z_j),    s the stage now, 1 for k <= s

z_j is the log-odds of reaching stage j given that stage j - 1 is reached, so a farther
goal is never likelier, whatever the weights. Continuation-ratio model: Tutz,
"Sequential models in categorical regression", Comput. Stat. Data Anal. 11, 1991.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from trainer.registration import PACKAGE

Shapes = list[tuple[int | None, ...]]

CERTAIN = 30.0
"""Log-odds of a step that lies behind; its sigmoid is 1 in float32."""


@keras.saving.register_keras_serializable(package=PACKAGE)
class GoalStepsHead(keras.layers.Layer):  # type: ignore[misc]
    """Log-odds of each step for a student and each of `N` engagements.

        z(e, c, g) = V relu(A e + B c + G g + a) + b

    Input: `[student, engagements, agreement]`, float32 `[B, D]`, `[B, N, D]` and
    `[B, N, agreements]`; without the last it counts as 0. Output: float32
    `[B, N, steps]`.

    Args:
      steps: of the funnel, one fewer than its stages.
      units: width of the hidden layer.
      dropout: rate after it.
      seed: of the dropout.
      agreements: width of g; 0 where there is none.
    """

    def __init__(
        self,
        steps: int,
        units: int,
        dropout: float = 0.0,
        seed: int = 0,
        agreements: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.steps = steps
        self.units = units
        self.dropout = dropout
        self.seed = seed
        self.agreements = agreements
        self.student = keras.layers.Dense(units, name="student")
        self.engagement = keras.layers.Dense(units, use_bias=False, name="engagement")
        self.hide = keras.layers.Dropout(dropout, seed=seed)
        self.output_layer = keras.layers.Dense(steps, name="output")
        if agreements:
            self.agreement = keras.layers.Dense(units, use_bias=False, name="agreement")

    def build(self, input_shape: Shapes) -> None:
        """Builds every layer for the widths of the embeddings."""
        student, engagements = input_shape[:2]
        batch, count, _ = engagements
        self.student.build(student)
        self.engagement.build(engagements)
        self.output_layer.build((batch, count, self.units))
        if self.agreements:
            self.agreement.build((batch, count, self.agreements))
        self.built = True

    def call(self, inputs: list[keras.KerasTensor], training: bool = False) -> keras.KerasTensor:
        """See the class."""
        student, engagements = inputs[:2]
        hidden = ops.expand_dims(self.student(student), 1) + self.engagement(engagements)
        if len(inputs) > 2:
            hidden = hidden + self.agreement(inputs[2])
        return self.output_layer(self.hide(ops.relu(hidden), training=training))

    def compute_output_shape(self, input_shape: Shapes) -> tuple[int | None, ...]:
        """`[B, N, steps]`."""
        batch, count, _ = input_shape[1]
        return (batch, count, self.steps)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "steps": self.steps,
            "units": self.units,
            "dropout": self.dropout,
            "seed": self.seed,
            "agreements": self.agreements,
        }


@keras.saving.register_keras_serializable(package=PACKAGE)
class StepsAhead(keras.layers.Layer):  # type: ignore[misc]
    """Makes the steps that a student has behind them certain.

    Input: `[logits, position]`, float32 `[B, N, steps]` and `[B]`, the latter the place
    of the stage in the funnel divided by `steps`. Output: like the logits; `CERTAIN` for
    steps up to the stage.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = True

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """See the class."""
        logits, position = inputs
        steps = logits.shape[-1]
        stage = ops.expand_dims(ops.expand_dims(ops.round(position * steps), -1), -1)
        leads_to = ops.arange(1, steps + 1, dtype=logits.dtype)
        return ops.where(leads_to > stage, logits, ops.cast(CERTAIN, logits.dtype))

    def compute_output_shape(self, input_shape: Shapes) -> tuple[int | None, ...]:
        """The shape of the logits."""
        return input_shape[0]


@keras.saving.register_keras_serializable(package=PACKAGE)
class ReachGoals(keras.layers.Layer):  # type: ignore[misc]
    """P(reach stage k or a later one) from the log-odds of the steps; see the module.

    Input: float32 `[..., steps]`. Output: float32 `[..., steps + 1]` in [0, 1], never
    increasing, the first 1.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = True

    def call(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        """See the class."""
        reached = ops.exp(ops.cumsum(ops.log_sigmoid(logits), axis=-1))
        return ops.concatenate([ops.ones_like(reached[..., :1]), reached], axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`[..., steps + 1]`."""
        assert input_shape[-1] is not None
        return (*input_shape[:-1], input_shape[-1] + 1)
