"""The model as a whole: which part depends on what, and on whose parameters."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from schemas import names
from tests.random_examples import small_config
from tests.trainer.model_batches import (
    VOCABULARY,
    Arrays,
    random_batch,
    seeded_model,
    unlike_initial,
    with_given,
)
from trainer import features
from trainer.features import Group
from trainer.losses import head_losses, total_loss
from trainer.model import LOGIT_SUFFIX, GoalpathModel

CONFIG = small_config()
OWN_LAYERS = {
    names.RANKING_SCORE: ("ranking_head/",),
    names.LIKELIHOOD: ("likelihood_head/", "likelihood_none/"),
    names.RISK: ("risk_head/", "risk_none/"),
    names.GOAL_PROBABILITY: ("goal_head/", "goal_none/"),
}
UNSEEN = "ranking_head/output/bias"
"""A softmax over a list does not see what is added to all of its scores."""
ROUNDING = 1e-5
STAGE = features.place_of(CONFIG, Group.QUERY, names.Q_STAGE_POSITION)
CANDIDATE_KEYS = features.input_keys(CONFIG, Group.CANDIDATES)
STUDENT_OUTPUTS = (names.LIKELIHOOD, names.RISK)
STUDENT_ALONE = (*STUDENT_OUTPUTS, names.GOAL_PROBABILITY)
GIVEN_OUTPUTS = (names.LIKELIHOOD_GIVEN, names.RISK_GIVEN)


@pytest.fixture(name="model", scope="module")
def _model() -> GoalpathModel:
    return unlike_initial(CONFIG)


def served(model: GoalpathModel, inputs: Arrays) -> Arrays:
    return {key: np.asarray(value) for key, value in model.serving(inputs).items()}


def norms(model: GoalpathModel, head: str | None) -> dict[str, float]:
    """Norm of the gradient of one head's loss (None: of all) by path of the parameter."""
    batch = random_batch(CONFIG, 16, seed=3)
    with tf.GradientTape() as tape:
        losses = head_losses(model.training(with_given(batch)), batch[1])
        loss = (
            total_loss(losses, CONFIG.training.loss_weights) if head is None else losses[head].total
        )
    variables = model.training.trainable_variables
    gradients = tape.gradient(loss, [v.value for v in variables])
    return {
        variable.path: 0.0 if gradient is None else float(tf.norm(tf.convert_to_tensor(gradient)))
        for variable, gradient in zip(variables, gradients, strict=True)
    }


@pytest.mark.parametrize("head", names.LOSSES)
def test_the_loss_of_a_head_moves_its_own_layers_and_the_towers_and_no_other_head(
    model: GoalpathModel, head: str
) -> None:
    moved = {path for path, norm in norms(model, head).items() if norm > ROUNDING}
    for other, prefixes in OWN_LAYERS.items():
        own = {v.path for v in model.training.trainable_variables if v.path.startswith(prefixes)}
        own -= {UNSEEN}
        assert len(own) >= 5
        assert own & moved == (own if other == head else set())
    assert {"student_embedding/kernel", "engagement_embedding/kernel"} <= moved


def test_every_parameter_that_matters_learns(model: GoalpathModel) -> None:
    still = [path for path, norm in norms(model, None).items() if norm <= ROUNDING]
    assert still == [UNSEEN]


def test_training_and_serving_have_the_same_weights(model: GoalpathModel) -> None:
    assert {id(w) for w in model.training.weights} == {id(w) for w in model.serving.weights}
    for part in (model.student, model.engagement, model.ranking, model.goals):
        assert {id(w) for w in part.weights} <= {id(w) for w in model.serving.weights}


def other_candidates(inputs: Arrays, seed: int, longest: int, shortest: int) -> Arrays:
    rows = len(inputs[Group.QUERY.numbers])
    others, _ = random_batch(CONFIG, rows, seed=seed, longest=longest, shortest=shortest)
    return {**inputs, **{key: others[key] for key in CANDIDATE_KEYS}}


