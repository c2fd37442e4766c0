"""The catalogue in the graph gives the numbers that a gateway computes in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import tensorflow as tf

from schemas import features, names
from schemas.config import Kind
from schemas.features import DType, Shape
from serving.catalogue import read_catalogue
from serving.state_candidates import CatalogueRows, candidate_features, eligible, measured_at
from tests.random_examples import AUDIENCES, DAY, Row, engagement_id, random_states, small_config
from tests.trained_run import AS_OF, catalogue_table, write_catalogue
from trainer import features as read
from trainer.batching import MaybeRagged
from trainer.catalogue import catalogue_from_table
from trainer.catalogue_in_graph import CatalogueInGraph, Offers
from trainer.features import Group

CONFIG = small_config()
WINDOW = CONFIG.ranking.window_days
CHANNELS = read.channels(CONFIG, Group.CANDIDATES)
DATES = [s.key for s in features.candidate_features(CONFIG) if s.kind is Kind.DATE]
BUCKETS = 2**31 - 1

Array = npt.NDArray[np.generic]


def hashed(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.to_hash_bucket_fast(texts, BUCKETS)


def as_they_are(raw: Mapping[str, MaybeRagged]) -> dict[str, MaybeRagged]:
    """In place of the transform graph: numbers untouched, texts as hashes."""
    result: dict[str, MaybeRagged] = {}
    if names.C_POPULARITY_7 in raw:
        columns = [raw[channel.key].flat_values for channel in CHANNELS]
        flat = tf.reshape(tf.stack(columns, axis=1), [-1])
        splits = raw[CHANNELS[0].key].row_splits * len(CHANNELS)
        result[Group.CANDIDATES.numbers] = tf.RaggedTensor.from_row_splits(flat, splits)
    for category in read.categories(CONFIG):
        if category.key in raw:
            result[category.index] = tf.ragged.map_flat_values(hashed, raw[category.key])
    for text in read.texts(CONFIG):
        if text.key in raw:
            value = raw[text.key]
            tokens = tf.repeat(hashed(value.flat_values), text.length)
            splits = value.row_splits * text.length
            result[text.tokens] = tf.RaggedTensor.from_row_splits(tokens, splits)
    return result


def in_graph(table: pa.Table) -> CatalogueInGraph:
    return CatalogueInGraph(catalogue_from_table(table, CONFIG, as_of=AS_OF), CONFIG, as_they_are)


@pytest.fixture(name="catalogue", scope="module")
def _catalogue() -> CatalogueInGraph:
    return in_graph(catalogue_table(CONFIG))


@pytest.fixture(name="path", scope="module")
def _path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalogue")
    write_catalogue(CONFIG, folder)
    return folder / names.CATALOGUE_FILE


def states(count: int, **changes: list[object]) -> list[Row]:
    made = random_states(CONFIG, count, seed=3)
    for state in made:
        state[names.Q_ACTIVE[0]] = [float(sum(state[names.TYPE_ACTIVE_ALL]))]
        state.update(changes)
    return made


def tensors(rows: list[Row], pad: int = 0) -> dict[str, tf.Tensor]:
    """Dense `[B]` and padded `[B, n + pad]` tensors of states."""
    result = {}
    for spec in features.state_features(CONFIG):
        listed = spec.shape not in (Shape.SCALAR, Shape.VECTOR)
        blank: object = b"" if spec.dtype is DType.BYTES else 0
        width = max((len(row[spec.key]) for row in rows), default=1) + (pad if listed else 0)
        dense = [[*row[spec.key], *[blank] * (width - len(row[spec.key]))] for row in rows]
        kind = object if spec.dtype is DType.BYTES else spec.dtype.value
        values = np.array(dense, kind).reshape(len(rows), width)
        result[spec.key] = tf.constant(
            values[:, 0] if spec.shape is Shape.SCALAR else values,
            tf.string if spec.dtype is DType.BYTES else None,
        )
    return result


def fresh(rows: list[tuple[bytes, bytes, float]]) -> dict[str, tf.Tensor]:
    """Newer popularity for (audience, id); each of its four numbers a bit larger."""
    return {
        names.FRESH_AUDIENCE: tf.constant([row[0] for row in rows], tf.string),
        names.FRESH_ID: tf.constant([row[1] for row in rows], tf.string),
        **{
            key: tf.constant([row[2] + 0.01 * place for row in rows], tf.float32)
            for place, key in enumerate(names.FRESH_POPULARITY.values())
        },
    }


def offered(catalogue: CatalogueInGraph, state: dict[str, tf.Tensor]) -> Offers:
    return catalogue.offers(state[names.AUDIENCE], state[names.SNAPSHOT_TIME])


def inputs_of(
    catalogue: CatalogueInGraph,
    state: dict[str, tf.Tensor],
    newer: dict[str, tf.Tensor] | None = None,
) -> tuple[Offers, dict[str, Array]]:
    offers = offered(catalogue, state)
    inputs = catalogue.candidate_inputs(offers, state, fresh([]) if newer is None else newer)
    return offers, {key: value.numpy() for key, value in inputs.items()}


def by_numpy(state: Row, path: Path) -> tuple[CatalogueRows, dict[str, Array]]:
    t = state[names.SNAPSHOT_TIME][0]
    rows = read_catalogue(path, state[names.AUDIENCE][0])
    rows = rows.take(np.flatnonzero(eligible(rows, t=t, window_days=WINDOW)))
    rows = measured_at(rows, DATES, later=t - AS_OF)
    scalars = {**state, names.Q_ACTIVE[0]: state[names.Q_ACTIVE[0]][0]}
    return rows, candidate_features(scalars, rows, t=t)


def test_every_feature_is_the_gateways_bit_for_bit(catalogue: CatalogueInGraph, path: Path) -> None:
    students = states(12)
    offers, inputs = inputs_of(catalogue, tensors(students))
    lengths = offers.rows.row_lengths().numpy().tolist()
    for place, state in enumerate(students):
        rows, expected = by_numpy(state, path)
        assert lengths[place] == len(rows)
        assert set(expected) == {spec.key for spec in features.candidate_features(CONFIG)}
        numbers = inputs[Group.CANDIDATES.numbers][place]
        for column, channel in enumerate(CHANNELS):
            actual = numbers[: len(rows), column]
            np.testing.assert_array_equal(actual, expected[channel.key], err_msg=channel.key)
        assert not numbers[len(rows) :].any()
        for category in read.categories(CONFIG):
            if category.group is Group.CANDIDATES:
                texts = hashed(tf.constant(expected[category.key], tf.string))
                actual = inputs[category.index][place]
                np.testing.assert_array_equal(actual[: len(rows)], texts, err_msg=category.key)
                assert not actual[len(rows) :].any()
        for text in read.texts(CONFIG):
            if text.group is Group.CANDIDATES:
                texts = hashed(tf.constant(expected[text.key], tf.string))
                actual = inputs[text.tokens][place][: len(rows), 0]
                np.testing.assert_array_equal(actual, texts, err_msg=text.key)
    assert len(set(lengths)) > 2, "audiences and dates must have made lists of several lengths"
    own = [channel.key for channel in CHANNELS].index(names.C_OWN_MET)
    assert inputs[Group.CANDIDATES.numbers][..., own].any()


def test_padding_of_the_states_changes_nothing(catalogue: CatalogueInGraph) -> None:
    students = states(5)
    _, expected = inputs_of(catalogue, tensors(students))
    _, actual = inputs_of(catalogue, tensors(students, pad=4))
    for key, value in expected.items():
        np.testing.assert_array_equal(actual[key], value)


def small_table(rows: list[dict[str, object]]) -> pa.Table:
    """A catalogue of the given rows; what they do not say is taken from random ones."""
    table = catalogue_table(CONFIG)
    for key in (names.AVAILABLE_FROM, names.AVAILABLE_TO, names.DUE):
        place = table.schema.get_field_index(key)
        table = table.set_column(place, key, pa.nulls(len(table), pa.int64()))
    filled = [{**base, **row} for base, row in zip(table.to_pylist(), rows, strict=False)]
    return pa.Table.from_pylist(filled, schema=table.schema)


def ids_of(catalogue: CatalogueInGraph, offers: Offers) -> list[list[bytes]]:
    scores = tf.zeros_like(offers.rows.to_tensor(), tf.float32)
    ids, _ = catalogue.top(offers, scores, tf.constant(20))
    return [[i for i in row if i] for row in ids.numpy().tolist()]


def test_an_engagement_is_offered_while_open_within_the_window() -> None:
    t, end = AS_OF, AS_OF + WINDOW * DAY
    bounds: dict[str, tuple[int | None, int | None]] = {
        "always": (None, None),
        "closed now": (None, t),
        "closes next": (None, t + 1),
        "opens at the end": (end, None),
        "opens just before": (end - 1, None),
        "within": (t + DAY, t + 2 * DAY),
    }
    rows = [
        {names.AUDIENCE: "a", names.C_ID: name, names.AVAILABLE_FROM: opens, names.AVAILABLE_TO: to}
        for name, (opens, to) in bounds.items()
    ]
    catalogue = in_graph(small_table([dict(row) for row in rows]))
    offers = catalogue.offers(tf.constant(["a"]), tf.constant([t], tf.int64))
    assert ids_of(catalogue, offers) == [
        [b"always", b"closes next", b"opens just before", b"within"]
    ]


def test_audiences_get_their_own_rows_and_strangers_what_is_open_to_all() -> None:
    rows: list[dict[str, object]] = [
        {names.AUDIENCE: "", names.C_ID: "e1"},
        {names.AUDIENCE: "a", names.C_ID: "e1"},
        {names.AUDIENCE: "a", names.C_ID: "e2"},
    ]
    times = tf.constant([AS_OF] * 3, tf.int64)
    catalogue = in_graph(small_table(rows))
    offers = catalogue.offers(tf.constant(["stranger", "a", ""]), times)
    assert ids_of(catalogue, offers) == [[b"e1"], [b"e1", b"e2"], [b"e1"]]
    without = in_graph(small_table(rows[1:]))
    offers = without.offers(tf.constant(["stranger", "a", ""]), times)
    assert ids_of(without, offers) == [[], [b"e1", b"e2"], []]


def test_fresh_popularity_replaces_only_the_rows_named(catalogue: CatalogueInGraph) -> None:
    students = [
        {**state, names.AUDIENCE: [audience], names.SNAPSHOT_TIME: [AS_OF]}
        for state, audience in zip(states(2), AUDIENCES, strict=True)
    ]
    state = tensors(students)
    offers, before = inputs_of(catalogue, state)
    target = ids_of(catalogue, offers)[0][0]
    newer = fresh(
        [(AUDIENCES[0], target, 0.9), (b"nowhere", target, 7.0), (AUDIENCES[0], b"new", 7.0)]
    )
    _, after = inputs_of(catalogue, state, newer)
    keys = [channel.key for channel in CHANNELS]
    expected = before[Group.CANDIDATES.numbers].copy()
    for place, key in enumerate(names.FRESH_POPULARITY):
        expected[0, 0, keys.index(key)] = np.float32(0.9 + 0.01 * place)
    np.testing.assert_array_equal(after[Group.CANDIDATES.numbers], expected)


def test_an_empty_catalogue_offers_nothing() -> None:
    catalogue = in_graph(catalogue_table(CONFIG).slice(0, 0))
    state = tensors(states(2))
    newer = fresh([(AUDIENCES[0], engagement_id(0), 0.5), (b"", b"", 0.5)])
    offers, inputs = inputs_of(catalogue, state, newer)
    assert offers.rows.to_list() == [[], []]
    assert inputs[Group.CANDIDATES.numbers].shape == (2, 0, len(CHANNELS))
    ids, scores = catalogue.top(offers, tf.zeros([2, 0]), tf.constant(3))
    assert ids.numpy().tolist() == [[b"", b"", b""]] * 2
    assert (scores.numpy() == np.float32(names.PAD_SCORE)).all()


def test_a_batch_without_students(catalogue: CatalogueInGraph) -> None:
    offers = catalogue.offers(tf.constant([], tf.string), tf.constant([], tf.int64))
    assert offers.rows.to_list() == []
    ids, scores = catalogue.top(offers, tf.zeros([0, 0]), tf.constant(3))
    assert ids.shape == scores.shape == (0, 3)


def top(catalogue: CatalogueInGraph, k: int) -> tuple[list[list[bytes]], list[list[float]]]:
    times = tf.constant([AS_OF, AS_OF], tf.int64)
    offers = catalogue.offers(tf.constant(["a", "b"]), times)
    # The third place of the second list is padding, however good its score.
    scores = tf.constant([[1.0, 3.0, 3.0], [2.0, -5.0, 99.0]])
    ids, best = catalogue.top(offers, scores, tf.constant(k))
    return ids.numpy().tolist(), best.numpy().tolist()


def test_the_best_come_first_ties_in_the_order_of_ids_and_the_rest_is_blank() -> None:
    rows: list[dict[str, object]] = [
        {names.AUDIENCE: audience, names.C_ID: name}
        for audience, name in (("b", "y"), ("a", "r"), ("a", "p"), ("b", "x"), ("a", "q"))
    ]
    catalogue = in_graph(small_table(rows))
    blank = float(np.float32(names.PAD_SCORE))
    assert top(catalogue, 4) == (
        [[b"q", b"r", b"p", b""], [b"x", b"y", b"", b""]],
        [[3.0, 3.0, 1.0, blank], [2.0, -5.0, blank, blank]],
    )
    assert top(catalogue, 1) == ([[b"q"], [b"x"]], [[3.0], [2.0]])
    assert top(catalogue, 2) == ([[b"q", b"r"], [b"x", b"y"]], [[3.0, 3.0], [2.0, -5.0]])
