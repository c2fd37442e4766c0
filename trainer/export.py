"""Exports the model, and takes nothing on trust: what was written is read back."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import ExportRejectedError
from schemas.machine import machine_fingerprint
from trainer.golden import MODEL_INPUTS, Golden, dump_golden
from trainer.golden_inputs import golden_inputs, with_empty_lists
from trainer.model import GoalpathModel
from trainer.signatures import GoalpathModule
from trainer.warmup import warmup_records, write_warmup
from trainer.weights import Checksum, checksum, dump_checksums, require_equal

Array = npt.NDArray[np.generic]
Loaded = TypeVar("Loaded")
Functions = Mapping[str, tf.types.experimental.ConcreteFunction]

_SAVED_MODEL: Final = "SavedModel"
_REMEDY: Final = "do not push it; export again, and report it if it happens again."


def export(
    module: GoalpathModule,
    model: GoalpathModel,
    config: GoalpathConfig,
    *,
    directory: str,
    golden_examples: Sequence[bytes],
) -> None:
    """Writes the SavedModel and its extra assets, reads it back and compares.

    Args:
      module: holds the trained model.
      model: the same model, for the `.keras` file and the checksums.
      config: of the data set.
      directory: of the SavedModel; local or anything TensorFlow can write.
      golden_examples: serialized Examples, one at least.

    Raises:
      ExportRejectedError: a weight or an output of the export is not the trained one.
    """
    trained = [checksum(w.path, w.numpy()) for w in model.serving.weights]
    functions = module.signatures()
    golden = golden_outputs(module, functions, with_empty_lists(golden_examples, config), config)
    tf.saved_model.save(module, directory, signatures=dict(functions))
    extra = os.path.join(directory, names.ASSETS_EXTRA)
    tf.io.gfile.makedirs(extra)
    _write(os.path.join(extra, names.CHECKSUMS_FILE), dump_checksums(trained).encode())
    _write(
        os.path.join(extra, names.GOLDEN_FILE), dump_golden(golden, machine=machine_fingerprint())
    )
    write_warmup(
        os.path.join(extra, names.WARMUP_FILE), warmup_records(golden, config.serving.model_name)
    )
    _write_keras(model.serving, os.path.join(extra, names.KERAS_FILE))
    verify_export(directory, trained, golden)


def golden_outputs(
    module: GoalpathModule,
    functions: Functions,
    examples: Sequence[bytes],
    config: GoalpathConfig,
) -> Golden:
    """What each traced function gives for inputs made from the same Examples.

    Beside the signatures, `MODEL_INPUTS` has what the Keras model reads of them: the
    `.keras` file can be asked for the same answers without the transform graph.
    """
    read = module.read(tf.constant(list(examples), tf.string))
    model_inputs = {key: value.numpy() for key, value in read.items()}
    golden: Golden = {MODEL_INPUTS: {"inputs": model_inputs, "outputs": {}}}
    inputs_of = golden_inputs(examples, config)
    for signature in functions:
        inputs = inputs_of[signature]
        golden[signature] = {"inputs": inputs, "outputs": run(functions[signature], inputs)}
    return golden


def run(
    function: tf.types.experimental.ConcreteFunction, inputs: Mapping[str, Array]
) -> dict[str, Array]:
    """Outputs of a signature as arrays."""
    specs = function.structured_input_signature[1]
    tensors = {key: tf.constant(value, specs[key].dtype) for key, value in inputs.items()}
    return {key: value.numpy() for key, value in function(**tensors).items()}


def verify_export(directory: str, trained: Sequence[Checksum], golden: Golden) -> None:
    """Loads the export and compares weights and golden outputs, bit for bit.

    Raises:
      ExportRejectedError: it does not load, or something differs; the message says what.
    """
    verify_saved_model(directory, trained, golden)
    restored = _loaded(lambda: _read_keras(directory), names.KERAS_FILE)
    require_equal(trained, (w.numpy() for w in restored.weights), where=names.KERAS_FILE)


def verify_saved_model(directory: str, trained: Sequence[Checksum], golden: Golden) -> None:
    """The same without the `.keras` file, for the signatures that `golden` has.

    Raises:
      ExportRejectedError: likewise.
    """
    loaded = _loaded(lambda: tf.saved_model.load(directory), _SAVED_MODEL)
    require_equal(trained, (v.numpy() for v in loaded.model_vars), where=_SAVED_MODEL)
    for signature in sorted(set(golden) - {MODEL_INPUTS}):
        outputs = run(loaded.signatures[signature], golden[signature]["inputs"])
        _require_same(signature, golden[signature]["outputs"], outputs)


def _loaded(load: Callable[[], Loaded], where: str) -> Loaded:
    try:
        return load()
    except Exception as error:  # TensorFlow and Keras raise errors of many classes
        raise ExportRejectedError(
            "an export must load.",
            where=where,
            received=str(error),
            remedy=_REMEDY,
        ) from error


def _read_keras(directory: str) -> keras.Model:
    with tempfile.TemporaryDirectory() as folder:
        local = os.path.join(folder, names.KERAS_FILE)
        tf.io.gfile.copy(os.path.join(directory, names.ASSETS_EXTRA, names.KERAS_FILE), local)
        return keras.models.load_model(local, compile=False)


def _require_same(
    signature: str, trained: Mapping[str, Array], loaded: Mapping[str, Array]
) -> None:
    wrong = [
        name
        for name, value in trained.items()
        if name not in loaded or not np.array_equal(value, loaded[name])
    ]
    if wrong or set(trained) != set(loaded):
        raise ExportRejectedError(
            "a loaded signature must give what the traced function gave, bit for bit.",
            where=signature,
            received=f"{', '.join(wrong) or 'other outputs'} different",
            remedy=_REMEDY,
        )


def _write(path: str, content: bytes) -> None:
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(content)


def _write_keras(model: keras.Model, path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        local = os.path.join(folder, names.KERAS_FILE)
        model.save(local)
        tf.io.gfile.copy(local, path, overwrite=True)
