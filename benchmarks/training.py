"""Whether training waits for its input: a pass over the batches alone, and one that learns.

    python -m benchmarks.training --out OUT

Reads the Examples of the last run in OUT as the trainer does, times the first pass (which
parses, transforms and fills the cache), passes that only read the cached batches, and
epochs of training. Of an epoch the share that reading alone takes is the most that a
faster input could save.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

import click
import keras
import tensorflow as tf
import tensorflow_transform as tft

from benchmarks.quality_parts.finished_run import find_run
from schemas import names
from schemas.errors import GoalpathError
from trainer.example_batches import cached_batches
from trainer.fitting import fit
from trainer.model import build_model
from trainer.train import vocabulary_sizes

FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)


class _Silent:
    def step(self, *, epoch: int, epochs: int, step: int, steps: int) -> None:
        """Says nothing."""

    def epoch(self, *, epoch: int, epochs: int, loss: float, validation_loss: float) -> None:
        """Says nothing."""


@click.command()
@click.option("--out", type=FOLDER, required=True, help="Of a finished goalpath run.")
@click.option("--passes", default=3, show_default=True)
def main(*, out: Path, passes: int) -> None:
    """Time the trainer's input against its steps."""
    try:
        run = find_run(out)
    except GoalpathError as error:
        raise click.ClickException(error.describe()) from error
    training = run.config.training.model_copy(update={"epochs": passes, "patience": passes})
    config = run.config.model_copy(update={"training": training})
    transform = tft.TFTransformOutput(str(run.transform_graph))
    layer = transform.transform_features_layer()
    keras.utils.set_random_seed(training.seed)
    with tempfile.TemporaryDirectory(prefix="goalpath-training-") as folder:
        train, calibration = (
            cached_batches(
                [str(path) for path in run.split_files(split)],
                config,
                layer,
                cache_file=f"{folder}/{split}",
                shuffled=split == names.TRAIN,
            )
            for split in (names.TRAIN, names.CALIBRATION)
        )
        first, steps = _pass(train)
        reading = [_pass(train)[0] for _ in range(passes)]
        model = build_model(config, vocabulary_sizes(config, transform))
        history = fit(model, train, calibration, config, steps_per_epoch=steps, progress=_Silent())
    learning = statistics.median(epoch.seconds for epoch in history.epochs)
    alone = statistics.median(reading)
    print(f"{steps} steps of {training.batch_size}; first pass {first:.1f} s")
    print(f"reading alone {alone:.2f} s, {1000 * alone / steps:.1f} ms a step (median of {passes})")
    print(f"an epoch {learning:.2f} s with the calibration split, {1000 * learning / steps:.1f} ms")
    print(f"reading is {alone / learning:.0%} of an epoch")


def _pass(batches: tf.data.Dataset) -> tuple[float, int]:
    began = time.monotonic()
    steps = sum(1 for _ in batches)
    return time.monotonic() - began, steps


if __name__ == "__main__":
    main()
