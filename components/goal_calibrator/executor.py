"""Unpacks the artifacts of GoalCalibrator."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components.goal_calibrator.calibrated_model import write_calibrated_model
from schemas import names
from schemas.config import GoalpathConfig
from schemas.patterns_files import read_patterns

EXAMPLES: Final = standard_component_specs.EXAMPLES_KEY
TRAINED_MODEL: Final = "trained_model"
PATTERNS: Final = "patterns"
MODEL: Final = standard_component_specs.MODEL_KEY
CONFIG: Final = "config"

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Writes the trained SavedModel with the signature `goal` as the artifact `model`."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Fits and exports.

        Args:
          input_dict: `examples`, `trained_model` and `patterns`.
          output_dict: `model`.
          exec_properties: `config`.

        Raises:
          ExportRejectedError: the new SavedModel is not the trained one.
          PatternsUnreadableError: the patterns are missing or damaged.
        """
        trained = artifact_utils.get_single_uri(input_dict[TRAINED_MODEL])
        target = artifact_utils.get_single_uri(output_dict[MODEL])
        write_calibrated_model(
            Path(path_utils.serving_model_path(trained)),
            Path(path_utils.serving_model_dir(target)),
            train=_split(input_dict, names.TRAIN),
            calibration=_split(input_dict, names.CALIBRATION),
            patterns=read_patterns(Path(artifact_utils.get_single_uri(input_dict[PATTERNS]))),
            config=GoalpathConfig.model_validate_json(exec_properties[CONFIG]),
        )


def _split(input_dict: Artifacts, split: str) -> list[str]:
    uris = artifact_utils.get_split_uris(input_dict[EXAMPLES], split)
    return [str(Path(uri) / "*") for uri in uris]
