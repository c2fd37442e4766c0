"""Evaluator: TFX's own, with a pushed version as the baseline model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import tensorflow_model_analysis as tfma
from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import (
    component_spec,
    standard_artifacts,
    standard_component_specs,
    system_executions,
)
from tfx.utils import json_utils

from components.evaluator.baseline import BASELINE, LATEST, SERVING_DIR
from components.evaluator.executor import CONFIG, Executor
from schemas import names


class EvaluatorSpec(types.ComponentSpec):  # type: ignore[misc]
    """TFX's channels, and where the baseline is."""

    PARAMETERS: ClassVar[Mapping[str, Any]] = {
        standard_component_specs.EVAL_CONFIG_KEY: component_spec.ExecutionParameter(
            type=tfma.EvalConfig
        ),
        standard_component_specs.EXAMPLE_SPLITS_KEY: component_spec.ExecutionParameter(type=str),
        standard_component_specs.MODULE_PATH_KEY: component_spec.ExecutionParameter(type=str),
        CONFIG: component_spec.ExecutionParameter(type=str),
        SERVING_DIR: component_spec.ExecutionParameter(type=str),
        BASELINE: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[Mapping[str, Any]] = {
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Examples
        ),
        standard_component_specs.MODEL_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Model
        ),
    }
    OUTPUTS: ClassVar[Mapping[str, Any]] = {
        standard_component_specs.EVALUATION_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ModelEvaluation
        ),
        standard_component_specs.BLESSING_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ModelBlessing
        ),
    }
    TYPE_ANNOTATION = system_executions.Evaluate


class Evaluator(base_beam_component.BaseBeamComponent):  # type: ignore[misc]
    """Measures the three heads and blesses the model, or does not.

    A Resolver would find the baseline through ML Metadata, which Kubeflow Pipelines
    refuses; and what was blessed is not always what is served. So the executor takes
    the baseline from where Pusher puts versions. The schema is no input: TFMA slices
    every ragged feature of a schema row by row.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        eval_config: tfma.EvalConfig,
        config: str,
        serving_dir: str,
        baseline: str = LATEST,
    ) -> None:
        """Wires the component.

        Args:
          examples: channel of `Examples` with an evaluation split.
          model: channel of the `Model` to bless.
          eval_config: see `pipeline.eval_config`.
          config: JSON of `GoalpathConfig`.
          serving_dir: folder of the pushed versions of the model.
          baseline: `LATEST`, the number of a version, or "" for none. What lies in
            `serving_dir` is not in the cache key: with a number, the cache knows it.
        """
        super().__init__(
            spec=EvaluatorSpec(
                examples=examples,
                model=model,
                eval_config=eval_config,
                example_splits=json_utils.dumps([names.EVAL]),
                module_path="components.evaluator.extractors",
                config=config,
                serving_dir=serving_dir,
                baseline=baseline,
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )
