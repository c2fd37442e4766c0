"""Unpacks the artifacts of ServingBundle."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
from pathlib import Path
from typing import Any, Final

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.event_example_gen import clock
from components.model_trainer.epochs import with_epochs
from components.serving_bundle.bundle import SUMMARY_FILE, BundleParts, build_bundle
from components.serving_bundle.vectors import write_engagement_vectors, write_student_vectors
from schemas import names, patterns_files
from schemas.config import GoalpathConfig
from serving.pushed_model import PushedModel

MODEL: Final = "model"
PATTERNS: Final = "patterns"
CATALOGUE: Final = "catalogue"
STATES: Final = "states"
STATISTICS: Final = "statistics"
EXAMPLES: Final = "examples"
BUNDLE: Final = "bundle"
VECTORS: Final = "vectors"
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
          output_dict: `bundle` and `vectors`.
          exec_properties: `config`, `inputs` and `epochs`.

        Raises:
          IncompleteBundleError: a part is missing.
        """
        bundle = artifact_utils.get_single_instance(output_dict[BUNDLE])
        config = GoalpathConfig.model_validate_json(
            with_epochs(exec_properties[CONFIG], int(exec_properties.get(EPOCHS) or 0))
        )
        vectors = Path(artifact_utils.get_single_uri(output_dict[VECTORS]))
        parts = _parts(input_dict, vectors)
        _write_vectors(parts, config)
        manifest = build_bundle(
            parts,
            Path(path_utils.serving_model_dir(bundle.uri)),
            config=config,
            created=dt.datetime.now(dt.timezone.utc),
            library_versions={name: importlib.metadata.version(name) for name in LIBRARIES},
            inputs=exec_properties[INPUTS],
        )
        bundle.set_int_custom_property("version", manifest["version"])


def _parts(input_dict: Artifacts, vectors: Path) -> BundleParts:
    uri = {key: Path(artifact_utils.get_single_uri(input_dict[key])) for key in input_dict}
    statistics = artifact_utils.get_single_instance(input_dict[STATISTICS])
    states = uri[STATES]
    return BundleParts(
        saved_model=Path(path_utils.serving_model_path(str(uri[MODEL]))),
        patterns=uri[PATTERNS] / patterns_files.PATTERNS_FILE,
        journeys=uri[PATTERNS] / patterns_files.JOURNEYS_FILE,
        catalogue=uri[CATALOGUE] / names.CATALOGUE_FILE,
        states=states / names.STATES_FILE,
        statistics=Path(artifact_utils.get_split_uri([statistics], names.TRAIN))
        / FEATURE_STATISTICS,
        summary=uri[EXAMPLES] / SUMMARY_FILE,
        engagement_vectors=vectors / names.ENGAGEMENT_VECTORS_FILE,
        beside_states={
            **{name: states / name for name in _of_states(states)},
            names.VECTORS_FILE: vectors / names.VECTORS_FILE,
        },
    )


def _of_states(folder: Path) -> tuple[str, ...]:
    """What EventExampleGen wrote beside the states; there are cohorts in some data alone."""
    optional = names.REFERENCE_FILES[names.COHORTS]
    always = (names.HISTORIES_FILE, names.REFERENCE_FILES[names.ENGAGEMENTS])
    return (*always, *([optional] if (folder / optional).is_file() else []))


def _write_vectors(parts: BundleParts, config: GoalpathConfig) -> None:
    model = PushedModel(parts.saved_model, config)
    vectors = parts.beside_states[names.VECTORS_FILE]
    vectors.parent.mkdir(parents=True, exist_ok=True)
    as_of = clock.parse_instant(json.loads(parts.summary.read_text(encoding="utf-8"))["as_of"])
    write_student_vectors(model, parts.states, config, vectors)
    write_engagement_vectors(model, parts.catalogue, parts.engagement_vectors, as_of=as_of)
