"""The training loop: it learns, stops in time, keeps the best, and says when it diverged."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from schemas import names
from schemas.config import GoalpathConfig, TrainingConfig
from schemas.errors import TrainingDivergedError
from tests.random_examples import small_config
from tests.trainer.model_batches import Batch, dataset, random_batch, seeded_model
from trainer.fitting import History, fit, optimizer_for
from trainer.model import GoalpathModel

Weights = list[npt.NDArray[np.generic]]
ROWS = 512
BATCH = 64


@dataclasses.dataclass
class Recorder:
    """A Progress that keeps the weights of each epoch."""

    model: GoalpathModel
    steps: list[tuple[int, int, int, int]] = dataclasses.field(default_factory=list)
    losses: list[tuple[int, int, float, float]] = dataclasses.field(default_factory=list)
    weights: list[Weights] = dataclasses.field(default_factory=list)

    def step(self, *, epoch: int, epochs: int, step: int, steps: int) -> None:
        self.steps.append((epoch, epochs, step, steps))

    def epoch(self, *, epoch: int, epochs: int, loss: float, validation_loss: float) -> None:
        self.losses.append((epoch, epochs, loss, validation_loss))
        self.weights.append(self.model.training.get_weights())


def fitted(
    config: GoalpathConfig,
    train: Batch,
    calibration: Batch,
    clock: Callable[[], float] = lambda: 0.0,
) -> tuple[History, Recorder]:
    model = seeded_model(config)
    recorder = Recorder(model)
    history = fit(
        model,
        dataset(train, BATCH),
        dataset(calibration, BATCH),
        config,
        steps_per_epoch=math.ceil(len(train[1][names.RISK_LABEL]) / BATCH),
        progress=recorder,
        clock=clock,
    )
    return history, recorder


def config_with(**training: object) -> GoalpathConfig:
    return small_config(**{"dropout": 0.0, "id_dropout": 0.0, "learning_rate": 1e-2, **training})


def turned(batch: Batch) -> Batch:
    """The opposite labels of likelihood and risk, and nothing known of ranking."""
    inputs, labels = batch
    return inputs, {
        **labels,
        names.LIKELIHOOD_LABEL: 1 - labels[names.LIKELIHOOD_LABEL],
        names.RISK_LABEL: 1 - labels[names.RISK_LABEL],
        names.RANKING_WEIGHT: 0 * labels[names.RANKING_WEIGHT],
        names.GOAL_WEIGHT: 0 * labels[names.GOAL_WEIGHT],
    }


def with_weight(batch: Batch, weight: float) -> Batch:
    inputs, labels = batch
    keys = (
        names.RANKING_WEIGHT,
        names.LIKELIHOOD_WEIGHT,
        names.RISK_WEIGHT,
        names.GOAL_WEIGHT,
    )
    return inputs, {**labels, **{key: weight * labels[key] for key in keys}}


@pytest.fixture(name="train", scope="module")
def _train() -> Batch:
    return random_batch(config_with(), ROWS, seed=1)


@pytest.fixture(name="calibration", scope="module")
def _calibration() -> Batch:
    return random_batch(config_with(), 128, seed=2)


@pytest.mark.slow
def test_every_head_learns_what_can_be_learned(train: Batch, calibration: Batch) -> None:
    clock = itertools.count(100.0, 2.0)
    history, recorder = fitted(config_with(epochs=8), train, calibration, lambda: next(clock))
    first, best = history.epochs[0], history.epochs[history.best_epoch]
    # A coin says log 2 of each label; of a list, the logarithm of its length.
    labels = calibration[1]
    listed = labels[names.C_SAMPLING_PROBABILITY].sum(1)[labels[names.RANKING_WEIGHT] > 0]
    guessed = {
        names.LIKELIHOOD: math.log(2),
        names.RISK: math.log(2),
        names.RANKING_SCORE: float(np.log(listed).mean()),
    }
    guessed[names.GOAL_PROBABILITY] = math.log(2)
    for head in names.LOSSES:
        assert best.losses[head] < 0.8 * first.losses[head]
        assert best.validation_losses[head] < 0.9 * guessed[head], head
    assert history.steps_per_epoch == 8
    assert len(recorder.steps) == 8 * len(history.epochs)
    assert recorder.steps[:2] == [(1, 8, 1, 8), (1, 8, 2, 8)]
    assert recorder.steps[-1] == (len(history.epochs), 8, 8, 8)
    assert [entry[0] for entry in recorder.losses] == list(range(1, len(history.epochs) + 1))
    assert all(epoch.seconds == 2.0 for epoch in history.epochs)


@pytest.mark.slow
def test_it_stops_when_the_calibration_split_gets_worse_and_keeps_the_best(train: Batch) -> None:
    # What is learned of the training split is the opposite of the calibration split.
    weights = {"ranking": 5.0, "likelihood": 2.0, "risk": 3.0, "goal": 0.5}
    config = config_with(epochs=9, patience=2, learning_rate=3e-3, loss_weights=weights)
    history, recorder = fitted(config, train, turned(train))
    losses = [epoch.validation_loss for epoch in history.epochs]
    assert history.best_epoch == int(np.argmin(losses))
    assert len(losses) == history.best_epoch + 1 + 2
    kept, best = recorder.model.training.get_weights(), recorder.weights[history.best_epoch]
    assert all(np.array_equal(a, b) for a, b in zip(kept, best, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(kept, recorder.weights[-1], strict=True))
    for epoch, told in zip(history.epochs, recorder.losses, strict=True):
        # A head without a label is left out of the sum.
        ranking, likelihood, risk, goal = (epoch.validation_losses[key] for key in names.LOSSES)
        assert math.isnan(ranking)
        assert math.isnan(goal)
        assert epoch.validation_loss == pytest.approx(2 * likelihood + 3 * risk)
        ranking, likelihood, risk, goal = (epoch.losses[key] for key in names.LOSSES)
        assert told[2:] == (
            pytest.approx(5 * ranking + 2 * likelihood + 3 * risk + 0.5 * goal),
            epoch.validation_loss,
        )


@pytest.mark.slow
def test_with_no_calibration_label_every_epoch_runs_and_the_last_is_kept(train: Batch) -> None:
    history, recorder = fitted(config_with(epochs=3, patience=1), train, with_weight(train, 0.0))
    assert len(history.epochs) == 3
    assert history.best_epoch == 2
    assert all(math.isnan(epoch.validation_loss) for epoch in history.epochs)
    kept = recorder.model.training.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(kept, recorder.weights[-1], strict=True))


@pytest.mark.slow
def test_a_rate_that_is_much_too_high_ends_the_training(train: Batch, calibration: Batch) -> None:
    with pytest.raises(TrainingDivergedError) as error:
        fitted(config_with(learning_rate=1e20, warmup_share=0.0), train, calibration)
    assert error.value.where == "epoch 1"
    assert any(f"{head} nan" in error.value.received for head in names.HEADS)
    assert "lower training.learning_rate" in error.value.remedy


@pytest.mark.slow
def test_so_does_a_loss_of_the_calibration_split_that_is_not_finite(
    train: Batch, calibration: Batch
) -> None:
    # NaN is no missing label: taken for one, the broken epoch would look the best.
    inputs, labels = calibration
    wrong = np.full_like(labels[names.RISK_LABEL], np.nan)
    with pytest.raises(TrainingDivergedError) as error:
        fitted(config_with(), train, (inputs, {**labels, names.RISK_LABEL: wrong}))
    assert error.value.where == "calibration split after epoch 1"
    assert error.value.received == "risk nan"


@pytest.mark.slow
def test_a_seed_gives_one_model_bit_for_bit(train: Batch, calibration: Batch) -> None:
    def weights() -> Weights:
        _, recorder = fitted(small_config(epochs=2), train, calibration)
        return list(recorder.model.training.get_weights())

    one, again = weights(), weights()
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))


def test_another_seed_begins_elsewhere() -> None:
    one, again, other = (
        seeded_model(small_config(seed=s)).serving.get_weights() for s in (1, 1, 2)
    )
    drawn = [place for place, weight in enumerate(one) if weight.any()]
    assert len(drawn) > 20
    for place in drawn:
        np.testing.assert_array_equal(one[place], again[place])
        if one[place].ndim == 2:
            assert not np.array_equal(one[place], other[place])


def rate(training: TrainingConfig, steps: int, at: int) -> float:
    optimizer = optimizer_for(training, steps)
    optimizer.build([])
    optimizer.iterations.assign(at)
    return float(optimizer.learning_rate)


@pytest.mark.parametrize(
    ("at", "share"), [(0, 0.0), (5, 0.5), (10, 1.0), (55, 0.5), (100, 0.0), (200, 0.0)]
)
def test_the_rate_rises_to_its_peak_and_falls_as_a_cosine(at: int, share: float) -> None:
    # 10 steps of warm-up, 90 of half a cosine whose middle is step 55.
    training = TrainingConfig(learning_rate=0.02, warmup_share=0.1)
    assert rate(training, 100, at) == pytest.approx(0.02 * share, abs=1e-8)


@pytest.mark.parametrize("steps", [1, 2])
def test_without_steps_to_warm_up_the_rate_begins_at_its_peak(steps: int) -> None:
    assert rate(TrainingConfig(learning_rate=0.02), steps, 0) == pytest.approx(0.02)
