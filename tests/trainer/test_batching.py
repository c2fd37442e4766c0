"""Named tensors and parsed Examples become the same inputs, whatever the padding."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from schemas import features, names
from schemas.features import Shape
from tests.random_examples import Row, random_rows, serialize, small_config
from trainer import features as read
from trainer.batching import (
    TRAINING_LABELS,
    dense_signature,
    is_list,
    model_inputs,
    model_labels,
    raw_feature_spec,
    raw_from_dense,
)
from trainer.features import Group

CONFIG = small_config()
SPECS = read.input_features(CONFIG)


@pytest.fixture(name="rows", scope="module")
def _rows() -> list[Row]:
    rows = random_rows(CONFIG, 12, seed=5, empty_share=0.4)
    for key in (names.C_ID, names.HISTORY_ID):
        lengths = {len(row[key]) for row in rows}
        assert 0 in lengths
        assert len(lengths) > 2
    return rows


def named(rows: list[Row], pad: int) -> dict[str, tf.Tensor]:
    """The tensors a caller sends by name, lists padded `pad` beyond the longest."""
    tensors = {}
    for spec in SPECS:
        values = tf.ragged.constant([row[spec.key] for row in rows], ragged_rank=1)
        if is_list(spec):
            width = max(len(row[spec.key]) for row in rows) + pad
            tensors[spec.key] = values.to_tensor(shape=[len(rows), width])
        else:
            dense = values.to_tensor()
            tensors[spec.key] = dense[:, 0] if spec.shape is Shape.SCALAR else dense
    return tensors


@pytest.mark.parametrize("pad", [0, 3])
def test_named_tensors_are_read_as_the_example_is(rows: list[Row], pad: int) -> None:
    dense = named(rows, pad)
    signature = dense_signature(SPECS)
    for key, spec in signature.items():
        assert spec.is_compatible_with(dense[key]), key
    parsed = tf.io.parse_example(serialize(CONFIG, rows), raw_feature_spec(CONFIG, labels=False))
    raw = raw_from_dense(dense, SPECS)
    assert set(raw) == set(parsed) == {spec.key for spec in SPECS}
    for spec in SPECS:
        expected, actual = parsed[spec.key], raw[spec.key]
        assert actual.dtype == expected.dtype, spec.key
        if is_list(spec):
            assert actual.to_list() == expected.to_list(), spec.key
        else:
            np.testing.assert_array_equal(actual.numpy(), expected.numpy(), err_msg=spec.key)


def test_labels_are_parsed_for_training_only() -> None:
    labels = {spec.key for spec in features.label_features(CONFIG)}
    assert labels <= set(raw_feature_spec(CONFIG, labels=True))
    assert not labels & set(raw_feature_spec(CONFIG, labels=False))
    assert set(TRAINING_LABELS) <= labels


def test_a_list_ends_after_its_last_id_and_a_missing_id_inside_it_stays() -> None:
    specs = tuple(
        spec for spec in SPECS if spec.key in (names.C_ID, names.C_TYPE, names.C_OWN_COUNT)
    )
    raw = raw_from_dense(
        {
            names.C_ID: tf.constant([["a", "", "b", ""], ["", "", "", ""], ["c", "d", "e", "f"]]),
            names.C_TYPE: tf.constant([["x", "y", "", "z"], ["z"] * 4, [""] * 4]),
            names.C_OWN_COUNT: tf.constant([[1.0, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]),
        },
        specs,
    )
    assert raw[names.C_ID].to_list() == [[b"a", b"", b"b"], [], [b"c", b"d", b"e", b"f"]]
    assert raw[names.C_TYPE].to_list() == [[b"x", b"y", b""], [], [b""] * 4]
    assert raw[names.C_OWN_COUNT].to_list() == [[1, 2, 3], [], [9, 10, 11, 12]]


@pytest.mark.parametrize("shape", [(2, 0), (0, 0), (0, 4)])
def test_lists_without_a_place_and_batches_without_a_row(shape: tuple[int, int]) -> None:
    specs = tuple(spec for spec in SPECS if spec.key in (names.C_ID, names.C_OWN_COUNT))
    raw = raw_from_dense(
        {
            names.C_ID: tf.constant(np.full(shape, b"", object), tf.string),
            names.C_OWN_COUNT: tf.zeros(shape),
        },
        specs,
    )
    for value in raw.values():
        assert value.to_list() == [[]] * shape[0]


def flat(rows: list[np.ndarray], width: int) -> tf.RaggedTensor:
    """Lists of `[n, width]` as the preprocessing lays them out."""
    lengths = [len(row) * width for row in rows]
    values = np.concatenate([row.reshape(-1) for row in rows])
    return tf.RaggedTensor.from_row_lengths(values, lengths)


def test_lists_laid_flat_are_folded_and_padded_with_zeros() -> None:
    width = read.width(CONFIG, Group.CANDIDATES)
    numbers = [np.arange(n * width, dtype=np.float32).reshape(n, width) + 1 for n in (2, 0, 3)]
    index = [[4, 5], [], [6, 7, 8]]
    transformed = {Group.CANDIDATES.numbers: flat(numbers, width)}
    for category in read.categories(CONFIG):
        if category.group is Group.CANDIDATES:
            transformed[category.index] = tf.ragged.constant(index, tf.int64, ragged_rank=1)
    (text,) = [t for t in read.texts(CONFIG) if t.group is Group.CANDIDATES]
    tokens = [np.full((n, text.length), n, np.int64) for n in (2, 0, 3)]
    transformed[text.tokens] = flat(tokens, text.length)
    inputs = model_inputs(transformed, CONFIG, [Group.CANDIDATES])
    dense = inputs[Group.CANDIDATES.numbers].numpy()
    assert dense.shape == (3, 3, width)
    for place, expected in enumerate(numbers):
        np.testing.assert_array_equal(dense[place, : len(expected)], expected)
        assert not dense[place, len(expected) :].any()
    ids = inputs[names.C_ID + read.INDEX_SUFFIX]
    assert ids.dtype == tf.int32
    assert ids.numpy().tolist() == [[4, 5, 0], [0, 0, 0], [6, 7, 8]]
    folded = inputs[text.tokens].numpy()
    assert folded.shape == (3, 3, text.length)
    assert folded[:, :, 0].tolist() == [[2, 2, 0], [0, 0, 0], [3, 3, 3]]


def test_labels_are_dense_and_padding_is_not_in_the_list() -> None:
    stages = len(CONFIG.stages)
    transformed = {
        names.C_GRADE: tf.ragged.constant([[1.0], [], [0.0, 2.0]], ragged_rank=1),
        names.C_SAMPLING_PROBABILITY: tf.ragged.constant([[1.0], [], [0.5, 1.0]], ragged_rank=1),
        names.GIVEN_INDEX: tf.constant([[0], [-1], [1]], tf.int64),
        **{
            key: tf.constant([[0.0], [1.0], [2.0]])
            for key in (
                names.RANKING_WEIGHT,
                names.LIKELIHOOD_LABEL,
                names.LIKELIHOOD_WEIGHT,
                names.RISK_LABEL,
                names.RISK_WEIGHT,
            )
        },
        names.GOAL_LABEL: tf.ones([3, stages]),
        names.GOAL_WEIGHT: tf.zeros([3, stages]),
    }
    labels = model_labels(transformed, CONFIG)
    assert labels[names.C_GRADE].numpy().tolist() == [[1, 0], [0, 0], [0, 2]]
    assert labels[names.C_SAMPLING_PROBABILITY].numpy().tolist() == [[1, 0], [0, 0], [0.5, 1]]
    assert labels[names.GIVEN_INDEX].numpy().tolist() == [0, -1, 1]
    assert labels[names.RISK_LABEL].numpy().tolist() == [0, 1, 2]
    assert labels[names.GOAL_LABEL].shape == (3, stages)
