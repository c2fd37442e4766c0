"""A SavedModel as anyone would load it: its signatures and its variables."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.model_validator.golden import EXPECTED_OUTPUTS
from components.model_validator.report import CheckResult, from_problems
from schemas import names

MODEL_VARIABLES: Final = "model_vars"
_OBJECT_GRAPH: Final = "_CHECKPOINTABLE_OBJECT_GRAPH"
_TEXTS: Final = (names.RECOMMENDED_ID, names.ATTRIBUTED_FEATURE)
_COUNTER: Final = "save_counter/"

Array = npt.NDArray[np.generic]
Tensors = dict[str, Array]


class LoadedModel:
    """A loaded SavedModel, with what loading took.

    Args:
      model: with `signatures` and the variables.
      load_seconds: what loading took.
    """

    def __init__(self, model: Any, load_seconds: float = 0.0) -> None:
        self._model = model
        self.load_seconds = load_seconds

    @classmethod
    def load(cls, model_dir: Path) -> LoadedModel:
        """Loads it.

        Raises:
          Exception: whatever TensorFlow finds wrong.
        """
        began = time.perf_counter()
        model = tf.saved_model.load(str(model_dir))
        return cls(model, time.perf_counter() - began)

    def variables(self) -> list[Array]:
        """The values of the model's variables, in the order of training.

        Raises:
          AttributeError: the export does not hold its variables.
        """
        return [variable.numpy() for variable in getattr(self._model, MODEL_VARIABLES)]

    def check_signatures(self, name: str, golden_inputs: Mapping[str, Tensors]) -> CheckResult:
        """Every signature is there, with the inputs and outputs it was exported with."""
        problems = []
        for signature, outputs in EXPECTED_OUTPUTS.items():
            if signature not in self._model.signatures:
                problems.append(f"{signature} is missing")
                continue
            function = self._model.signatures[signature]
            inputs = function.structured_input_signature[1]
            expected = golden_inputs.get(signature, {})
            problems += _differences(f"{signature} input", expected, inputs)
            problems += _differences(f"{signature} output", outputs, function.structured_outputs)
            problems += [
                f"{signature} output {key} is of type {spec.dtype.name}"
                for key, spec in function.structured_outputs.items()
                if spec.dtype != (tf.string if key in _TEXTS else tf.float32)
            ]
            for key in sorted(set(expected) & set(inputs)):
                problems += _misfit(f"{signature} input {key}", expected[key], inputs[key])
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


def stored_variables(model_dir: Path) -> Tensors:
    """The values in the variables file of a SavedModel, by their keys there.

    Raises:
      ValueError: a value cannot be read.
      Exception: whatever TensorFlow finds wrong with the file.
    """
    reader = tf.train.load_checkpoint(str(model_dir / "variables" / "variables"))
    keys = [
        key
        for key in reader.get_variable_to_shape_map()
        if key != _OBJECT_GRAPH and not key.startswith(_COUNTER)
    ]
    return {key: _stored(reader, key) for key in sorted(keys)}


def _stored(reader: tf.train.CheckpointReader, key: str) -> Array:
    try:
        value: Array = reader.get_tensor(key)
    except Exception as error:  # of all kinds: a torn file is an IndexError
        raise ValueError(f"the variables file cannot give {key}: {error}") from error
    return value


def _misfit(what: str, value: Array, spec: tf.TensorSpec) -> list[str]:
    """What keeps an input from taking values of this type, in batches of any size."""
    problems = []
    wanted = tf.as_dtype("string" if value.dtype == object else value.dtype)
    if spec.dtype != wanted:
        problems.append(f"{what} takes {spec.dtype.name}, and {wanted.name} is given")
    if spec.shape.rank != value.ndim:
        problems.append(f"{what} takes {spec.shape.rank} dimensions, and {value.ndim} are given")
    elif value.ndim and spec.shape[0] is not None:
        problems.append(f"{what} takes batches of {spec.shape[0]} alone")
    return problems


def _differences(
    what: str, expected: Sequence[str] | Mapping[str, Array], found: object
) -> list[str]:
    keys = set(found) if isinstance(found, Mapping) else set()
    missing = [f"{what} {key} is missing" for key in sorted(set(expected) - keys)]
    return missing + [
        f"{what} {key} is not in the contract" for key in sorted(keys - set(expected))
    ]
