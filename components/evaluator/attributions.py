"""Asks a SavedModel what moved its heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow as tf

from components.evaluator.importance import Array, Attribute, spread
from schemas import names
from trainer.example_batches import example_files, serialized_examples


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


def read_spread(patterns: Sequence[str], wanted: int) -> list[list[bytes]]:
    """At most `wanted` serialized Examples, spread over the files, in batches.

    Reads them twice, to count and to choose, and keeps no others.

    Raises:
      TrainingRefusedError: there is no file.
    """
    data = serialized_examples(example_files(patterns))
    count = sum(1 for _ in data)
    batches = spread(range(count), wanted)
    chosen = {place for batch in batches for place in batch}
    kept = {
        place: example for place, example in enumerate(data.as_numpy_iterator()) if place in chosen
    }
    return [[kept[place] for place in batch] for batch in batches]
