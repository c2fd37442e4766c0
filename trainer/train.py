"""`run_fn`: what the Trainer component runs."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from schemas import names
from schemas.config import GoalpathConfig
from trainer import features
from trainer.catalogue import read_catalogue
from trainer.example_batches import cached_batches, example_files, serialized_examples
from trainer.export import export
from trainer.fitting import History, fit
from trainer.model import GoalpathModel, build_model
from trainer.preprocessing import CONFIG_KEY
from trainer.progress import FileProgress
from trainer.signatures import GoalpathModule
from trainer.survey import Survey, refuse_if_nothing_to_learn, survey
from trainer.warm_start import WarmStart, read_version, warm_start

_LOG = logging.getLogger(__name__)

CATALOGUE_KEY = "catalogue"
"""Key of `custom_config` under which the executor puts the catalogue's URI."""
WARM_START_KEY = "warm_start_from"
"""Key of `custom_config` with the folder of the version whose weights to begin from."""
GOLDEN_EXAMPLES = 32
_GOLDEN_POOL = 2048


def run_fn(fn_args: FnArgs) -> None:
    """Trains and exports.

    Args:
      fn_args: `train_files` and `eval_files` are of the training and the calibration
        split; `custom_config` holds `config`, the JSON of GoalpathConfig, `catalogue`,
        the URI of the catalogue, and, for a warm start, `warm_start_from`.

    Raises:
      TrainingRefusedError: the Examples cannot teach every head.
      TrainingDivergedError: the loss is not finite.
      ExportRejectedError: what was exported is not what was trained.
      DataError: the catalogue is missing or of another configuration.
      InputError: the version to begin from cannot be read.
    """
    config = GoalpathConfig.model_validate_json(fn_args.custom_config[CONFIG_KEY])
    catalogue = read_catalogue(fn_args.custom_config[CATALOGUE_KEY], config)
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    train_files = example_files(fn_args.train_files)
    calibration_files = example_files(fn_args.eval_files)
    model = train(
        config,
        transform,
        train_files,
        calibration_files,
        run_dir=fn_args.model_run_dir,
        begin_from=fn_args.custom_config.get(WARM_START_KEY, ""),
    )
    _LOG.info("exporting to %s", fn_args.serving_model_dir)
    export(
        GoalpathModule(model, transform.transform_features_layer(), catalogue, config),
        model,
        config,
        directory=fn_args.serving_model_dir,
        golden_examples=golden_examples(calibration_files, train_files),
    )


def train(
    config: GoalpathConfig,
    transform: tft.TFTransformOutput,
    train_files: list[str],
    calibration_files: list[str],
    *,
    run_dir: str,
    begin_from: str = "",
    clock: Callable[[], float] = time.monotonic,
) -> GoalpathModel:
    """Surveys the Examples, builds the model and fits it.

    Args:
      config: of the data set.
      transform: output of Transform.
      train_files: TFRecords to learn from.
      calibration_files: TFRecords that decide when to stop.
      run_dir: where `history.json` and `progress.json` go.
      begin_from: folder of a pushed version, for a warm start; "": random weights.
      clock: monotonic seconds.

    Raises:
      TrainingRefusedError: the Examples cannot teach every head.
      TrainingDivergedError: the loss is not finite.
    """
    keras.utils.set_random_seed(config.training.seed)
    layer = transform.transform_features_layer()
    with tempfile.TemporaryDirectory(prefix="goalpath-batches-") as cache:
        began = clock()
        batches, calibration = (
            cached_batches(
                files, config, layer, cache_file=os.path.join(cache, split), shuffled=shuffled
            )
            for split, files, shuffled in (
                (names.TRAIN, train_files, True),
                (names.CALIBRATION, calibration_files, False),
            )
        )
        found = survey(batches.as_numpy_iterator(), config)
        seconds = clock() - began
        _LOG.info("%d Examples in %d batches after %.1f s", found.examples, found.batches, seconds)
        refuse_if_nothing_to_learn(found, where="the training split")
        model = build_model(config, vocabulary_sizes(config, transform))
        begun = _begin(model, begin_from, config, transform)
        progress = FileProgress(run_dir)
        history = fit(
            model,
            batches,
            calibration,
            config,
            steps_per_epoch=found.batches,
            progress=progress,
            clock=clock,
        )
    _write_history(run_dir, history, found, begun, prepare_seconds=seconds)
    return model


def _begin(
    model: GoalpathModel, folder: str, config: GoalpathConfig, transform: tft.TFTransformOutput
) -> WarmStart | None:
    if not folder:
        return None
    words = {name: transform.vocabulary_by_name(name) for name in features.vocabularies(config)}
    begun = warm_start(model.training, read_version(Path(folder)), words)
    _LOG.info(
        "began from version %s: %d weights, %d afresh%s",
        begun.version,
        len(begun.taken),
        len(begun.fresh),
        "".join(f" {path}" for path in begun.fresh),
    )
    return begun


def vocabulary_sizes(config: GoalpathConfig, transform: tft.TFTransformOutput) -> dict[str, int]:
    """Entries of each vocabulary that the preprocessing learned."""
    return {
        name: int(transform.vocabulary_size_by_name(name)) for name in features.vocabularies(config)
    }


def golden_examples(*splits: Sequence[str]) -> list[bytes]:
    """`GOLDEN_EXAMPLES` different Examples, or all where there are fewer.

    They are spread over the beginning of a split, since the snapshots of a student
    follow each other, and the heads can only be told apart by different students.

    Args:
      *splits: TFRecord files; a later split fills up where the ones before are small.
    """
    chosen: dict[bytes, None] = {}
    for files in splits:
        pool = [
            example
            for example in serialized_examples(files).take(_GOLDEN_POOL).as_numpy_iterator()
            if example not in chosen
        ]
        wanted = min(GOLDEN_EXAMPLES - len(chosen), len(pool))
        places = np.linspace(0, max(len(pool) - 1, 0), wanted).astype(int)
        chosen.update(dict.fromkeys(pool[place] for place in places))
    return list(chosen)


def _write_history(
    run_dir: str,
    history: History,
    found: Survey,
    begun: WarmStart | None,
    *,
    prepare_seconds: float,
) -> None:
    content = {
        "warm_start": None if begun is None else dataclasses.asdict(begun),
        "examples": found.examples,
        "steps_per_epoch": history.steps_per_epoch,
        "prepare_seconds": round(prepare_seconds, 3),
        "labels": {head: dataclasses.asdict(count) for head, count in found.labels.items()},
        "best_epoch": history.best_epoch + 1,
        "epochs": [dataclasses.asdict(epoch) for epoch in history.epochs],
    }
    with tf.io.gfile.GFile(os.path.join(run_dir, names.HISTORY_FILE), "w") as file:
        file.write(json.dumps(content, indent=1) + "\n")
