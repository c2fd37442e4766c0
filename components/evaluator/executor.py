"""Runs TFX's Evaluator with a pushed version as the baseline model."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Final

import tensorflow as tf
from absl import logging
from tfx import types
from tfx.components.evaluator import executor as tfx_executor
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.utils import path_utils

from components.evaluator.attributions import attribute_of, read_spread
from components.evaluator.baseline import (
    BASELINE,
    SERVING_DIR,
    choose_baseline,
    link_baseline,
    missing_features,
)
from components.evaluator.importance import IMPORTANCE_FILE, global_importance
from components.evaluator.peer_thresholds import peer_figures, peers_document, raise_thresholds
from components.evaluator.ranking_metrics import TOP_K
from components.evaluator.simple_peers import PEERS_FILE
from components.model_validator.golden import dense_inputs
from schemas import names
from schemas.config import GoalpathConfig

CONFIG: Final = "config"
BASELINE_VERSION: Final = "baseline_version"
BASELINE_SKIPPED: Final = "baseline_skipped"

Artifacts = dict[str, list[types.Artifact]]


class Executor(tfx_executor.Executor):  # type: ignore[misc]
    """Adds the input `baseline_model` and lets TFX do the rest."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Evaluates `model`, compares it with the baseline, writes the blessing.

        Args:
          input_dict: `examples` and `model`.
          output_dict: `evaluation` and `blessing`. Properties of the blessing:
            `baseline_version`, the version compared with, "" for none, and
            `baseline_skipped`, why a version that is there was not compared with.
            Beside the metrics, `importance.json` is written: see `global_importance`;
            and `simple_peers.json`, where thresholds are raised to what simple peers
            reach.
          exec_properties: TFX's, and `config`, `serving_dir` and `baseline`.

        Raises:
          InputError: the version named is not in `serving_dir`.
        """
        config = GoalpathConfig.model_validate_json(exec_properties[CONFIG])
        serving_dir = Path(exec_properties[SERVING_DIR])
        version = choose_baseline(serving_dir, exec_properties[BASELINE])
        missing = missing_features(version, config) if version else []
        blessing = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.BLESSING_KEY]
        )
        if version and missing:
            reason = f"version {version.name} reads what the Examples lack: {missing}"
            logging.warning("no baseline: %s", reason)
            blessing.set_string_custom_property(BASELINE_SKIPPED, reason)
            version = None
        blessing.set_string_custom_property(BASELINE_VERSION, version.name if version else "")
        if config.evaluation.beat_simple_peers:
            exec_properties = _with_peers(input_dict, output_dict, exec_properties)
        self._evaluate(version, input_dict, output_dict, exec_properties)
        _write_importance(input_dict, output_dict, config)

    def _evaluate(
        self,
        version: Path | None,
        input_dict: Artifacts,
        output_dict: Artifacts,
        exec_properties: dict[str, Any],
    ) -> None:
        with tempfile.TemporaryDirectory(prefix="baseline-") as folder:
            inputs = dict(input_dict)
            if version is not None:
                model = standard_artifacts.Model()
                model.uri = str(link_baseline(version, Path(folder)))
                inputs[standard_component_specs.BASELINE_MODEL_KEY] = [model]
            super().Do(inputs, output_dict, exec_properties)


def _with_peers(
    input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
) -> dict[str, Any]:
    """The properties, with thresholds that the simple peers set."""
    examples = input_dict[standard_component_specs.EXAMPLES_KEY]
    train, evaluation = (
        [f"{artifact_utils.get_split_uri(examples, split)}/*"]
        for split in (names.TRAIN, names.EVAL)
    )
    figures = peer_figures(train, evaluation, TOP_K)
    target = artifact_utils.get_single_uri(output_dict[standard_component_specs.EVALUATION_KEY])
    tf.io.gfile.makedirs(target)
    (Path(target) / PEERS_FILE).write_text(peers_document(figures), encoding="utf-8")
    key = standard_component_specs.EVAL_CONFIG_KEY
    return {**exec_properties, key: raise_thresholds(exec_properties[key], figures)}


def _write_importance(
    input_dict: Artifacts, output_dict: Artifacts, config: GoalpathConfig
) -> None:
    model = artifact_utils.get_single_uri(input_dict[standard_component_specs.MODEL_KEY])
    attribute = attribute_of(path_utils.serving_model_path(model))
    if attribute is None:  # ModelValidator refuses it for that
        logging.warning("no importance of features: the model has no signature `attribute`")
        return
    examples = input_dict[standard_component_specs.EXAMPLES_KEY]
    folder = artifact_utils.get_split_uri(examples, names.EVAL)
    batches = read_spread([f"{folder}/*"], config.evaluation.importance_examples)
    importance = global_importance(attribute, [dense_inputs(batch, config) for batch in batches])
    target = artifact_utils.get_single_uri(output_dict[standard_component_specs.EVALUATION_KEY])
    text = json.dumps(importance, indent=1) + "\n"
    (Path(target) / IMPORTANCE_FILE).write_text(text, encoding="utf-8")
