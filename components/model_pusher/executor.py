"""Unpacks the artifacts of ModelPusher."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from absl import logging
from tfx import types
from tfx.components.pusher import executor as tfx_pusher
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components.model_pusher.push import Destination, push_version

STATES: Final = "states"
VECTORS: Final = "vectors"
SERVING_DIR: Final = "serving_dir"
STATES_DIR: Final = "states_dir"

Artifacts = dict[str, list[types.Artifact]]


class Executor(tfx_pusher.Executor):  # type: ignore[misc]
    """Pushes where both blessings say so, as TFX's Pusher does, and atomically."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Pushes the bundle, or marks that it was not blessed.

        Args:
          input_dict: `model` (the bundle), `states`, `vectors`, `model_blessing`
            and `infra_blessing`.
          output_dict: `pushed_model`.
          exec_properties: `serving_dir` and `states_dir`.

        Raises:
          PushError: the version could not be put in place.
        """
        pushed = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        if not self.CheckBlessing(input_dict):
            logging.info("The model is not blessed, and not pushed.")
            self._MarkNotPushed(pushed)
            return
        bundle = artifact_utils.get_single_uri(input_dict[standard_component_specs.MODEL_KEY])
        folders = (artifact_utils.get_single_uri(input_dict[key]) for key in (STATES, VECTORS))
        number, model_dir = push_version(
            Path(path_utils.serving_model_path(bundle)),
            tuple(map(Path, folders)),
            Destination(Path(exec_properties[SERVING_DIR]), Path(exec_properties[STATES_DIR])),
        )
        self._MarkPushed(pushed, pushed_destination=str(model_dir), pushed_version=str(number))
