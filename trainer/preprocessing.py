"""The preprocessing that TFX Transform analyses and that every signature applies.

`preprocessing_fn` is given to Transform by its dotted path, with
`custom_config={"config": <GoalpathConfig as JSON>}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import tensorflow as tf
import tensorflow_transform as tft

from schemas import names
from schemas.config import GoalpathConfig
from schemas.features import label_features
from trainer import features
from trainer.features import Category, Channel, Group, Scale, Text

MaybeRagged: TypeAlias = tf.Tensor | tf.RaggedTensor

CONFIG_KEY = "config"
CLIP = 10.0
"""Standard deviations beyond which a number is cut: an outlier in one column must
not drown the others."""
MIN_VARIANCE = 1e-6
"""Relative to 1 + mean squared; below it a number tells nothing and becomes 0."""
WORD = r"[^\p{L}\p{N}]+"
"""What separates the words of a text: anything but letters and digits (RE2)."""
_YEAR_MICROSECONDS = 365 * 86_400 * 1_000_000


def preprocessing_fn(
    inputs: Mapping[str, MaybeRagged], custom_config: Mapping[str, str]
) -> dict[str, MaybeRagged]:
    """Turns the features of Examples into what `trainer.batching` makes inputs of.

    Args:
      inputs: feature key -> `[B, 1]` or `[B, size]` tensor, or ragged `[B, None]`;
        when analysed, the instant of the snapshot and the labels among them.
      custom_config: `{"config": JSON of GoalpathConfig}`.

    Returns:
      For each group, `<group>_numbers`: float32 `[B, F]`, or for lists the `[n, F]`
      numbers of a row laid flat in a ragged `[B, n * F]`; for each category
      `<key>_index`, int64 like the feature; for each text `<key>_tokens`, int64
      `[B, L]` or flat in a ragged `[B, n * L]`; and the labels unchanged, where the
      inputs have them.
    """
    config = GoalpathConfig.model_validate_json(custom_config[CONFIG_KEY])
    outputs: dict[str, MaybeRagged] = {}
    for group in Group:
        outputs[group.numbers] = _numbers(inputs, config, group)
    for name, keys in features.vocabularies(config).items():
        outputs.update(_looked_up(inputs, config, name, keys))
    for spec in label_features(config):
        if spec.key in inputs:
            outputs[spec.key] = inputs[spec.key]
    return outputs


def _numbers(
    inputs: Mapping[str, MaybeRagged], config: GoalpathConfig, group: Group
) -> MaybeRagged:
    channels = features.channels(config, group)
    columns = [_scaled(inputs, channel) for channel in channels]
    is_unit = [channel.scale is Scale.UNIT for channel in channels for _ in range(channel.size)]
    numbers = _standardised(tf.concat(columns, axis=1), is_unit)
    is_phase = [c.key in features.YEAR_PHASE for c in channels for _ in range(c.size)]
    if any(is_phase):
        # Not before: were one analysis to wait for another, TFT would copy the Beam
        # pipeline in between, which Beam 2.74 does not let it.
        told = _spans_years(inputs[names.SNAPSHOT_TIME]) | ~tf.constant(is_phase)
        numbers = tf.where(told, numbers, tf.zeros_like(numbers))
    return _like(inputs[channels[0].key], numbers)


def _scaled(inputs: Mapping[str, MaybeRagged], channel: Channel) -> tf.Tensor:
    """One channel, float32 `[rows, size]`, NaN where it is unknown."""
    values = _rows(inputs[channel.key], channel.size)
    known = tf.math.is_finite(values)
    if channel.known_key is not None:
        known &= _rows(inputs[channel.known_key], 1) > 0
    if channel.scale is Scale.SIGNED_LOG:
        values = tf.sign(values) * tf.math.log1p(tf.abs(values))
    elif channel.scale is Scale.LOG_SHARE:
        values = tf.math.log(tf.maximum(values, 0.0) + features.SHARE_OFFSET)
    return tf.where(known, values, tf.constant(float("nan"), tf.float32))


def _spans_years(instants: tf.Tensor) -> tf.Tensor:
    """Whether the snapshots analysed span `YEARS_FOR_PHASE`, a constant when applied."""
    span = tft.max(instants) - tft.min(instants)
    return span >= features.YEARS_FOR_PHASE * _YEAR_MICROSECONDS


def _rows(feature: MaybeRagged, size: int) -> tf.Tensor:
    """The feature's values as `[rows, size]`; a list's values are one row each."""
    values = feature.flat_values if isinstance(feature, tf.RaggedTensor) else feature
    return tf.reshape(values, [-1, size])


def _standardised(values: tf.Tensor, is_unit: Sequence[bool]) -> tf.Tensor:
    """Z-scores by column from the known (finite) values; unknown becomes 0.

    Beyond the range of the values that were analysed, a number is read as the nearest
    of them: of what lies further out nothing was learned, and where few had a value a
    deviation is small, so that others would be told as far outliers.

    Args:
      values: float32 `[rows, F]`.
      is_unit: for each column, whether it is left as it is.
    """
    mean = tft.mean(values, reduce_instance_dims=False)
    variance = tft.var(values, reduce_instance_dims=False)
    varies = variance > MIN_VARIANCE * (1.0 + tf.square(mean))
    deviation = tf.sqrt(tf.where(varies, variance, tf.ones_like(variance)))
    within = tf.clip_by_value(values, *_range(values))
    scores = tf.where(varies, (within - mean) / deviation, tf.zeros_like(values))
    scores = tf.where(tf.constant(is_unit), values, scores)
    scores = tf.where(tf.math.is_finite(values), scores, tf.zeros_like(scores))
    return tf.clip_by_value(scores, -CLIP, CLIP)


def _range(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Least and greatest known value of each column, `[F]`; where none is known, 0 and 0."""
    known = tf.math.is_finite(values)
    least, greatest = values.dtype.min, values.dtype.max
    low = tft.min(tf.where(known, values, greatest), reduce_instance_dims=False)
    high = tft.max(tf.where(known, values, least), reduce_instance_dims=False)
    found = low <= high
    return tf.where(found, low, tf.zeros_like(low)), tf.where(found, high, tf.zeros_like(high))