@pytest.mark.parametrize(("longest", "shortest"), [(5, 5), (9, 1), (1, 0), (0, 0)])
def test_without_an_engagement_the_candidate_list_does_not_matter(
    model: GoalpathModel, longest: int, shortest: int
) -> None:
    inputs, _ = random_batch(CONFIG, 12, seed=4)
    expected = served(model, inputs)
    actual = served(model, other_candidates(inputs, 77, longest, shortest))
    for key in STUDENT_ALONE:
        assert len(actual[key]) == 12
        np.testing.assert_array_equal(actual[key], expected[key])


def test_given_an_engagement_the_answer_depends_on_it(model: GoalpathModel) -> None:
    inputs, _ = random_batch(CONFIG, 12, seed=4, shortest=5)
    outputs = served(model, inputs)
    for alone, given in zip(STUDENT_OUTPUTS, GIVEN_OUTPUTS, strict=True):
        assert outputs[given].shape == (12, 5)
        assert (outputs[given].std(axis=1) > 1e-4).all()
        assert (np.abs(outputs[given] - outputs[alone][:, np.newaxis]) > 1e-6).all()


def test_goals_given_an_engagement_depend_on_it_and_padding_is_marked(
    model: GoalpathModel,
) -> None:
    inputs, _ = random_batch(CONFIG, 12, seed=4)
    inputs[Group.QUERY.numbers][:, STAGE] = 0.0
    outputs = {key: np.asarray(value) for key, value in model.goals(inputs).items()}
    alone, given = outputs[names.GOAL_PROBABILITY], outputs[names.GOAL_GIVEN]
    np.testing.assert_array_equal(alone, served(model, inputs)[names.GOAL_PROBABILITY])
    listed = inputs[names.C_ID + features.INDEX_SUFFIX] > 0
    assert given.shape == (*listed.shape, len(CONFIG.stages))
    assert (given[~listed] == names.PAD_PROBABILITY).all()
    assert (given[listed][:, 0] == 1.0).all()
    last = given[..., -1]
    for row in range(12):
        if listed[row].sum() > 1:
            assert last[row][listed[row]].std() > 1e-6
            assert (np.abs(last[row][listed[row]] - alone[row, -1]) > 1e-8).all()


def test_the_learned_none_is_a_vector_of_its_head_alone(model: GoalpathModel) -> None:
    inputs, _ = random_batch(CONFIG, 6, seed=5)
    before = served(model, inputs)
    vector = model.training.get_layer("likelihood_none").vector
    kept = vector.numpy()
    vector.assign(kept + 1.0)
    after = served(model, inputs)
    vector.assign(kept)
    assert (before[names.LIKELIHOOD] != after[names.LIKELIHOOD]).all()
    for key in set(before) - {names.LIKELIHOOD}:
        np.testing.assert_array_equal(before[key], after[key])


def test_candidates_in_another_order_are_scored_the_same(model: GoalpathModel) -> None:
    inputs, _ = random_batch(CONFIG, 4, seed=6, shortest=5)
    order = [3, 0, 4, 1, 2]
    turned = {**inputs, **{key: inputs[key][:, order] for key in CANDIDATE_KEYS}}
    expected, actual = served(model, inputs), served(model, turned)
    for key in (names.RANKING_SCORE, *GIVEN_OUTPUTS):
        np.testing.assert_allclose(actual[key], expected[key][:, order], rtol=1e-5, atol=1e-6)


