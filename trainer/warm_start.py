"""Begins training from the weights of a pushed version.

A weight is taken over where the new model has one of its path and shape. The rows of an
embedding are found by their words, since another run orders its vocabulary anew: a word
that the version did not know begins as the version's "unknown". The scale of numbers is
the new run's own. Vocabularies and values are read from the files of the SavedModel, so
a version of other code serves too, and what does not fit begins afresh and is named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schemas import names
from schemas.errors import InputError
from trainer.weights import Array, load_checksums, require_equal

_ASSETS: Final = "assets"
_VARIABLES: Final = "variables/variables"
_KEY: Final = "model_vars/{}/.ATTRIBUTES/VARIABLE_VALUE"
_TABLE: Final = "embed_"

Vocabularies = Mapping[str, Sequence[bytes]]


@dataclasses.dataclass(frozen=True)
class Earlier:
    """The weights of a version.

    Attributes:
      version: its number.
      weights: by path.
      vocabularies: words by name of the vocabulary, in order.
    """

    version: str
    weights: Mapping[str, Array]
    vocabularies: Vocabularies


@dataclasses.dataclass(frozen=True)
class WarmStart:
    """What was taken over.

    Attributes:
      version: from which.
      taken: paths of weights that were taken as they are, or row by row.
      fresh: paths of those that begin afresh, since the version has none that fits.
    """

    version: str
    taken: tuple[str, ...]
    fresh: tuple[str, ...]


def read_version(folder: Path) -> Earlier:
    """Reads the weights and vocabularies of a pushed version.

    Args:
      folder: of the SavedModel, with its extra assets.

    Raises:
      InputError: it is not there, or is no version of goalpath.
      ExportRejectedError: its weights are not those that were trained.
    """
    try:
        text = (folder / names.ASSETS_EXTRA / names.CHECKSUMS_FILE).read_text(encoding="utf-8")
        reader = tf.train.load_checkpoint(str(folder / _VARIABLES))
        entries = load_checksums(text)
        values = [reader.get_tensor(_KEY.format(place)) for place in range(len(entries))]
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise InputError(
            "a warm start needs the weights of a pushed version.",
            where=str(folder),
            received=" ".join(str(error).split())[:200],
            remedy="push a version first, or set training.warm_start to false.",
        ) from error
    require_equal(entries, values, where=str(folder))
    files = (path for path in (folder / _ASSETS).iterdir() if path.is_file())
    words = {path.name: path.read_bytes().splitlines() for path in files}
    weights = {entry["path"]: value for entry, value in zip(entries, values, strict=True)}
    return Earlier(folder.name, weights, words)


def warm_start(model: keras.Model, earlier: Earlier, vocabularies: Vocabularies) -> WarmStart:
    """Gives `model` the weights of an earlier version where they fit.

    Args:
      model: as built; changed in place.
      earlier: the version.
      vocabularies: words of the new run, by name of the vocabulary.

    Returns:
      What was taken. Seeds of dropout stay the model's own.
    """
    taken, fresh = [], []
    for variable in model.trainable_variables:
        value = _fitting(variable.path, variable.shape, earlier, vocabularies)
        if value is None:
            fresh.append(variable.path)
        else:
            variable.assign(value)
            taken.append(variable.path)
    return WarmStart(earlier.version, tuple(taken), tuple(fresh))


def _fitting(
    path: str, shape: tuple[int, ...], earlier: Earlier, vocabularies: Vocabularies
) -> Array | None:
    value = earlier.weights.get(path)
    if value is None or len(value.shape) != len(shape):
        return None
    vocabulary = path.split("/", 1)[0].removeprefix(_TABLE)
    if path.startswith(_TABLE) and vocabulary in vocabularies:
        old = earlier.vocabularies.get(vocabulary)
        if old is None or value.shape != (len(old) + 2, shape[1]):
            return None
        return np.asarray(value[_rows(old, vocabularies[vocabulary])])
    return value if value.shape == tuple(shape) else None


def _rows(old: Sequence[bytes], new: Sequence[bytes]) -> npt.NDArray[np.int64]:
    """For each row of the new table the one of the old: missing, the words, unknown."""
    unknown = len(old) + 1
    places = {word: place for place, word in enumerate(old, start=1)}
    return np.array([0, *(places.get(word, unknown) for word in new), unknown], np.int64)
