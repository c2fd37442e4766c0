"""GoalCalibrator: its channels."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, system_executions

from components.artifacts import ConversionPatterns
from components.goal_calibrator import executor


class GoalCalibratorSpec(types.ComponentSpec):  # type: ignore[misc]
    """What GoalCalibrator reads and writes."""

    PARAMETERS = {executor.CONFIG: component_spec.ExecutionParameter(type=str)}
    INPUTS = {
        executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        executor.TRAINED_MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
        executor.PATTERNS: component_spec.ChannelParameter(type=ConversionPatterns),
    }
    OUTPUTS = {executor.MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model)}
    TYPE_ANNOTATION = system_executions.Train


class GoalCalibrator(base_component.BaseComponent):  # type: ignore[misc]
    """Fits the goal synthesis on the calibration split, and adds the signature `goal`."""

    SPEC_CLASS = GoalCalibratorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        trained_model: types.BaseChannel,
        patterns: types.BaseChannel,
        config: str,
    ) -> None:
        """Wires the component.

        Args:
          examples: with training and calibration splits.
          trained_model: the trainer's `Model`.
          patterns: of ConversionPatterns.
          config: JSON of `GoalpathConfig`.
        """
        super().__init__(
            spec=GoalCalibratorSpec(
                examples=examples,
                trained_model=trained_model,
                patterns=patterns,
                config=config,
                model=types.Channel(type=standard_artifacts.Model),
            )
        )