def _like(feature: MaybeRagged, rows: tf.Tensor) -> MaybeRagged:
    """`rows` `[n, F]` as they are, or for a list laid flat, row by row of the batch."""
    if not isinstance(feature, tf.RaggedTensor):
        return rows
    splits = feature.row_splits * rows.shape[1]
    return tf.RaggedTensor.from_row_splits(tf.reshape(rows, [-1]), splits, validate=False)


def _looked_up(
    inputs: Mapping[str, MaybeRagged], config: GoalpathConfig, name: str, keys: Sequence[str]
) -> dict[str, MaybeRagged]:
    """Learns a vocabulary from `keys` and looks them up in it."""
    words = {text.key: _words(inputs[text.key], text) for text in features.texts(config)}
    values = [words[key] if key in words else _rows(inputs[key], 1) for key in keys]
    vocabulary = tft.vocabulary(
        tf.concat([tf.reshape(value, [-1]) for value in values], axis=0),
        top_k=config.training.vocabulary_size,
        vocab_filename=name,
    )
    suffixes = [_output_key(config, key) for key in keys]
    indices = [_index(value, vocabulary) for value in values]
    return {
        output: _like(inputs[key], index)
        for output, key, index in zip(suffixes, keys, indices, strict=True)
    }


def _output_key(config: GoalpathConfig, key: str) -> str:
    outputs: list[Category | Text] = [*features.categories(config), *features.texts(config)]
    found = next(output for output in outputs if output.key == key)
    return found.tokens if isinstance(found, Text) else found.index


def _index(values: tf.Tensor, vocabulary: tf.Tensor) -> tf.Tensor:
    """0 for "", else 1 + place in the vocabulary, or after its end where it is unknown."""
    place = tft.apply_vocabulary(values, vocabulary, num_oov_buckets=1)
    return tf.where(tf.equal(values, ""), tf.zeros_like(place), place + 1)


def _words(feature: MaybeRagged, text: Text) -> tf.Tensor:
    """The first words in lower case, string `[rows, length]`, padded with ""."""
    lines = tf.reshape(_rows(feature, 1), [-1])
    lower = tf.strings.lower(lines, encoding="utf-8")
    spaced = tf.strings.strip(tf.strings.regex_replace(lower, WORD, " "))
    words = tf.strings.split(spaced)[:, : text.length]
    return words.to_tensor(default_value="", shape=[None, text.length])
