"""The trained model asked about the calibration split, and written with what it taught."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from components.goal_calibrator.calibrate import calibrate
from components.goal_calibrator.goal_export import export_with_goal
from components.goal_calibrator.read_rows import answered_rows, read_labels
from schemas import names
from schemas.config import GoalpathConfig
from schemas.conversion_patterns import ConversionPatterns
from schemas.goal_parameters import GoalParameters
from trainer.example_batches import example_files


def write_calibrated_model(
    trained: Path,
    target: Path,
    *,
    train: Sequence[str],
    calibration: Sequence[str],
    patterns: ConversionPatterns,
    config: GoalpathConfig,
) -> GoalParameters:
    """Fits the goal synthesis and writes the SavedModel that answers `goal`.

    Args:
      trained: the trainer's SavedModel.
      target: of the new one; an unfinished one from a killed run is replaced.
      train: patterns of TFRecord files; only their labels are read.
      calibration: patterns of TFRecord files of students that nothing was trained on.
      patterns: of training students.
      config: of the data set.

    Raises:
      TrainingRefusedError: a split has no file.
      ExportRejectedError: the new SavedModel is not the trained one.
    """
    shutil.rmtree(target, ignore_errors=True)
    loaded = tf.saved_model.load(str(trained))
    rows = answered_rows(example_files(calibration), config, loaded.signatures)
    labels = read_labels(example_files(train), config)
    parameters = calibrate(labels, rows, patterns, config)
    export_with_goal(loaded, trained / names.ASSETS_EXTRA, target, parameters, config)
    return parameters
