"""ServingBundle: its channels."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration import data_types
from tfx.types import component_spec, standard_artifacts, system_executions

from components.artifacts import Catalogue, ConversionPatterns, StudentStates, StudentVectors
from components.serving_bundle import executor


class ServingBundleSpec(types.ComponentSpec):  # type: ignore[misc]
    """What ServingBundle reads and writes."""

    PARAMETERS = {
        executor.CONFIG: component_spec.ExecutionParameter(type=str),
        executor.INPUTS: component_spec.ExecutionParameter(type=str),
        executor.EPOCHS: component_spec.ExecutionParameter(type=int),
    }
    INPUTS = {
        executor.MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
        executor.PATTERNS: component_spec.ChannelParameter(type=ConversionPatterns),
        executor.CATALOGUE: component_spec.ChannelParameter(type=Catalogue),
        executor.STATES: component_spec.ChannelParameter(type=StudentStates),
        executor.STATISTICS: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics
        ),
        executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {
        executor.BUNDLE: component_spec.ChannelParameter(type=standard_artifacts.Model),
        executor.VECTORS: component_spec.ChannelParameter(type=StudentVectors),
    }
    TYPE_ANNOTATION = system_executions.Process


class ServingBundle(base_component.BaseComponent):  # type: ignore[misc]
    """Puts together the one directory that is evaluated, validated and pushed."""

    SPEC_CLASS = ServingBundleSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        patterns: types.BaseChannel,
        catalogue: types.BaseChannel,
        states: types.BaseChannel,
        statistics: types.BaseChannel,
        examples: types.BaseChannel,
        config: str,
        inputs: str = "",
        epochs: int | data_types.RuntimeParameter = 0,
    ) -> None:
        """Wires the component.

        Args:
          model: GoalCalibrator's `Model`.
          patterns: of ConversionPatterns.
          catalogue: of EventExampleGen.
          states: of EventExampleGen.
          statistics: of StatisticsGen; the training split's are kept for drift.
          examples: of EventExampleGen; its summary goes into card and manifest.
          config: JSON of `GoalpathConfig`.
          inputs: name of all that the model is made from; see `pipeline.run_history`.
          epochs: as ModelTrainer got them.
        """
        super().__init__(
            spec=ServingBundleSpec(
                model=model,
                patterns=patterns,
                catalogue=catalogue,
                states=states,
                statistics=statistics,
                examples=examples,
                config=config,
                inputs=inputs,
                epochs=epochs,
                bundle=types.Channel(type=standard_artifacts.Model),
                vectors=types.Channel(type=StudentVectors),
            )
        )
