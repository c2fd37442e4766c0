"""Integrated gradients: they add up, they are the integral, and they are of the right features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from schemas import names
from tests.random_examples import small_config
from tests.trainer.model_batches import Arrays, random_batch, seeded_model, unlike_initial
from trainer import features
from trainer.attribution import HEADS, feature_names, integrated_gradients
from trainer.features import Group
from trainer.model import POOLED_IDS, GoalpathModel

CONFIG = small_config()
ROWS = 6
CANDIDATE_KEYS = features.input_keys(CONFIG, Group.CANDIDATES)
Floats = npt.NDArray[np.floating]


@pytest.fixture(name="model", scope="module")
def _model() -> GoalpathModel:
    return unlike_initial(CONFIG)


@pytest.fixture(name="inputs", scope="module")
def _inputs() -> Arrays:
    return random_batch(CONFIG, ROWS, seed=4, shortest=1)[0]


def attributed(model: GoalpathModel, inputs: Arrays, head: str) -> Arrays:
    tensors = {key: tf.constant(value) for key, value in inputs.items()}

    @tf.function(autograph=False)  # type: ignore[misc]
    def asked(tensors: dict[str, tf.Tensor], head: tf.Tensor) -> dict[str, tf.Tensor]:
        return integrated_gradients(model, tensors, head, CONFIG)

    outputs = asked(tensors, tf.constant(head))
    return {key: value.numpy() for key, value in outputs.items()}


def by_feature(outputs: Arrays) -> dict[str, Floats]:
    found = [text.decode() for text in outputs[names.ATTRIBUTED_FEATURE][0]]
    assert (outputs[names.ATTRIBUTED_FEATURE] == outputs[names.ATTRIBUTED_FEATURE][:1]).all()
    return dict(zip(found, outputs[names.ATTRIBUTION].T, strict=True))


def head_value(model: GoalpathModel, inputs: Arrays, head: str) -> Floats:
    """The head's log-odds or score, from the served output."""
    served = np.asarray(model.serving(inputs)[head], np.float64)
    if head in names.OF_ENGAGEMENT:
        served = served[:, 0]
    return served if head == names.RANKING_SCORE else np.log(served / (1 - served))


@pytest.mark.parametrize("head", HEADS)
def test_they_add_up_to_the_score_less_the_baseline_within_one_percent(
    model: GoalpathModel, inputs: Arrays, head: str
) -> None:
    outputs = attributed(model, inputs, head)
    score, baseline = outputs[names.ATTRIBUTED_SCORE], outputs[names.ATTRIBUTION_BASELINE]
    np.testing.assert_allclose(score, head_value(model, inputs, head), rtol=1e-4, atol=1e-4)
    total = outputs[names.ATTRIBUTION].astype(np.float64).sum(axis=1)
    np.testing.assert_allclose(total, score - baseline, rtol=1e-4, atol=1e-5)
    # Before the rest was spread:
    assert (outputs[names.COMPLETENESS_ERROR] < 0.01).all()
    assert np.ptp(score) > 0.01


def test_the_baseline_is_what_is_said_where_all_numbers_and_embeddings_are_nothing(
    model: GoalpathModel, inputs: Arrays
) -> None:
    blank = {**inputs, **{g.numbers: 0 * inputs[g.numbers] for g in Group}}
    emptied = {key: 0 * np.asarray(value) for key, value in model.embedded(inputs).items()}
    ids = {key: inputs[key] for key in POOLED_IDS}
    numbers = {g.numbers: blank[g.numbers] for g in Group}
    expected = model.from_embedded({**numbers, **emptied, **ids})[names.RISK]
    outputs = attributed(model, inputs, names.RISK)
    np.testing.assert_allclose(
        outputs[names.ATTRIBUTION_BASELINE], np.ravel(expected), rtol=1e-5, atol=1e-6
    )


def test_every_feature_of_the_model_is_there_once(model: GoalpathModel, inputs: Arrays) -> None:
    found = list(by_feature(attributed(model, inputs, names.RISK)))
    assert found == list(feature_names(CONFIG))
    assert len(set(found)) == len(found)
    read = {spec.key for spec in features.input_features(CONFIG)}
    assert set(found) - {names.AGREEMENT} <= read
    # Flags that say whether another is known are told with it; weekdays are not read.
    left_out = read - set(found)
    flags = {s.known_key for s in features.input_features(CONFIG) if s.known_key}
    assert left_out == flags | {names.Q_WEEKDAY_SIN, names.Q_WEEKDAY_COS}


