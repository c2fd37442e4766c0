"""Unpacks the artifacts of ServingBundle."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
from pathlib import Path
from typing import Any, Final

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.model_trainer.epochs import with_epochs
from components.serving_bundle.bundle import SUMMARY_FILE, BundleParts, build_bundle
from schemas import names, patterns_files
from schemas.config import GoalpathConfig

MODEL: Final = "model"
PATTERNS: Final = "patterns"
CATALOGUE: Final = "catalogue"
STATES: Final = "states"
STATISTICS: Final = "statistics"
EXAMPLES: Final = "examples"
BUNDLE: Final = "bundle"
CONFIG: Final = "config"
INPUTS: Final = "inputs"
EPOCHS: Final = "epochs"
FEATURE_STATISTICS: Final = "FeatureStats.pb"  # as TFX's StatisticsGen names it
LIBRARIES: Final = ("tfx", "tensorflow", "keras", "tensorflow-transform", "apache-beam", "numpy")

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Writes a complete model version as the artifact `bundle`."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Puts the version together.

        Args:
          input_dict: `model`, `patterns`, `catalogue`, `states`, `statistics` and
            `examples`.
          output_dict: `bundle`.
          exec_properties: `config`, `inputs` and `epochs`.

        Raises:
          IncompleteBundleError: a part is missing.
        """
        bundle = artifact_utils.get_single_instance(output_dict[BUNDLE])
        manifest = build_bundle(
            _parts(input_dict),
            Path(path_utils.serving_model_dir(bundle.uri)),
            config=GoalpathConfig.model_validate_json(
                with_epochs(exec_properties[CONFIG], int(exec_properties.get(EPOCHS) or 0))
            ),
            created=dt.datetime.now(dt.timezone.utc),
            library_versions={name: importlib.metadata.version(name) for name in LIBRARIES},
            inputs=exec_properties[INPUTS],
        )
        bundle.set_int_custom_property("version", manifest["version"])


def _parts(input_dict: Artifacts) -> BundleParts:
    uri = {key: Path(artifact_utils.get_single_uri(input_dict[key])) for key in input_dict}
    statistics = artifact_utils.get_single_instance(input_dict[STATISTICS])
    return BundleParts(
        saved_model=Path(path_utils.serving_model_path(str(uri[MODEL]))),
        patterns=uri[PATTERNS] / patterns_files.PATTERNS_FILE,
        journeys=uri[PATTERNS] / patterns_files.JOURNEYS_FILE,
        catalogue=uri[CATALOGUE] / names.CATALOGUE_FILE,
        states=uri[STATES] / names.STATES_FILE,
        statistics=Path(artifact_utils.get_split_uri([statistics], names.TRAIN))
        / FEATURE_STATISTICS,
        summary=uri[EXAMPLES] / SUMMARY_FILE,
    )
