"""From Examples, or from tensors by name, to the inputs of the model.

Training and every signature go through these functions, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import tensorflow as tf

from schemas import names
from schemas.config import GoalpathConfig
from schemas.features import DType, FeatureSpec, Shape, label_features
from trainer import features
from trainer.features import Group

MaybeRagged: TypeAlias = tf.Tensor | tf.RaggedTensor
ParseSpec: TypeAlias = tf.io.FixedLenFeature | tf.io.RaggedFeature

_DTYPES = {DType.BYTES: tf.string, DType.FLOAT: tf.float32, DType.INT: tf.int64}


def tensor_dtype(spec: FeatureSpec) -> tf.DType:
    """TensorFlow's type for a feature."""
    return _DTYPES[spec.dtype]


def is_list(spec: FeatureSpec) -> bool:
    """Whether the number of values differs between Examples."""
    return spec.shape not in (Shape.SCALAR, Shape.VECTOR)


def raw_feature_spec(config: GoalpathConfig, *, labels: bool) -> dict[str, ParseSpec]:
    """How to parse a serialized Example for `tf.io.parse_example`."""
    parsing: dict[str, ParseSpec] = {}
    for spec in features.read_features(config, labels=labels):
        if is_list(spec):
            parsing[spec.key] = tf.io.RaggedFeature(tensor_dtype(spec), row_splits_dtype=tf.int64)
        else:
            parsing[spec.key] = tf.io.FixedLenFeature([spec.size], tensor_dtype(spec))
    return parsing


def dense_signature(specs: Iterable[FeatureSpec]) -> dict[str, tf.TensorSpec]:
    """Named inputs: scalars `[B]`, vectors `[B, size]`, lists `[B, None]`."""
    return {
        spec.key: tf.TensorSpec(_dense_shape(spec), tensor_dtype(spec), spec.key) for spec in specs
    }


def _dense_shape(spec: FeatureSpec) -> list[int | None]:
    if is_list(spec):
        return [None, None]
    return [None] if spec.shape is Shape.SCALAR else [None, spec.size]


def dense_from_raw(
    raw: Mapping[str, MaybeRagged], specs: Iterable[FeatureSpec]
) -> dict[str, tf.Tensor]:
    """A parsed Example's features by `dense_signature`: what `raw_from_dense` takes back."""
    dense = {}
    for spec in specs:
        value = raw[spec.key]
        if is_list(spec):
            dense[spec.key] = value.to_tensor()
        else:
            dense[spec.key] = value if spec.shape is Shape.VECTOR else value[:, 0]
    return dense


def dense_from_examples(
    serialized: Sequence[bytes], specs: Iterable[FeatureSpec], config: GoalpathConfig
) -> dict[str, tf.Tensor]:
    """Features of serialized Examples by `dense_signature`.

    Args:
      serialized: `B` of them.
      specs: the features wanted, none of them a key or label.
      config: of the data set.
    """
    specs = tuple(specs)
    parsing = raw_feature_spec(config, labels=False)
    wanted = {spec.key: parsing[spec.key] for spec in specs}
    return dense_from_raw(tf.io.parse_example(list(serialized), wanted), specs)


def raw_from_dense(
    dense: Mapping[str, tf.Tensor], specs: Iterable[FeatureSpec]
) -> dict[str, MaybeRagged]:
    """Tensors by name in the form that a parsed Example has.

    Args:
      dense: by `dense_signature`; lists are padded at their end with "" or 0, and
        end where the id feature of their group does.
      specs: the features to take, whole groups of them.

    Returns:
      `[B, size]` tensors, and ragged `[B, None]` for lists.
    """
    specs = tuple(specs)
    lengths = {
        group: _length(dense[key]) for group, key in features.GROUP_ID.items() if key in dense
    }
    raw: dict[str, MaybeRagged] = {}
    for spec in specs:
        value = dense[spec.key]
        if is_list(spec):
            length = lengths[features.group_of(spec)]
            raw[spec.key] = tf.RaggedTensor.from_tensor(value, lengths=length)
        else:
            raw[spec.key] = tf.reshape(value, [-1, spec.size])
    return raw


def _length(ids: tf.Tensor) -> tf.Tensor:
    """Place after the last id that is not "", int64 `[B]`."""
    places = tf.range(1, tf.shape(ids, out_type=tf.int64)[1] + 1, dtype=tf.int64)
    filled = tf.cast(tf.not_equal(ids, ""), tf.int64) * places
    return tf.maximum(tf.reduce_max(filled, axis=1), 0)


def model_inputs(
    transformed: Mapping[str, MaybeRagged], config: GoalpathConfig, groups: Iterable[Group]
) -> dict[str, tf.Tensor]:
    """The model's inputs for some groups, lists padded with 0 to the longest.

    Args:
      transformed: outputs of the preprocessing.
      config: of the data set.
      groups: those whose features `transformed` has.

    Returns:
      `<group>_numbers` float32 `[B, F]` or `[B, n, F]`; `<key>_index` int32 `[B]` or
      `[B, n]`; `<key>_tokens` int32 `[B, L]` or `[B, n, L]`. An index of 0 in the id
      feature of a list marks padding.
    """
    groups = tuple(groups)
    inputs: dict[str, tf.Tensor] = {}
    for group in groups:
        width = features.width(config, group)
        inputs[group.numbers] = _dense(transformed[group.numbers], width)
    for category in features.categories(config):
        if category.group in groups:
            index = tf.cast(_dense(transformed[category.index], 1), tf.int32)
            inputs[category.index] = tf.squeeze(index, axis=-1)
    for text in features.texts(config):
        if text.group in groups:
            tokens = _dense(transformed[text.tokens], text.length)
            inputs[text.tokens] = tf.cast(tokens, tf.int32)
    return inputs


def _dense(value: MaybeRagged, width: int) -> tf.Tensor:
    """`[B, width]` as it is; a ragged `[B, n * width]` as `[B, longest n, width]`."""
    if not isinstance(value, tf.RaggedTensor):
        return tf.reshape(value, [-1, width])
    rows = tf.reshape(value.flat_values, [-1, width])
    splits = value.row_splits // width
    return tf.RaggedTensor.from_row_splits(rows, splits, validate=False).to_tensor()


def model_labels(
    transformed: Mapping[str, MaybeRagged], config: GoalpathConfig
) -> dict[str, tf.Tensor]:
    """Labels as the losses read them.

    Returns:
      Scalars `[B]`, vectors `[B, size]`, lists `[B, N]` padded with 0, which for
      `candidate_sampling_probability` says: not in the list.
    """
    labels: dict[str, tf.Tensor] = {}
    for spec in label_features(config):
        value = transformed[spec.key]
        if is_list(spec):
            labels[spec.key] = value.to_tensor()
        elif spec.shape is Shape.SCALAR:
            labels[spec.key] = tf.reshape(value, [-1])
        else:
            labels[spec.key] = value
    return labels


TRAINING_LABELS = (
    names.C_GRADE,
    names.C_SAMPLING_PROBABILITY,
    names.GIVEN_INDEX,
    names.RANKING_WEIGHT,
    names.LIKELIHOOD_LABEL,
    names.LIKELIHOOD_WEIGHT,
    names.RISK_LABEL,
    names.RISK_WEIGHT,
    names.GOAL_LABEL,
    names.GOAL_WEIGHT,
)
"""The labels that the model's losses read."""