def sigmoid(x: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    return np.asarray(1 / (1 + np.exp(-np.asarray(x, np.float64))))


def test_training_learns_what_serving_answers(model: GoalpathModel) -> None:
    batch = random_batch(CONFIG, 8, seed=7, shortest=1)
    labels = {**batch[1], names.GIVEN_INDEX: np.zeros(8, np.int64)}
    trained = model.training(with_given((batch[0], labels)))
    outputs = served(model, batch[0])
    listed = batch[1][names.C_SAMPLING_PROBABILITY] > 0
    scores = np.asarray(trained[names.RANKING_SCORE])
    np.testing.assert_array_equal(outputs[names.RANKING_SCORE][listed], scores[listed])
    for alone, given in zip(STUDENT_OUTPUTS, GIVEN_OUTPUTS, strict=True):
        logits = np.asarray(trained[alone + LOGIT_SUFFIX])
        np.testing.assert_allclose(outputs[alone], sigmoid(logits[:, 0]), rtol=1e-5)
        np.testing.assert_allclose(outputs[given][:, 0], sigmoid(logits[:, 1]), rtol=1e-5)


def test_padding_holds_the_sentinels(model: GoalpathModel) -> None:
    inputs, labels = random_batch(CONFIG, 12, seed=9)
    padding = labels[names.C_SAMPLING_PROBABILITY] == 0
    assert padding.any()
    outputs = served(model, inputs)
    assert (outputs[names.RANKING_SCORE][padding] == np.float32(-1e9)).all()
    assert (outputs[names.RANKING_SCORE][~padding] > -100).all()
    for key in GIVEN_OUTPUTS:
        assert (outputs[key][padding] == -1).all()
        assert ((outputs[key][~padding] > 0) & (outputs[key][~padding] < 1)).all()


def equal_values(inputs: Arrays) -> npt.NDArray[np.float32]:
    """Where each category of the student equals each one of the candidates, by definition."""
    own = [c.index for c in features.agreeing(CONFIG, Group.QUERY)]
    offered = [c.index for c in features.agreeing(CONFIG, Group.CANDIDATES)]
    assert own
    assert offered
    rows, places = inputs[offered[0]].shape
    found = np.zeros((rows, places, len(own) * len(offered)), np.float32)
    for row in range(rows):
        for place in range(places):
            pairs = [(inputs[q][row], inputs[a][row, place]) for q in own for a in offered]
            found[row, place] = [a == b and 0 < a <= VOCABULARY for a, b in pairs]
    return found


def test_the_parts_put_together_are_the_ranking_score(model: GoalpathModel) -> None:
    inputs, _ = random_batch(CONFIG, 5, seed=10, shortest=5)
    query = {key: value for key, value in inputs.items() if key not in CANDIDATE_KEYS}
    candidates = {key: inputs[key] for key in CANDIDATE_KEYS}
    students, engagements = model.student(query), model.engagement(candidates)
    assert students.shape == (5, CONFIG.training.embedding_dim)
    agreement = equal_values(inputs)
    assert 0 < agreement.mean() < 1
    head = model.serving.get_layer("ranking_head")
    scores = np.asarray(head([students, engagements, agreement]))
    expected = served(model, inputs)[names.RANKING_SCORE]
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(model.ranking(inputs)), expected)


def test_without_categories_of_engagements_nothing_is_compared() -> None:
    tables = CONFIG.tables
    numeric = tables.engagements.model_copy(update={"features": {}})
    config = CONFIG.model_copy(
        update={"tables": tables.model_copy(update={"engagements": numeric})}
    )
    plain = seeded_model(config)
    assert not any("agreement" in weight.path for weight in plain.serving.weights)
    inputs, _ = random_batch(config, 3, seed=1, shortest=2)
    assert np.isfinite(np.asarray(plain.ranking(inputs))).all()


def test_the_saved_model_loads_with_its_values(model: GoalpathModel, tmp_path: Path) -> None:
    inputs, _ = random_batch(CONFIG, 12, seed=11)
    path = tmp_path / names.KERAS_FILE
    model.serving.save(path)
    loaded = keras.models.load_model(path, compile=False)
    assert [w.path for w in loaded.weights] == [w.path for w in model.serving.weights]
    for before, after in zip(model.serving.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(before.numpy(), after.numpy())
    expected = served(model, inputs)
    for key, value in loaded(inputs).items():
        np.testing.assert_array_equal(np.asarray(value), expected[key])
