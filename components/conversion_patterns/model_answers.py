"""Asks the trained model about a sample of states."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from components.conversion_patterns.document import ModelAnswers
from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import GoalpathError
from schemas.features import candidate_features, query_features
from serving.state_batches import NUMPY_TYPES, dense_column

BATCH: Final = 512

Tensors = dict[str, npt.NDArray[np.generic]]


def ask_model(saved_model: Path, sample: pa.Table, config: GoalpathConfig) -> ModelAnswers:
    """Embedding, likelihood and risk of each state.

    Args:
      saved_model: the trainer's SavedModel.
      sample: with every query feature; at least one row.
      config: of the data set.

    Raises:
      GoalpathError: the model cannot be loaded.
    """
    try:
        model = tf.saved_model.load(str(saved_model))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise GoalpathError(
            "the trained model must load.",
            where=str(saved_model),
            received=str(error),
            remedy="run again with --no-cache.",
        ) from error
    found: dict[str, list[npt.NDArray[np.generic]]] = {}
    for start in range(0, sample.num_rows, BATCH):
        inputs = _inputs(sample.slice(start, BATCH), config)
        for signature in (names.SIGNATURE_EMBED_STUDENT, names.SIGNATURE_PREDICT):
            function = model.signatures[signature]
            wanted = function.structured_input_signature[1]
            tensors = {key: tf.constant(inputs[key], spec.dtype) for key, spec in wanted.items()}
            for key, value in function(**tensors).items():
                found.setdefault(key, []).append(value.numpy())

    def column(key: str) -> npt.NDArray[np.float64]:
        return np.concatenate(found[key]).astype(np.float64)

    return ModelAnswers(column(names.EMBEDDING), column(names.LIKELIHOOD), column(names.RISK))


def _inputs(sample: pa.Table, config: GoalpathConfig) -> Tensors:
    """Query features by name, and empty lists of candidates."""
    rows = sample.num_rows
    empty = {
        spec.key: np.zeros((rows, 0), NUMPY_TYPES[spec.dtype])
        for spec in candidate_features(config)
    }
    query = {
        spec.key: dense_column(sample[spec.key].combine_chunks(), spec)
        for spec in query_features(config)
    }
    return empty | query
