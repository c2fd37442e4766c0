"""The signatures of the exported model, against each other and against arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from schemas import features, names
from schemas.config import GoalpathConfig
from schemas.features import DType, Shape
from serving.catalogue import read_catalogue
from serving.state_candidates import candidate_features, eligible
from tests.pushed_run import consistent_states
from tests.random_examples import AUDIENCES, Row, random_rows, serialize, unlabelled
from tests.trained_run import AS_OF, TrainedRun

pytestmark = pytest.mark.slow

Array = npt.NDArray[np.generic]
Call = Callable[..., dict[str, Array]]
TOLERANCE = 1e-5
PER_CANDIDATE = (names.RANKING_SCORE, names.LIKELIHOOD_GIVEN, names.RISK_GIVEN)
PAD = {
    names.RANKING_SCORE: names.PAD_SCORE,
    names.LIKELIHOOD_GIVEN: names.PAD_PROBABILITY,
    names.RISK_GIVEN: names.PAD_PROBABILITY,
}


@pytest.fixture(name="call", scope="module")
def _call(trained: TrainedRun) -> Call:
    model = tf.saved_model.load(str(trained.model))

    def call(signature: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        function = model.signatures[signature]
        wanted = function.structured_input_signature[1]
        tensors = {key: tf.constant(inputs[key], spec.dtype) for key, spec in wanted.items()}
        return {key: value.numpy() for key, value in function(**tensors).items()}

    return call


@pytest.fixture(name="rows", scope="module")
def _rows(config: GoalpathConfig) -> list[Row]:
    return random_rows(config, 24, seed=99, empty_share=0.3)


def dense(
    rows: list[Row], specs: tuple[features.FeatureSpec, ...], pad: int = 0
) -> dict[str, Array]:
    """Scalars `[B]`, vectors `[B, size]`, lists `[B, longest + pad]`."""
    result = {}
    for spec in specs:
        values = [row[spec.key] for row in rows]
        kind = object if spec.dtype is DType.BYTES else spec.dtype.value
        blank: object = b"" if spec.dtype is DType.BYTES else 0
        width = max(map(len, values)) + (
            pad if spec.shape not in (Shape.SCALAR, Shape.VECTOR) else 0
        )
        array = np.array([[*v, *[blank] * (width - len(v))] for v in values], kind)
        array = array.reshape(len(rows), width)
        result[spec.key] = array[:, 0] if spec.shape is Shape.SCALAR else array
    return result


def predict_inputs(rows: list[Row], config: GoalpathConfig, pad: int = 0) -> dict[str, Array]:
    specs = (*features.query_features(config), *features.candidate_features(config))
    return dense(rows, specs, pad)


def assert_close(actual: Mapping[str, Array], expected: Mapping[str, Array]) -> None:
    assert set(actual) == set(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(actual[key], value, atol=TOLERANCE, rtol=1e-5, err_msg=key)


def test_shapes_ranges_and_padding(call: Call, rows: list[Row], config: GoalpathConfig) -> None:
    outputs = call(
        names.SIGNATURE_DEFAULT, {names.EXAMPLES_INPUT: np.array(serialize(config, rows), object)}
    )
    lengths = np.array([len(row[names.C_ID]) for row in rows])
    assert lengths.min() == 0, "the rows must have an empty list among them"
    there = np.arange(lengths.max()) < lengths[:, None]
    for key in (names.LIKELIHOOD, names.RISK):
        assert outputs[key].shape == (24,)
        assert ((outputs[key] > 0) & (outputs[key] < 1)).all()
    for key in PER_CANDIDATE:
        assert outputs[key].shape == there.shape
        assert (outputs[key][~there] == np.float32(PAD[key])).all()
        assert (outputs[key][there] > -1e3).all()
    given = outputs[names.LIKELIHOOD_GIVEN][there]
    assert ((given > 0) & (given < 1)).all()


def test_examples_and_named_tensors_agree(
    call: Call, rows: list[Row], config: GoalpathConfig
) -> None:
    examples = np.array(serialize(config, rows), object)
    assert_close(
        call(names.SIGNATURE_PREDICT, predict_inputs(rows, config)),
        call(names.SIGNATURE_DEFAULT, {names.EXAMPLES_INPUT: examples}),
    )


def test_labels_are_not_read(call: Call, rows: list[Row], config: GoalpathConfig) -> None:
    labelled = np.array(serialize(config, rows), object)
    bare = np.array(serialize(config, [unlabelled(config, row) for row in rows]), object)
    expected = call(names.SIGNATURE_DEFAULT, {names.EXAMPLES_INPUT: labelled})
    actual = call(names.SIGNATURE_DEFAULT, {names.EXAMPLES_INPUT: bare})
    for key, value in expected.items():
        np.testing.assert_array_equal(actual[key], value)


def test_padding_changes_nothing(call: Call, rows: list[Row], config: GoalpathConfig) -> None:
    expected = call(names.SIGNATURE_PREDICT, predict_inputs(rows, config))
    padded = call(names.SIGNATURE_PREDICT, predict_inputs(rows, config, pad=3))
    width = expected[names.RANKING_SCORE].shape[1]
    cut = {k: v[:, :width] if v.ndim == 2 else v for k, v in padded.items()}
    assert_close(cut, expected)


def test_a_row_does_not_depend_on_its_batch(
    call: Call, rows: list[Row], config: GoalpathConfig
) -> None:
    together = call(names.SIGNATURE_PREDICT, predict_inputs(rows, config))
    for place in (0, 7, 23):
        alone = call(names.SIGNATURE_PREDICT, predict_inputs(rows[place : place + 1], config))
        for key, value in alone.items():
            expected = together[key][place]
            if value.ndim == 2:
                expected = expected[: value.shape[1]]
            np.testing.assert_allclose(value[0], expected, atol=TOLERANCE, err_msg=key)


def test_a_candidate_does_not_depend_on_the_others(
    call: Call, rows: list[Row], config: GoalpathConfig
) -> None:
    row = next(row for row in rows if len(row[names.C_ID]) > 2)
    together = call(names.SIGNATURE_PREDICT, predict_inputs([row], config))
    keys = [spec.key for spec in features.candidate_features(config)]
    for place in range(len(row[names.C_ID])):
        single = {**row, **{key: [row[key][place]] for key in keys}}
        alone = call(names.SIGNATURE_PREDICT, predict_inputs([single], config))
        for key in PER_CANDIDATE:
            assert alone[key][0, 0] == pytest.approx(float(together[key][0, place]), abs=TOLERANCE)
        for key in (names.LIKELIHOOD, names.RISK):
            assert alone[key][0] == pytest.approx(float(together[key][0]), abs=TOLERANCE)


def test_values_never_met_in_training_are_answered(
    call: Call, rows: list[Row], config: GoalpathConfig
) -> None:
    row = next(row for row in rows if len(row[names.C_ID]) > 2)
    strange = {**row, names.Q_STAGE: [b"Nowhere"], "profile_major": [b"alchemy"]}
    strange[names.C_ID] = [b"new-%d" % i for i in range(len(row[names.C_ID]))]
    strange[names.Q_DAYS_IN_STAGE] = [1e30]
    outputs = call(names.SIGNATURE_PREDICT, predict_inputs([strange], config))
    assert all(np.isfinite(value).all() for value in outputs.values())


def test_no_rows_give_no_answers(call: Call) -> None:
    outputs = call(names.SIGNATURE_DEFAULT, {names.EXAMPLES_INPUT: np.array([], object)})
    assert outputs[names.LIKELIHOOD].shape == (0,)
    assert outputs[names.RANKING_SCORE].shape[0] == 0


def recommend_inputs(states: list[Row], config: GoalpathConfig, k: int) -> dict[str, Array]:
    nothing = np.zeros(0, np.float32)
    return {
        **dense(states, features.state_features(config)),
        names.TOP_K_INPUT: np.array(k, np.int32),
        names.FRESH_AUDIENCE: np.array([], object),
        names.FRESH_ID: np.array([], object),
        **dict.fromkeys(names.FRESH_POPULARITY.values(), nothing),
    }


@pytest.fixture(name="states", scope="module")
def _states(config: GoalpathConfig) -> list[Row]:
    return consistent_states(config)[:9]


def offered(state: Row, trained: TrainedRun) -> dict[str, Array]:
    """Candidate features by NumPy of all that is open to the student."""
    rows = read_catalogue(trained.catalogue / names.CATALOGUE_FILE, state[names.AUDIENCE][0])
    window = trained.config.ranking.window_days
    rows = rows.take(np.flatnonzero(eligible(rows, t=AS_OF, window_days=window)))
    scalar = {**state, names.Q_ACTIVE[0]: state[names.Q_ACTIVE[0]][0]}
    return candidate_features(scalar, rows, t=AS_OF)


def scores_by_predict(
    call: Call, state: Row, candidates: Mapping[str, Array], config: GoalpathConfig
) -> npt.NDArray[np.float32]:
    query = dense([state], features.query_features(config))
    listed = {key: column[np.newaxis] for key, column in candidates.items()}
    return np.asarray(call(names.SIGNATURE_PREDICT, {**query, **listed})[names.RANKING_SCORE][0])


def test_recommend_is_predict_over_all_that_is_open_sorted(
    call: Call, states: list[Row], trained: TrainedRun
) -> None:
    k = 2 * len(AUDIENCES) * 40
    answer = call(names.SIGNATURE_RECOMMEND, recommend_inputs(states, trained.config, k))
    for place, state in enumerate(states):
        candidates = offered(state, trained)
        scores = scores_by_predict(call, state, candidates, trained.config)
        expected = dict(zip(candidates[names.C_ID].tolist(), scores.tolist(), strict=True))
        ids = [i for i in answer[names.RECOMMENDED_ID][place].tolist() if i]
        found = answer[names.RECOMMENDED_SCORE][place][: len(ids)]
        assert set(ids) == set(expected)
        assert 5 < len(ids) < 40, "some engagements must be open and some not"
        np.testing.assert_allclose(found, [expected[i] for i in ids], atol=TOLERANCE)
        assert (np.diff(found) <= 0).all()
        assert (
            answer[names.RECOMMENDED_SCORE][place][len(ids) :] == np.float32(names.PAD_SCORE)
        ).all()


def test_recommend_cuts_at_k(call: Call, states: list[Row], config: GoalpathConfig) -> None:
    five = call(names.SIGNATURE_RECOMMEND, recommend_inputs(states, config, 5))
    three = call(names.SIGNATURE_RECOMMEND, recommend_inputs(states, config, 3))
    assert three[names.RECOMMENDED_ID].shape == (9, 3)
    np.testing.assert_array_equal(five[names.RECOMMENDED_ID][:, :3], three[names.RECOMMENDED_ID])


def test_a_student_alone_gets_the_list_of_the_batch(
    call: Call, states: list[Row], config: GoalpathConfig
) -> None:
    together = call(names.SIGNATURE_RECOMMEND, recommend_inputs(states, config, 4))
    for place in (0, 1, 8):
        alone = call(
            names.SIGNATURE_RECOMMEND, recommend_inputs(states[place : place + 1], config, 4)
        )
        np.testing.assert_array_equal(
            alone[names.RECOMMENDED_ID][0], together[names.RECOMMENDED_ID][place]
        )


def test_nothing_is_open_long_after(call: Call, states: list[Row], trained: TrainedRun) -> None:
    table = pq.read_table(trained.catalogue / names.CATALOGUE_FILE)
    never_closing = table[names.AVAILABLE_TO].null_count
    assert never_closing > 0
    late = [{**states[0], names.SNAPSHOT_TIME: [AS_OF + 10**17]}]
    answer = call(names.SIGNATURE_RECOMMEND, recommend_inputs(late, trained.config, 80))
    rows = table.filter(
        [value.as_py() == states[0][names.AUDIENCE][0].decode() for value in table[names.AUDIENCE]]
    )
    assert (answer[names.RECOMMENDED_ID][0] != b"").sum() == rows[names.AVAILABLE_TO].null_count


def test_an_unknown_audience_gets_an_empty_list(
    call: Call, states: list[Row], config: GoalpathConfig
) -> None:
    strangers = [{**states[0], names.AUDIENCE: [b"nowhere"]}, states[1]]
    answer = call(names.SIGNATURE_RECOMMEND, recommend_inputs(strangers, config, 3))
    assert answer[names.RECOMMENDED_ID][0].tolist() == [b"", b"", b""]
    assert (answer[names.RECOMMENDED_SCORE][0] == np.float32(names.PAD_SCORE)).all()
    assert (answer[names.RECOMMENDED_ID][1] != b"").all()


def test_fresh_popularity_is_used_for_the_rows_named(
    call: Call, states: list[Row], trained: TrainedRun
) -> None:
    config, state = trained.config, states[0]
    candidates = offered(state, trained)
    target = candidates[names.C_ID].tolist()[-1]
    audience = state[names.AUDIENCE][0]
    inputs = recommend_inputs([state], config, 80)
    inputs[names.FRESH_AUDIENCE] = np.array([audience, b"nowhere", audience], object)
    inputs[names.FRESH_ID] = np.array([target, target, b"unheard-of"], object)
    for key in names.FRESH_POPULARITY.values():
        inputs[key] = np.array([0.9, 0.5, 0.5], np.float32)
    answer = call(names.SIGNATURE_RECOMMEND, inputs)
    changed = {key: column.copy() for key, column in candidates.items()}
    for key in names.FRESH_POPULARITY:
        changed[key][-1] = 0.9
    expected = scores_by_predict(call, state, changed, config)
    before = scores_by_predict(call, state, candidates, config)
    assert abs(expected[-1] - before[-1]) > 1e-3, "popularity must matter to the model"
    found = dict(
        zip(
            answer[names.RECOMMENDED_ID][0].tolist(),
            answer[names.RECOMMENDED_SCORE][0].tolist(),
            strict=True,
        )
    )
    for engagement, score in zip(candidates[names.C_ID].tolist(), expected, strict=True):
        assert found[engagement] == pytest.approx(float(score), abs=TOLERANCE)


def test_embeddings_are_of_the_configured_width_and_differ(
    call: Call, rows: list[Row], config: GoalpathConfig
) -> None:
    query = dense(rows, features.query_features(config))
    students = call(names.SIGNATURE_EMBED_STUDENT, query)[names.EMBEDDING]
    assert students.shape == (24, config.training.embedding_dim)
    assert len(np.unique(students.round(6), axis=0)) == 24
    specs = features.candidate_features(config)
    row = next(row for row in rows if len(row[names.C_ID]) > 2)
    listed = {
        spec.key: np.array(row[spec.key], object if spec.dtype is DType.BYTES else np.float32)
        for spec in specs
    }
    engagements = call(names.SIGNATURE_EMBED_ENGAGEMENT, listed)[names.EMBEDDING]
    assert engagements.shape == (len(row[names.C_ID]), config.training.embedding_dim)
    first = {key: column[:1] for key, column in listed.items()}
    alone = call(names.SIGNATURE_EMBED_ENGAGEMENT, first)[names.EMBEDDING]
    np.testing.assert_allclose(alone[0], engagements[0], atol=TOLERANCE)


def test_heads_can_disagree(call: Call, config: GoalpathConfig) -> None:
    rows = random_rows(config, 200, seed=5, empty_share=0.0)
    outputs = call(names.SIGNATURE_PREDICT, predict_inputs(rows, config))

    def order(values: Array) -> Array:
        return np.argsort(np.argsort(values))

    pairs = {
        "likelihood against risk": (outputs[names.LIKELIHOOD], outputs[names.RISK]),
        "ranking against likelihood given": (
            outputs[names.RANKING_SCORE][:, 0],
            outputs[names.LIKELIHOOD_GIVEN][:, 0],
        ),
        "ranking against risk given": (
            outputs[names.RANKING_SCORE][:, 0],
            outputs[names.RISK_GIVEN][:, 0],
        ),
    }
    for name, (one, other) in pairs.items():
        correlation = np.corrcoef(order(one), order(other))[0, 1]
        assert abs(correlation) < 0.98, f"{name} are one order: {correlation}"
