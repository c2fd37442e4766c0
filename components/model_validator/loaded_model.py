"""A SavedModel as anyone would load it: its signatures and its variables."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.model_validator.golden import EXPECTED_OUTPUTS
from components.model_validator.report import CheckResult, from_problems

MODEL_VARIABLES: Final = "model_vars"
_OBJECT_GRAPH: Final = "_CHECKPOINTABLE_OBJECT_GRAPH"
_COUNTER: Final = "save_counter/"

Array = npt.NDArray[np.generic]
Tensors = dict[str, Array]


class LoadedModel:
    """A loaded SavedModel, with what loading took."""

    def __init__(self, model_dir: Path) -> None:
        """Loads it.

        Raises:
          Exception: whatever TensorFlow finds wrong.
        """
        began = time.perf_counter()
        self._model = tf.saved_model.load(str(model_dir))
        self.load_seconds = time.perf_counter() - began
        self._prefix = str(model_dir / "variables" / "variables")

    def variables(self) -> list[Array]:
        """The values of the model's variables, in the order of training.

        Raises:
          AttributeError: the export does not hold its variables.
        """
        return [variable.numpy() for variable in getattr(self._model, MODEL_VARIABLES)]

    def checkpoint(self) -> Tensors:
        """The values in the variables file, by their keys there."""
        reader = tf.train.load_checkpoint(self._prefix)
        return {
            key: reader.get_tensor(key)
            for key in reader.get_variable_to_shape_map()
            if key != _OBJECT_GRAPH and not key.startswith(_COUNTER)
        }

    def check_signatures(self, name: str, golden_inputs: Mapping[str, Tensors]) -> CheckResult:
        """Every signature is there, with the inputs and outputs it was exported with."""
        problems = []
        for signature, outputs in EXPECTED_OUTPUTS.items():
            if signature not in self._model.signatures:
                problems.append(f"{signature} is missing")
                continue
            function = self._model.signatures[signature]
            problems += _differences(
                f"{signature} input",
                golden_inputs[signature],
                function.structured_input_signature[1],
            )
            problems += _differences(f"{signature} output", outputs, function.structured_outputs)
        fine = f"{', '.join(EXPECTED_OUTPUTS)} are there with all inputs and outputs"
        return from_problems(name, problems, fine, remedy="export every signature of the contract.")

    def call(self, signature: str, inputs: Mapping[str, Array]) -> Tensors:
        """The outputs of a signature.

        Raises:
          KeyError: there is no such signature, or an input is missing.
        """
        function = self._model.signatures[signature]
        wanted = function.structured_input_signature[1]
        tensors = {key: tf.constant(inputs[key], spec.dtype) for key, spec in wanted.items()}
        return {key: value.numpy() for key, value in function(**tensors).items()}


def _differences(
    what: str, expected: Sequence[str] | Mapping[str, Array], found: object
) -> list[str]:
    keys = set(found) if isinstance(found, Mapping) else set()
    missing = [f"{what} {key} is missing" for key in sorted(set(expected) - keys)]
    return missing + [
        f"{what} {key} is not in the contract" for key in sorted(keys - set(expected))
    ]


def keras_variables(path: Path) -> Tensors:
    """The weights of a `.keras` file, by path, loaded as its users would.

    The states of random generators are no weights: nothing is predicted with them.

    Raises:
      Exception: whatever Keras finds wrong.
    """
    import keras  # noqa: PLC0415  TFX has to choose the Keras of tf.keras first

    import trainer.model  # noqa: F401, PLC0415  registers the layers

    model = keras.saving.load_model(path, compile=False)
    return {weight.path: np.asarray(weight.value) for weight in model.weights}
