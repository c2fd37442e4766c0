"""Asks a SavedModel what moved its heads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from components.evaluator.importance import Array, Attribute
from schemas import names


def attribute_of(saved_model: str) -> Attribute | None:
    """The signature `attribute` of a SavedModel, over arrays; None where it has none."""
    signatures = tf.saved_model.load(saved_model).signatures
    if names.SIGNATURE_ATTRIBUTE not in signatures:
        return None
    signature = signatures[names.SIGNATURE_ATTRIBUTE]
    wanted = signature.structured_input_signature[1]

    def attribute(rows: Mapping[str, Array], head: str) -> Mapping[str, Array]:
        inputs = {
            key: tf.constant(rows[key], spec.dtype) for key, spec in wanted.items() if key in rows
        }
        answer = signature(**inputs, **{names.ATTRIBUTED_HEAD: tf.constant(head)})
        return {key: value.numpy() for key, value in answer.items()}

    return attribute


def read_examples(folder: str) -> list[bytes]:
    """The serialized Examples of a split's folder."""
    paths = sorted(str(path) for path in Path(folder).iterdir() if path.is_file())
    compression = "GZIP" if paths and paths[0].endswith(".gz") else ""
    return list(tf.data.TFRecordDataset(paths, compression).as_numpy_iterator())
