"""Every layer by value: against arithmetic done by hand, and saved and loaded."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from trainer.goal_steps import GoalStepsHead, ReachGoals, StepsAhead
from trainer.heads import InteractionHead, MaskPadding, NoEngagement, TakeGiven
from trainer.towers.agreement import Agreement
from trainer.towers.history_pooling import DecayedAttentionPooling
from trainer.towers.piecewise_linear import PiecewiseLinear
from trainer.towers.token_mean import TokenMean
from trainer.towers.type_pooling import TypePooling
from trainer.towers.unknown_dropout import UnknownDropout

RNG = np.random.default_rng(4)
NUMBERS = RNG.normal(size=(3, 5, 6)).astype(np.float32)
INDEX = np.array([[1, 2, 3, 0, 0], [4, 0, 0, 0, 0], [0, 0, 0, 0, 0]], np.int32)
STUDENTS = RNG.normal(size=(3, 4)).astype(np.float32)

LAYERS: dict[str, tuple[Callable[[], keras.layers.Layer], list[np.ndarray]]] = {
    "UnknownDropout": (lambda: UnknownDropout(0.5, unknown=7, seed=1), [INDEX]),
    "PiecewiseLinear": (PiecewiseLinear, [NUMBERS]),
    "TokenMean": (lambda: TokenMean(5, 3), [INDEX]),
    "TypePooling": (lambda: TypePooling(4), [NUMBERS, INDEX]),
    "DecayedAttentionPooling": (
        lambda: DecayedAttentionPooling(4, heads=2),
        [NUMBERS, NUMBERS[:, :, 0], INDEX],
    ),
    "InteractionHead": (
        lambda: InteractionHead((5, 3), 0.2, seed=3, agreements=2),
        [STUDENTS, NUMBERS, NUMBERS[:, :, :2]],
    ),
    "GoalStepsHead": (
        lambda: GoalStepsHead(3, 5, 0.2, seed=3, agreements=2),
        [STUDENTS, NUMBERS, NUMBERS[:, :, :2]],
    ),
    "StepsAhead": (StepsAhead, [NUMBERS, np.array([0.0, 0.5, 1.0], np.float32)]),
    "ReachGoals": (ReachGoals, [NUMBERS]),
    "Agreement": (lambda: Agreement(4), [INDEX[:, :3], np.stack([INDEX, INDEX], -1)]),
    "NoEngagement": (lambda: NoEngagement(6), [STUDENTS]),
    "TakeGiven": (TakeGiven, [NUMBERS, np.array([4, -1, 0])]),
    "MaskPadding": (lambda: MaskPadding(-9.0), [NUMBERS[:, :, 0], INDEX]),
}


def call(layer: keras.layers.Layer, *inputs: np.ndarray) -> np.ndarray:
    return np.asarray(layer(list(inputs) if len(inputs) > 1 else inputs[0]))


def test_no_layer_is_left_out() -> None:
    import trainer.model  # noqa: F401  registers every layer of the model

    registered = keras.saving.get_custom_objects().values()
    ours = {layer.__name__ for layer in registered if layer.__module__.startswith("trainer.")}
    assert ours == set(LAYERS)


@pytest.mark.parametrize("name", list(LAYERS))
def test_a_saved_layer_loads_with_its_values(name: str, tmp_path: Path) -> None:
    make, arrays = LAYERS[name]
    inputs = [
        keras.Input((None, *a.shape[2:]) if a.ndim > 1 else (), dtype=str(a.dtype)) for a in arrays
    ]
    if name in (
        "Agreement",
        "GoalStepsHead",
        "InteractionHead",
        "NoEngagement",
    ):  # one row a student
        inputs[0] = keras.Input(arrays[0].shape[1:], dtype=str(arrays[0].dtype))
    layer = make()
    model = keras.Model(inputs, layer(inputs if len(inputs) > 1 else inputs[0]))
    # Values that no initialiser gives: a layer rebuilt and not restored is found out.
    model.set_weights([RNG.normal(size=w.shape) for w in model.get_weights()])
    model.save(tmp_path / "layer.keras")
    loaded = keras.models.load_model(tmp_path / "layer.keras")
    assert len(loaded.get_weights()) == len(model.get_weights())
    for before, after in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(np.asarray(model(arrays)), np.asarray(loaded(arrays)))
    assert loaded.layers[-1].get_config() == layer.get_config()
    assert tuple(model.output_shape[1:]) == tuple(
        None if expected is None else actual
        for expected, actual in zip(
            model.output_shape[1:], np.shape(model(arrays))[1:], strict=True
        )
    )


def test_unknown_dropout_hides_values_in_training_only_and_never_padding() -> None:
    layer = UnknownDropout(0.5, unknown=100, seed=1)
    index = np.tile(np.arange(8, dtype=np.int32), (500, 1))
    np.testing.assert_array_equal(np.asarray(layer(index)), index)
    trained = np.asarray(layer(index, training=True))
    assert (trained[:, 0] == 0).all()
    hidden = trained != index
    assert (trained[hidden] == 100).all()
    # 3,500 draws at one half: five standard deviations are .042.
    assert abs(hidden[:, 1:].mean() - 0.5) < 0.042


def test_unknown_dropout_by_row_hides_all_of_a_row_or_nothing() -> None:
    layer = UnknownDropout(0.5, unknown=100, seed=1, by_row=True)
    index = np.tile(np.arange(8, dtype=np.int32), (3500, 1))
    np.testing.assert_array_equal(np.asarray(layer(index)), index)
    hidden = np.asarray(layer(index, training=True)) == 100
    assert not hidden[:, 0].any()
    assert set(hidden[:, 1:].sum(axis=1).tolist()) == {0, 7}
    assert abs(hidden[:, 1].mean() - 0.5) < 0.042


def test_unknown_dropout_of_rate_zero_hides_nothing() -> None:
    layer = UnknownDropout(0.0, unknown=100, seed=1)
    np.testing.assert_array_equal(np.asarray(layer(INDEX, training=True)), INDEX)


def test_token_mean_is_the_mean_of_the_tokens_there_are() -> None:
    layer = TokenMean(5, 2)
    layer.build((None, 3))
    layer.set_weights([np.array([[9, 9], [1, 2], [3, 4], [5, 6], [7, 8]], np.float32)])
    tokens = np.array([[1, 3, 0], [2, 0, 0], [0, 0, 0]], np.int32)
    np.testing.assert_allclose(call(layer, tokens), [[3, 4], [3, 4], [0, 0]])


def test_type_pooling_is_a_sum_over_a_set() -> None:
    layer = TypePooling(1)
    layer.build([(None, None, 2), (None, None)])
    layer.set_weights([np.array([[1.0], [2.0]], np.float32), np.array([0.5], np.float32)])
    values = np.array([[[1, 1], [2, 0], [9, 9]], [[-5, 0], [0, 0], [0, 0]]], np.float32)
    index = np.array([[1, 2, 0], [1, 0, 0]], np.int32)
    # relu(1 + 2 + .5) + relu(2 + .5) = 6, and relu(-5 + .5) = 0.
    np.testing.assert_allclose(call(layer, values, index), [[6.0], [0.0]])
    turned = call(layer, values[:, [1, 0, 2]], index[:, [1, 0, 2]])
    np.testing.assert_allclose(turned, [[6.0], [0.0]])


def _decayed() -> DecayedAttentionPooling:
    layer = DecayedAttentionPooling(1, heads=1)
    layer.build([(None, None, 1), (None, None), (None, None)])
    layer.rate.assign([math.log(math.e - 1)])  # softplus of it is 1
    layer.no_event.assign([[0.25]])
    layer.encoder.set_weights([np.ones((1, 1)), np.zeros(1)])
    layer.scorer.set_weights([np.ones((1, 1)), np.zeros(1)])
    return layer


def test_history_pooling_weighs_by_score_and_age() -> None:
    events = np.array([[[2.0], [1.0], [7.0]]], np.float32)
    ages = np.array([[0.0, 1.5, 0.0]], np.float32)
    index = np.array([[3, 5, 0]], np.int32)
    first, second = math.exp(2.0 - 0.0), math.exp(1.0 - 1.5)
    expected = (first * 2.0 + second * 1.0 + 0.25) / (1 + first + second)
    np.testing.assert_allclose(call(_decayed(), events, ages, index), [[expected]], rtol=1e-6)


def test_an_empty_history_is_the_learned_vector() -> None:
    nothing = np.zeros((2, 0, 1), np.float32), np.zeros((2, 0), np.float32), np.zeros((2, 0), int)
    np.testing.assert_allclose(call(_decayed(), *nothing), [[0.25], [0.25]])
    padded = np.ones((1, 3, 1), np.float32), np.zeros((1, 3), np.float32), np.zeros((1, 3), int)
    np.testing.assert_allclose(call(_decayed(), *padded), [[0.25]])


def test_the_head_is_its_equation() -> None:
    head = InteractionHead((3, 2))
    head.build([(None, 4), (None, None, 6)])
    weights = {w.path: RNG.normal(size=w.shape).astype(np.float32) for w in head.weights}
    head.set_weights([weights[w.path] for w in head.weights])
    part = {path.split("/", 1)[-1]: value for path, value in weights.items()}
    hidden = STUDENTS @ part["student/kernel"] + part["student/bias"]
    hidden = np.maximum(hidden[:, None] + NUMBERS @ part["engagement/kernel"], 0)
    hidden = np.maximum(hidden @ part["dense_1/kernel"] + part["dense_1/bias"], 0)
    network = (hidden @ part["output/kernel"] + part["output/bias"])[..., 0]
    product = np.einsum("bd,bnd->bn", STUDENTS @ part["query/kernel"], NUMBERS)
    expected = product / math.sqrt(6) + network
    np.testing.assert_allclose(call(head, STUDENTS, NUMBERS), expected, rtol=1e-4, atol=1e-5)


def test_a_number_is_told_piece_by_piece() -> None:
    layer = PiecewiseLinear((-1.0, 0.0, 2.0, 2.5))
    numbers = np.array([[-3.0, -0.25], [1.0, 2.0], [2.25, 9.0]], np.float32)
    pieces = [
        [0, 0, 0, 0.75, 0, 0],
        [1, 0.5, 0, 1, 1, 0],
        [1, 1, 0.5, 1, 1, 1],
    ]
    np.testing.assert_allclose(call(layer, numbers), pieces, rtol=1e-6)
    listed = call(layer, np.stack([numbers, numbers]))
    np.testing.assert_allclose(listed, [pieces, pieces], rtol=1e-6)


@pytest.mark.parametrize("knots", [(), (1.0,), (0.0, 0.0), (1.0, 0.5)])
def test_knots_that_do_not_ascend_are_refused(knots: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="two or more ascending numbers"):
        PiecewiseLinear(knots)


def test_agreement_adds_to_the_head_and_counts_as_0_where_it_is_left_out() -> None:
    head = InteractionHead((3, 2), agreements=2)
    agreement = np.array([[[1, 0]] * 5, [[0, 1]] * 5, [[0, 0]] * 5], np.float32)
    call(head, STUDENTS, NUMBERS, agreement)
    head.set_weights([RNG.normal(size=w.shape).astype(np.float32) for w in head.weights])
    part = {w.path.split("/", 1)[-1]: np.asarray(w) for w in head.weights}
    hidden = STUDENTS @ part["student/kernel"] + part["student/bias"]
    hidden = hidden[:, None] + NUMBERS @ part["engagement/kernel"]
    hidden = np.maximum(hidden + agreement @ part["agreement/kernel"], 0)
    hidden = np.maximum(hidden @ part["dense_1/kernel"] + part["dense_1/bias"], 0)
    network = (hidden @ part["output/kernel"] + part["output/bias"])[..., 0]
    product = np.einsum("bd,bnd->bn", STUDENTS @ part["query/kernel"], NUMBERS) / math.sqrt(6)
    linear = (agreement @ part["agreement_output/kernel"])[..., 0]
    expected = product + linear + network
    actual = call(head, STUDENTS, NUMBERS, agreement)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)
    without = call(head, STUDENTS, NUMBERS)
    np.testing.assert_allclose(without[2], expected[2], rtol=1e-4, atol=1e-5)
    assert (np.abs(without[:2] - actual[:2]) > 1e-3).any()


def test_agreement_compares_every_pair_and_never_missing_or_unknown_values() -> None:
    own = np.array([[1, 4], [0, 2]], np.int32)
    offered = np.array([[[1, 1], [4, 2], [0, 0]], [[2, 0], [1, 2], [0, 1]]], np.int32)
    pairs = [
        [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
        [[0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]],
    ]
    np.testing.assert_array_equal(call(Agreement(4), own, offered), pairs)
    assert call(Agreement(4), own, offered[:, :0]).shape == (2, 0, 4)


def test_take_given_takes_the_place_or_zeros() -> None:
    taken = call(TakeGiven(), NUMBERS, np.array([4, -1, 0]))
    np.testing.assert_array_equal(taken[:, 0], [NUMBERS[0, 4], np.zeros(6), NUMBERS[2, 0]])
    none = call(TakeGiven(), NUMBERS[:, :0], np.array([0, -1, 0]))
    np.testing.assert_array_equal(none, np.zeros((3, 1, 6)))


def test_padding_is_marked() -> None:
    masked = call(MaskPadding(-9.0), NUMBERS[:, :, 0], INDEX)
    np.testing.assert_array_equal(masked, np.where(INDEX > 0, NUMBERS[:, :, 0], -9.0))
