"""What Keras saves and loads wrongly, and that ours is of another kind.

Three constructions are saved to `.keras` and loaded without an exception, with weights
that are not the trained ones. And the fault that the planning document starts from:
towers that were never built before they were saved.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest
from keras import layers, ops

from schemas import names
from tests.components.model_validator.forge import Forge, sign
from tests.random_examples import small_config
from trainer.features import vocabularies
from trainer.model import GoalpathModel, build_model
from trainer.weights import checksum, dump_checksums

pytestmark = pytest.mark.slow

Floats = npt.NDArray[np.float32]
PACKAGE = "load_fault"
STUDENTS = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]], np.float32)
ENGAGEMENTS = np.array([[2.0, 1.0, -1.0], [0.5, 0.5, 4.0]], np.float32)


@keras.saving.register_keras_serializable(package=PACKAGE)
class EmptyBuild(keras.Model):
    """Its `build()` does nothing, so that loading has no variables to fill."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.tower = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(1)])

    def build(self, input_shape: object) -> None:
        self.built = True

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return self.tower(inputs)


@keras.saving.register_keras_serializable(package=PACKAGE)
class TwoTensors(keras.Model):
    """Takes two positional tensors, of which the saved shapes tell one."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.student = layers.Dense(4)
        self.engagement = layers.Dense(4)

    def call(self, student: keras.KerasTensor, engagement: keras.KerasTensor) -> keras.KerasTensor:
        return ops.sum(self.student(student) * self.engagement(engagement), axis=-1)


@keras.saving.register_keras_serializable(package=PACKAGE)
class NotSymbolic(keras.Model):
    """Looks at values in `call`, so that Keras cannot build it from shapes."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.tower = layers.Dense(4)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        scale = float(np.max(np.abs(np.asarray(inputs))))
        return self.tower(inputs / scale)


CONSTRUCTIONS = [
    (EmptyBuild, (STUDENTS,)),
    (TwoTensors, (STUDENTS, ENGAGEMENTS)),
    (NotSymbolic, (STUDENTS,)),
]


@pytest.mark.parametrize(("kind", "inputs"), CONSTRUCTIONS)
def test_three_constructions_load_wrong_weights_without_an_error(
    forge: Forge, tmp_path: Path, kind: type[keras.Model], inputs: tuple[Floats, ...]
) -> None:
    model = kind()
    trained = np.asarray(model(*inputs))
    bundle = forge.copy(tmp_path)
    path = bundle / names.ASSETS_EXTRA / names.KERAS_FILE
    model.save(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaded = keras.saving.load_model(path, compile=False)
    assert {warning.category for warning in caught} <= {UserWarning}
    assert np.abs(np.asarray(loaded(*inputs)) - trained).max() > 0.01

    records = [checksum(weight.path, weight.numpy()) for weight in model.weights]
    assert len(records) >= 2
    (bundle / names.ASSETS_EXTRA / names.CHECKSUMS_FILE).write_text(dump_checksums(records))
    sign(bundle)
    failed = forge.failures(
        bundle, believed=True, only=["manifest", "same_as_trained", "keras_file"]
    )
    assert set(failed) == {"keras_file"}
    for record in records:
        assert f"{record['path']}: was trained, and is not there" in failed["keras_file"]


def test_a_construction_that_loads_right_is_let_pass(forge: Forge, tmp_path: Path) -> None:
    inputs = keras.Input((3,))
    model = keras.Model(inputs, layers.Dense(1)(layers.Dense(4, activation="relu")(inputs)))
    bundle = forge.copy(tmp_path)
    model.save(bundle / names.ASSETS_EXTRA / names.KERAS_FILE)
    records = [checksum(weight.path, weight.numpy()) for weight in model.weights]
    (bundle / names.ASSETS_EXTRA / names.CHECKSUMS_FILE).write_text(dump_checksums(records))
    assert forge.failures(bundle, believed=True, only=["keras_file"]) == {}


class EarlierModel(keras.Model):
    """As the earlier system had it: Sequential towers inside a subclassed model."""

    def __init__(self) -> None:
        super().__init__()
        self.student_tower = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(4)])
        self.engagement_tower = keras.Sequential([layers.Dense(8), layers.Dense(4)])

    def build(self, input_shape: object) -> None:
        self.built = True

    def call(self, inputs: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
        student = self.student_tower(inputs["student"])
        return ops.sum(student * self.engagement_tower(inputs["engagement"]), axis=-1)


def test_the_fault_of_the_planning_document(tmp_path: Path) -> None:
    path = tmp_path / "model.weights.h5"
    never_built = EarlierModel()
    never_built.build(None)
    never_built.save_weights(path)
    built = EarlierModel()
    built({"student": STUDENTS, "engagement": ENGAGEMENTS})
    assert len(built.weights) == 8
    with pytest.raises(ValueError, match=r"A total of \d+ objects could not be loaded") as error:
        built.load_weights(path)
    assert "expected 2 variables, but received 0 variables during loading" in str(error.value)
    assert "Layer 'dense" in str(error.value)

    before = [weight.numpy() for weight in built.weights]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        built.load_weights(path, skip_mismatch=True)
    # Nothing was restored, and it went on.
    for weight, value in zip(built.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def ours(seed: int) -> GoalpathModel:
    config = small_config()
    keras.utils.set_random_seed(seed)
    return build_model(config, dict.fromkeys(vocabularies(config), 7))


def random_inputs(model: keras.Model) -> dict[str, npt.NDArray[np.generic]]:
    random = np.random.default_rng(3)
    found = {}
    for key, tensor in model.input.items():
        shape = [2, *(5 if size is None else size for size in tensor.shape[1:])]
        whole = random.integers(1, 4, shape).astype(np.int32)
        found[key] = whole if tensor.dtype == "int32" else random.normal(size=shape)
    return found


def require_same(one: keras.Model, other: keras.Model) -> None:
    assert [w.path for w in one.weights] == [w.path for w in other.weights]
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)
    inputs = random_inputs(one)
    expected, actual = one(inputs), other(inputs)
    assert (
        set(expected)
        == set(actual)
        == {
            *names.LOSSES,
            names.LIKELIHOOD_GIVEN,
            names.RISK_GIVEN,
        }
    )
    for key, value in expected.items():
        np.testing.assert_array_equal(np.asarray(value), np.asarray(actual[key]), err_msg=key)
        assert np.ptp(np.asarray(value)) > 0


def test_our_construction_loads_what_was_saved_though_it_was_never_called(tmp_path: Path) -> None:
    path = tmp_path / names.KERAS_FILE
    model = ours(seed=1).serving
    model.save(path)
    require_same(model, keras.saving.load_model(path, compile=False))


def test_our_construction_takes_weights_where_the_earlier_one_fails(tmp_path: Path) -> None:
    path = tmp_path / "model.weights.h5"
    model, other = ours(seed=1).serving, ours(seed=2).serving
    before = other(random_inputs(other))[names.LIKELIHOOD]
    model.save_weights(path)
    other.load_weights(path)
    require_same(model, other)
    after = other(random_inputs(other))[names.LIKELIHOOD]
    assert np.abs(np.asarray(before) - np.asarray(after)).max() > 1e-3