@pytest.mark.parametrize("head", [names.LIKELIHOOD, names.RISK])
def test_without_an_engagement_nothing_is_attributed_to_engagements(
    model: GoalpathModel, inputs: Arrays, head: str
) -> None:
    for key, value in by_feature(attributed(model, inputs, head)).items():
        if key.startswith(names.CANDIDATE_PREFIX) or key == names.AGREEMENT:
            assert not value.any(), key


def test_only_the_first_engagement_counts(model: GoalpathModel, inputs: Arrays) -> None:
    once = {key: value[:, :1] if key in CANDIDATE_KEYS else value for key, value in inputs.items()}
    expected = attributed(model, once, names.RANKING_SCORE)
    actual = attributed(model, inputs, names.RANKING_SCORE)
    for key, value in expected.items():
        if key != names.ATTRIBUTED_FEATURE:
            np.testing.assert_array_equal(actual[key], value)
    assert np.abs(by_feature(actual)[names.C_TYPE]).max() > 0


def test_where_no_engagement_is_listed_its_heads_have_no_score(model: GoalpathModel) -> None:
    inputs, _ = random_batch(CONFIG, 20, seed=4)
    empty = inputs[names.C_ID + features.INDEX_SUFFIX][:, 0] == 0
    assert 0 < empty.sum() < 20
    outputs = attributed(model, inputs, names.LIKELIHOOD_GIVEN)
    for key in (names.ATTRIBUTED_SCORE, names.ATTRIBUTION_BASELINE):
        assert (outputs[key][empty] == names.PAD_SCORE).all()
        assert (outputs[key][~empty] > -100).all()
    assert not outputs[names.ATTRIBUTION][empty].any()
    assert not outputs[names.COMPLETENESS_ERROR][empty].any()
    alone = attributed(model, inputs, names.LIKELIHOOD)
    assert (alone[names.ATTRIBUTED_SCORE] > -100).all()


def test_with_lists_of_length_0_the_heads_of_the_student_still_answer(
    model: GoalpathModel, inputs: Arrays
) -> None:
    none = {key: value[:, :0] if key in CANDIDATE_KEYS else value for key, value in inputs.items()}
    outputs = attributed(model, none, names.RISK)
    np.testing.assert_array_equal(
        outputs[names.ATTRIBUTION], attributed(model, inputs, names.RISK)[names.ATTRIBUTION]
    )
    given = attributed(model, none, names.RISK_GIVEN)
    assert (given[names.ATTRIBUTED_SCORE] == names.PAD_SCORE).all()


def test_another_head_is_refused(model: GoalpathModel, inputs: Arrays) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"should be one of likelihood, "):
        attributed(model, inputs, "luck")


def test_of_a_linear_model_they_are_weight_times_value() -> None:
    # With every ReLU open and no history, a head is linear in a number: its attribution is
    # the slope times the value, and the slope that of a finite difference.
    model = seeded_model(CONFIG)
    inputs, _ = random_batch(CONFIG, 1, seed=9, longest=0)
    place = features.place_of(CONFIG, Group.QUERY, names.Q_DAYS_IN_STAGE)
    lone = {**inputs, Group.QUERY.numbers: np.zeros_like(inputs[Group.QUERY.numbers])}
    for key, value in lone.items():
        if key.endswith((features.INDEX_SUFFIX, features.TOKENS_SUFFIX)):
            lone[key] = np.zeros_like(value)
    for weight in model.serving.weights:
        if "dense_" in weight.path and weight.path.endswith("bias"):
            weight.assign(np.full(weight.shape, 9.0))
        if weight.path.endswith("head/student/bias"):
            weight.assign(np.full(weight.shape, 90.0))
        if "query_dense_0/kernel" in weight.path:
            kernel = weight.numpy()
            kernel[inputs[Group.QUERY.numbers].shape[1] :] = 0.0  # straight lines, no pieces
            weight.assign(kernel)
        if weight.path.startswith("embed_"):
            weight.assign(np.zeros(weight.shape))
    lone[Group.QUERY.numbers][0, place] = 0.2
    found = by_feature(attributed(model, lone, names.RISK))
    zero = {**lone, Group.QUERY.numbers: np.zeros_like(lone[Group.QUERY.numbers])}
    moved, nothing = (
        float(attributed(model, of, names.RISK)[names.ATTRIBUTED_SCORE][0]) for of in (lone, zero)
    )
    moved -= nothing
    assert abs(moved) > 1e-3
    assert found[names.Q_DAYS_IN_STAGE][0] == pytest.approx(moved, rel=1e-3, abs=1e-4)
    others = [abs(float(v[0])) for k, v in found.items() if k != names.Q_DAYS_IN_STAGE]
    assert max(others) < 1e-4
