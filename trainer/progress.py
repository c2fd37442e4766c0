"""How far training is, for whoever watches."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from typing import Protocol

import tensorflow as tf

from schemas import names

LOGGER = "goalpath.progress"
_LOG = logging.getLogger(LOGGER)


class Progress(Protocol):
    """Is told of steps and epochs."""

    def step(self, *, epoch: int, epochs: int, step: int, steps: int) -> None:
        """A step is done; `epoch` and `step` count from 1."""

    def epoch(self, *, epoch: int, epochs: int, loss: float, validation_loss: float) -> None:
        """An epoch is done."""


class FileProgress:
    """Writes `progress.json`, whole at any time, and logs a line an epoch.

    Args:
      folder: where the file goes; local or anything TensorFlow can write.
      interval: least seconds between two writes.
      clock: monotonic seconds.
    """

    def __init__(
        self, folder: str, *, interval: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = os.path.join(folder, names.PROGRESS_FILE)
        self._interval = interval
        self._clock = clock
        self._written = -interval
        tf.io.gfile.makedirs(folder)

    def step(self, *, epoch: int, epochs: int, step: int, steps: int) -> None:
        """Writes where the interval has passed."""
        now = self._clock()
        if now - self._written >= self._interval:
            self._written = now
            self._write({"epoch": epoch, "epochs": epochs, "step": step, "steps": steps})

    def epoch(self, *, epoch: int, epochs: int, loss: float, validation_loss: float) -> None:
        """Logs and writes."""
        _LOG.info(
            "epoch %d of %d: loss %.4f, on the calibration split %.4f",
            epoch,
            epochs,
            loss,
            validation_loss,
        )
        self._write(
            {"epoch": epoch, "epochs": epochs, "loss": loss, "validation_loss": validation_loss}
        )

    def _write(self, state: dict[str, float]) -> None:
        part = self._path + ".part"
        with tf.io.gfile.GFile(part, "w") as file:
            file.write(json.dumps(state))
        tf.io.gfile.rename(part, self._path, overwrite=True)
