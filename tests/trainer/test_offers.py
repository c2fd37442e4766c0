"""The catalogue in the graph gives the numbers that a gateway computes in NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from schemas import features, names
from schemas.errors import DataError
from schemas.features import DType, Shape
from serving.catalogue import read_catalogue
from serving.state_candidates import candidate_features, eligible
from tests.random_catalogue import write_catalogue
from tests.random_examples import (
    AUDIENCES,
    DAY,
    FIRST_INSTANT,
    Row,
    engagement_id,
    random_states,
    small_config,
)
from trainer.catalogue_table import read_catalogue_table
from trainer.offers import Offers

CONFIG = small_config()
WINDOW = CONFIG.ranking.window_days


@pytest.fixture(name="catalogue", scope="module")
def _catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalogue") / names.CATALOGUE_FILE
    write_catalogue(path, CONFIG, seed=5)
    return path


@pytest.fixture(name="offers", scope="module")
def _offers(catalogue: Path) -> Offers:
    return Offers(read_catalogue_table(catalogue, CONFIG), WINDOW)


def state_tensors(states: list[Row]) -> dict[str, tf.Tensor]:
    """Dense `[B]` and padded `[B, n]` tensors of states."""
    tensors = {}
    for spec in features.state_features(CONFIG):
        pad: object = b"" if spec.dtype is DType.BYTES else 0
        rows = [state[spec.key] for state in states]
        width = max(map(len, rows))
        dense = [[*row, *[pad] * (width - len(row))] for row in rows]
        values = np.array(dense, object if spec.dtype is DType.BYTES else spec.dtype.value)
        values = values.reshape(len(states), width)
        tensors[spec.key] = tf.constant(
            values[:, 0] if spec.shape is Shape.SCALAR else values,
            tf.string if spec.dtype is DType.BYTES else None,
        )
    return tensors


def no_fresh() -> dict[str, tf.Tensor]:
    texts = {key: tf.constant([], tf.string) for key in (names.FRESH_AUDIENCE, names.FRESH_ID)}
    return {**texts, **{key: tf.zeros([0]) for key in names.FRESH_POPULARITY.values()}}


def test_every_feature_is_the_gateways_bit_for_bit(offers: Offers, catalogue: Path) -> None:
    states = random_states(CONFIG, 12, seed=3)
    for state in states:
        state[names.Q_ACTIVE[0]] = [float(sum(state[names.TYPE_ACTIVE_ALL]))]
    actual = offers.candidates(state_tensors(states), no_fresh())
    assert set(actual) == {spec.key for spec in features.candidate_features(CONFIG)}
    lengths = []
    for place, state in enumerate(states):
        rows = read_catalogue(catalogue, state[names.AUDIENCE][0])
        t = state[names.SNAPSHOT_TIME][0]
        rows = rows.take(np.flatnonzero(eligible(rows, t=t, window_days=WINDOW)))
        lengths.append(len(rows))
        scalars = {**state, names.Q_ACTIVE[0]: state[names.Q_ACTIVE[0]][0]}
        expected = candidate_features(scalars, rows, t=t)
        for key, column in expected.items():
            np.testing.assert_array_equal(actual[key][place].numpy(), column, err_msg=key)
    assert len(set(lengths)) > 1, "audiences and dates must have made lists of several lengths"


def test_an_engagement_is_offered_while_open_within_the_window(tmp_path: Path) -> None:
    t = FIRST_INSTANT
    bounds = {
        "a": (None, None),
        "b": (t + WINDOW * DAY - 1, None),
        "c": (t + WINDOW * DAY, None),
        "d": (None, t),
        "e": (None, t + 1),
    }
    path = tmp_path / names.CATALOGUE_FILE
    write_catalogue(path, CONFIG, seed=1, bounds=bounds)
    offers = Offers(read_catalogue_table(path, CONFIG), WINDOW)
    state = state_tensors(random_states(CONFIG, 1, seed=1))
    state[names.AUDIENCE] = tf.constant([AUDIENCES[0]])
    state[names.SNAPSHOT_TIME] = tf.constant([t], tf.int64)
    ids = offers.candidates(state, no_fresh())[names.C_ID].to_list()
    assert ids == [[b"a", b"b", b"e"]]


def test_an_unknown_audience_is_offered_nothing(offers: Offers) -> None:
    state = state_tensors(random_states(CONFIG, 2, seed=1))
    state[names.AUDIENCE] = tf.constant([b"nowhere", AUDIENCES[1]])
    lengths = offers.candidates(state, no_fresh())[names.C_ID].row_lengths().numpy()
    assert lengths[0] == 0
    assert lengths[1] > 0


def test_fresh_popularity_replaces_only_the_rows_named(offers: Offers) -> None:
    state = state_tensors(random_states(CONFIG, 2, seed=1))
    state[names.AUDIENCE] = tf.constant([AUDIENCES[0], AUDIENCES[1]])
    before = offers.candidates(state, no_fresh())
    target = before[names.C_ID][0][0].numpy()
    fresh = {
        names.FRESH_AUDIENCE: tf.constant([AUDIENCES[0], b"nowhere", AUDIENCES[0]]),
        names.FRESH_ID: tf.constant([target, target, b"unheard-of"]),
        **{
            source: tf.constant([0.5 + number, 9.0, 9.0])
            for number, source in enumerate(names.FRESH_POPULARITY.values())
        },
    }
    after = offers.candidates(state, fresh)
    for number, key in enumerate(names.FRESH_POPULARITY):
        assert after[key][0][0].numpy() == 0.5 + number
        np.testing.assert_array_equal(after[key][0][1:], before[key][0][1:])
        np.testing.assert_array_equal(after[key][1], before[key][1])


def test_padding_of_the_used_list_changes_nothing(offers: Offers) -> None:
    state = state_tensors(random_states(CONFIG, 3, seed=8))
    padded = dict(state)
    for spec in features.used_features():
        blank = "" if spec.dtype is DType.BYTES else 0.0
        padded[spec.key] = tf.pad(state[spec.key], [[0, 0], [0, 4]], constant_values=blank)
    expected = offers.candidates(state, no_fresh())
    for key, values in offers.candidates(padded, no_fresh()).items():
        np.testing.assert_array_equal(values.flat_values, expected[key].flat_values)


def test_an_empty_catalogue_offers_nothing_and_takes_fresh_popularity(tmp_path: Path) -> None:
    path = tmp_path / names.CATALOGUE_FILE
    write_catalogue(path, CONFIG, seed=1, bounds={})
    offers = Offers(read_catalogue_table(path, CONFIG), WINDOW)
    state = state_tensors(random_states(CONFIG, 2, seed=1))
    fresh = {
        names.FRESH_AUDIENCE: tf.constant([AUDIENCES[0]]),
        names.FRESH_ID: tf.constant([engagement_id(0)]),
        **{source: tf.constant([0.5]) for source in names.FRESH_POPULARITY.values()},
    }
    assert offers.candidates(state, fresh)[names.C_ID].to_list() == [[], []]


def test_a_catalogue_without_a_configured_column_is_refused(
    catalogue: Path, tmp_path: Path
) -> None:
    table: pa.Table = pq.read_table(catalogue).drop(["candidate_attribute_theme"])
    broken = tmp_path / names.CATALOGUE_FILE
    pq.write_table(table, broken)
    with pytest.raises(DataError, match="no column candidate_attribute_theme"):
        read_catalogue_table(broken, CONFIG)


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / names.CATALOGUE_FILE
    broken.write_bytes(b"not parquet")
    with pytest.raises(DataError, match="must be a Parquet file"):
        read_catalogue_table(broken, CONFIG)
