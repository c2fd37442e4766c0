"""Stops the pipeline where the Examples are not what they must be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import tensorflow_data_validation as tfdv
from absl import logging
from tfx import types
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, writer_utils

from components.evaluator.baseline import BASELINE, SERVING_DIR, choose_baseline
from components.example_validator.findings import Finding, empty_splits, find, to_error
from components.example_validator.validation import Statistics, example_count, validate_splits
from schemas import names
from schemas.config import GoalpathConfig

CONFIG: Final = "config"
# Name and property as TFX's ExampleValidator has them: other tools read them.
_ANOMALIES_FILE: Final = "SchemaDiff.pb"
_BLESSED: Final = "blessed"

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Writes the anomalies of every split, then stops the run if there is an error."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Validates the statistics of every split.

        Args:
          input_dict: `statistics` and `schema`.
          output_dict: `anomalies`.
          exec_properties: `config`, `serving_dir` and `baseline`.

        Raises:
          DataError: a split is empty or has an anomaly, and the configuration does not
            say to report only.
        """
        config = GoalpathConfig.model_validate_json(exec_properties[CONFIG])
        statistics = _read_statistics(input_dict)
        counts = {s: example_count(each) for s, each in statistics.items() if s in names.SPLITS}
        if 0 in counts.values():
            raise empty_splits(counts)
        schema_uri = artifact_utils.get_single_uri(input_dict[standard_component_specs.SCHEMA_KEY])
        schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema_uri))
        previous = _previous_statistics(
            choose_baseline(Path(exec_properties[SERVING_DIR]), exec_properties[BASELINE])
        )
        anomalies = validate_splits(statistics, schema, previous)
        output = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.ANOMALIES_KEY]
        )
        found = {split: find(split, each) for split, each in anomalies.items()}
        _write(output, anomalies, found)
        _stop_or_go_on([f for each in found.values() for f in each], config)


def _read_statistics(input_dict: Artifacts) -> dict[str, Statistics]:
    artifact = artifact_utils.get_single_instance(
        input_dict[standard_component_specs.STATISTICS_KEY]
    )
    return {
        split: stats_artifact_utils.load_statistics(artifact, split).proto()
        for split in artifact_utils.decode_split_names(artifact.split_names)
    }


def _previous_statistics(version: Path | None) -> Statistics | None:
    if version is None:
        return None
    return tfdv.load_stats_binary(str(version / names.ASSETS_EXTRA / names.STATISTICS_FILE))


def _write(
    output: types.Artifact, anomalies: dict[str, Any], found: dict[str, list[Finding]]
) -> None:
    output.split_names = artifact_utils.encode_split_names(list(anomalies))
    for split, each in anomalies.items():
        folder = artifact_utils.get_split_uri([output], split)
        writer_utils.write_anomalies(os.path.join(folder, _ANOMALIES_FILE), each)
    output.set_json_value_custom_property(
        _BLESSED, {split: int(not each) for split, each in found.items()}
    )


def _stop_or_go_on(findings: list[Finding], config: GoalpathConfig) -> None:
    for finding in findings:
        logging.warning("%s", finding)
    errors = [finding for finding in findings if finding.stops]
    if errors and config.validation.on_anomaly == "stop":
        raise to_error(errors)
