"""The `.keras` file as its users would load it: its weights and its answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

STUDENT: Final = "student embedding"
ENGAGEMENT: Final = "engagement embedding"

Array = npt.NDArray[np.generic]
Tensors = dict[str, Array]


class KerasFile:
    """A loaded `.keras` file."""

    def __init__(self, path: Path) -> None:
        """Loads it.

        Raises:
          Exception: whatever Keras finds wrong.
        """
        import keras  # noqa: PLC0415  TFX has to choose the Keras of tf.keras first

        import trainer.model  # noqa: F401, PLC0415  registers the layers

        self._model = keras.saving.load_model(path, compile=False)

    def weights(self) -> Tensors:
        """The weights by path.

        The states of random generators are no weights: nothing is predicted with them.
        """
        return {weight.path: np.asarray(weight.value) for weight in self._model.weights}

    def outputs(self, inputs: Mapping[str, Array]) -> Tensors:
        """Every output of the model, and `STUDENT` `[B, D]` and `ENGAGEMENT` `[B, N, D]`.

        Args:
          inputs: what the preprocessing makes of Examples.

        Raises:
          Exception: whatever Keras finds wrong.
        """
        import keras  # noqa: PLC0415  as above

        from trainer.towers.candidate import ENGAGEMENT_EMBEDDING  # noqa: PLC0415
        from trainer.towers.query import STUDENT_EMBEDDING  # noqa: PLC0415

        model = self._model
        parts = {
            STUDENT: model.get_layer(STUDENT_EMBEDDING).output,
            ENGAGEMENT: model.get_layer(ENGAGEMENT_EMBEDDING).output,
        }
        found = keras.Model(model.input, {**model.output, **parts})(dict(inputs), training=False)
        return {key: np.asarray(value) for key, value in found.items()}
