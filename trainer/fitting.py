"""The training loop: AdamW, cosine schedule, early stopping on the calibration split."""

from __future__ import annotations

import dataclasses
import logging
import math
import time
from collections.abc import Callable, Mapping

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schemas import names
from schemas.config import GoalpathConfig, TrainingConfig
from schemas.errors import TrainingDivergedError
from trainer.losses import head_losses, total_loss
from trainer.model import GoalpathModel
from trainer.progress import Progress

_LOG = logging.getLogger(__name__)

HeadLosses = dict[str, float]
Step = Callable[[Mapping[str, tf.Tensor], Mapping[str, tf.Tensor]], None]


@dataclasses.dataclass(frozen=True)
class Epoch:
    """One pass.

    Attributes:
      losses: mean loss by head on the training split, with dropout.
      validation_losses: on the calibration split, without; NaN where nothing is known.
      validation_loss: their weighted sum.
      seconds: the pass took, validation included.
    """

    losses: HeadLosses
    validation_losses: HeadLosses
    validation_loss: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class History:
    """A training run.

    Attributes:
      epochs: in order.
      best_epoch: place in `epochs` of the one whose weights were kept.
      steps_per_epoch: batches in a pass.
    """

    epochs: tuple[Epoch, ...]
    best_epoch: int
    steps_per_epoch: int


class _Sums:
    """Sums of losses and weights by head, kept in the graph until they are asked for."""

    def __init__(self) -> None:
        self._sums = tf.Variable(tf.zeros([len(names.LOSSES), 2]), trainable=False)

    def add(self, losses: Mapping[str, tuple[tf.Tensor, tf.Tensor]]) -> None:
        self._sums.assign_add(tf.stack([tf.stack(list(losses[head])) for head in names.LOSSES]))

    def read(self) -> npt.NDArray[np.float32]:
        return np.asarray(self._sums.numpy())

    def take(self, where: str) -> HeadLosses:
        """Mean loss by head, NaN where it has no label; starts anew.

        Raises:
          TrainingDivergedError: a sum is not finite.
        """
        sums = dict(zip(names.LOSSES, self.read(), strict=True))
        self._sums.assign(tf.zeros_like(self._sums))
        broken = {head: total for head, (total, _) in sums.items() if not math.isfinite(total)}
        if broken:
            raise TrainingDivergedError(
                "the loss must stay finite.",
                where=where,
                received=", ".join(f"{head} {total}" for head, total in broken.items()),
                remedy="lower training.learning_rate or training.gradient_clip_norm.",
            )
        return {
            head: float(total / weight) if weight > 0 else math.nan
            for head, (total, weight) in sums.items()
        }


def optimizer_for(training: TrainingConfig, steps: int) -> keras.optimizers.Optimizer:
    """AdamW with a warm-up and a cosine decay to 0 over `steps` steps.

    Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, and
    "SGDR", ICLR 2017.
    """
    warmup = min(int(steps * training.warmup_share), steps - 1)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else training.learning_rate,
        decay_steps=max(steps - warmup, 1),
        warmup_target=training.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    return keras.optimizers.AdamW(
        schedule,
        weight_decay=training.weight_decay,
        global_clipnorm=training.gradient_clip_norm,
    )


def fit(
    model: GoalpathModel,
    train: tf.data.Dataset,
    calibration: tf.data.Dataset,
    config: GoalpathConfig,
    *,
    steps_per_epoch: int,
    progress: Progress,
    clock: Callable[[], float] = time.monotonic,
) -> History:
    """Trains `model` in place and leaves it with the weights of its best epoch.

    Args:
      model: as built.
      train: batches `(inputs, labels)`.
      calibration: the same; decides when to stop.
      config: of the data set.
      steps_per_epoch: batches in `train`.
      progress: is told of every step and epoch.
      clock: monotonic seconds.

    Raises:
      TrainingDivergedError: the loss on either split is not finite.
    """
    training = config.training
    optimizer = optimizer_for(training, training.epochs * steps_per_epoch)
    optimizer.build(model.training.trainable_variables)
    sums = _Sums()
    train_step = _train_step(model.training, optimizer, config, sums, train.element_spec)
    validate = _validation_step(model.training, sums, calibration.element_spec)
    epochs: list[Epoch] = []
    best, best_weights = -1, model.training.get_weights()
    for number in range(1, training.epochs + 1):
        began = clock()
        for step, (inputs, labels) in enumerate(train, start=1):
            train_step(inputs, labels)
            progress.step(epoch=number, epochs=training.epochs, step=step, steps=steps_per_epoch)
        losses = sums.take(f"epoch {number}")
        for inputs, labels in calibration:
            validate(inputs, labels)
        validation = sums.take(f"calibration split after epoch {number}")
        epochs.append(_epoch(losses, validation, training, clock() - began))
        progress.epoch(
            epoch=number,
            epochs=training.epochs,
            loss=_weighted(losses, training),
            validation_loss=epochs[-1].validation_loss,
        )
        if best < 0 or _improves(epochs[-1], epochs[best]):
            best, best_weights = len(epochs) - 1, model.training.get_weights()
        elif len(epochs) - 1 - best >= training.patience:
            break
    model.training.set_weights(best_weights)
    return History(tuple(epochs), best, steps_per_epoch)


def _train_step(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    config: GoalpathConfig,
    sums: _Sums,
    signature: tuple[object, object],
) -> Step:
    variables = model.trainable_variables

    def step(inputs: Mapping[str, tf.Tensor], labels: Mapping[str, tf.Tensor]) -> None:
        with tf.GradientTape() as tape:
            outputs = model(_with_given(inputs, labels), training=True)
            losses = head_losses(outputs, labels)
            total = total_loss(losses, config.training.loss_weights)
        gradients = tape.gradient(total, [v.value for v in variables])
        optimizer.apply(gradients, variables)
        sums.add(losses)

    return _compiled(step, signature)


def _validation_step(model: keras.Model, sums: _Sums, signature: tuple[object, object]) -> Step:
    def step(inputs: Mapping[str, tf.Tensor], labels: Mapping[str, tf.Tensor]) -> None:
        sums.add(head_losses(model(_with_given(inputs, labels), training=False), labels))

    return _compiled(step, signature)


def _compiled(step: Step, signature: tuple[object, object]) -> Step:
    """The step as a graph, which runs on every batch of the signature."""
    compiled: Step = tf.function(step, input_signature=signature, autograph=False)
    return compiled


def _with_given(
    inputs: Mapping[str, tf.Tensor], labels: Mapping[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    return {**inputs, names.GIVEN_INDEX: labels[names.GIVEN_INDEX]}


def _epoch(
    losses: HeadLosses, validation: HeadLosses, training: TrainingConfig, seconds: float
) -> Epoch:
    return Epoch(losses, validation, _weighted(validation, training), seconds)


def _weighted(losses: HeadLosses, training: TrainingConfig) -> float:
    """Weighted sum of the losses of the heads that have one; NaN where none has."""
    weights = {
        names.RANKING_SCORE: training.loss_weights.ranking,
        names.LIKELIHOOD: training.loss_weights.likelihood,
        names.RISK: training.loss_weights.risk,
        names.GOAL_PROBABILITY: training.loss_weights.goal,
    }
    known = [weights[head] * loss for head, loss in losses.items() if not math.isnan(loss)]
    return sum(known) if known else math.nan


def _improves(latest: Epoch, best: Epoch) -> bool:
    """Whether to keep the latest; without a calibration label the latest is kept."""
    return math.isnan(best.validation_loss) or latest.validation_loss < best.validation_loss
