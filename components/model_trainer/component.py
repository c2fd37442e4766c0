"""ModelTrainer: its channels."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration import data_types
from tfx.proto import trainer_pb2
from tfx.types import (
    component_spec,
    standard_artifacts,
    standard_component_specs,
    system_executions,
)
from tfx.utils import json_utils

from components.artifacts import Catalogue
from components.evaluator.baseline import BASELINE, SERVING_DIR
from components.model_trainer import executor
from schemas import names


class ModelTrainerSpec(types.ComponentSpec):  # type: ignore[misc]
    """TFX's channels and parameters, and the catalogue."""

    PARAMETERS = {
        standard_component_specs.TRAIN_ARGS_KEY: component_spec.ExecutionParameter(
            type=trainer_pb2.TrainArgs
        ),
        standard_component_specs.EVAL_ARGS_KEY: component_spec.ExecutionParameter(
            type=trainer_pb2.EvalArgs
        ),
        standard_component_specs.RUN_FN_KEY: component_spec.ExecutionParameter(type=str),
        standard_component_specs.CUSTOM_CONFIG_KEY: component_spec.ExecutionParameter(type=str),
        executor.EPOCHS: component_spec.ExecutionParameter(type=int),
        SERVING_DIR: component_spec.ExecutionParameter(type=str),
        BASELINE: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Examples
        ),
        standard_component_specs.SCHEMA_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Schema
        ),
        standard_component_specs.TRANSFORM_GRAPH_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.TransformGraph
        ),
        executor.CATALOGUE: component_spec.ChannelParameter(type=Catalogue),
    }
    OUTPUTS = {
        standard_component_specs.MODEL_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Model
        ),
        standard_component_specs.MODEL_RUN_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ModelRun
        ),
    }
    TYPE_ANNOTATION = system_executions.Train


class ModelTrainer(base_component.BaseComponent):  # type: ignore[misc]
    """Trains on the training split, stops early by the calibration split, exports.

    TFX's Trainer has no channel for the catalogue, which the exported model answers
    `recommend` from.
    """

    SPEC_CLASS = ModelTrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        schema: types.BaseChannel,
        transform_graph: types.BaseChannel,
        catalogue: types.BaseChannel,
        run_fn: str,
        config: str,
        epochs: int | data_types.RuntimeParameter = 0,
        serving_dir: str | data_types.RuntimeParameter = "",
        begin_from: str = "",
    ) -> None:
        """Wires the component.

        Args:
          examples: channel of `Examples` with training and calibration splits.
          schema: channel of the `Schema` of the Examples.
          transform_graph: channel of Transform's `TransformGraph`.
          catalogue: channel of `Catalogue`.
          run_fn: dotted path of the training function.
          config: JSON of `GoalpathConfig`.
          epochs: in place of those of the configuration; 0: as configured.
          serving_dir: folder of the pushed versions; read for a warm start alone.
          begin_from: the version whose weights to begin from: `LATEST`, a number, or ""
            for random weights.
        """
        super().__init__(
            spec=ModelTrainerSpec(
                examples=examples,
                schema=schema,
                transform_graph=transform_graph,
                catalogue=catalogue,
                train_args=trainer_pb2.TrainArgs(splits=[names.TRAIN]),
                eval_args=trainer_pb2.EvalArgs(splits=[names.CALIBRATION]),
                run_fn=run_fn,
                custom_config=json_utils.dumps({executor.CONFIG: config}),
                epochs=epochs,
                serving_dir=serving_dir,
                baseline=begin_from,
                model=types.Channel(type=standard_artifacts.Model),
                model_run=types.Channel(type=standard_artifacts.ModelRun),
            )
        )
