"""ExampleValidator: TFX's contract, with environments, drift, skew and a stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import (
    component_spec,
    standard_artifacts,
    standard_component_specs,
    system_executions,
)

from components.evaluator.baseline import BASELINE, LATEST, SERVING_DIR
from components.example_validator.executor import CONFIG, Executor


class ExampleValidatorSpec(types.ComponentSpec):  # type: ignore[misc]
    """TFX's channels, and where the last pushed version is."""

    PARAMETERS: ClassVar[Mapping[str, Any]] = {
        CONFIG: component_spec.ExecutionParameter(type=str),
        SERVING_DIR: component_spec.ExecutionParameter(type=str),
        BASELINE: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[Mapping[str, Any]] = {
        standard_component_specs.STATISTICS_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics
        ),
        standard_component_specs.SCHEMA_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Schema
        ),
    }
    OUTPUTS: ClassVar[Mapping[str, Any]] = {
        standard_component_specs.ANOMALIES_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleAnomalies
        ),
    }
    TYPE_ANNOTATION = system_executions.Process


class ExampleValidator(base_component.BaseComponent):  # type: ignore[misc]
    """Validates the statistics of every split, and stops the run on an anomaly.

    TFX's own finds anomalies and goes on; it knows neither the environments of the
    schema, nor the statistics of the last pushed version, nor those to be served.
    """

    SPEC_CLASS = ExampleValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        statistics: types.BaseChannel,
        schema: types.BaseChannel,
        config: str,
        serving_dir: str,
        baseline: str = LATEST,
    ) -> None:
        """Wires the component.

        Args:
          statistics: channel of `ExampleStatistics` of all splits.
          schema: channel of the `Schema`.
          config: JSON of `GoalpathConfig`.
          serving_dir: folder of the pushed versions of the model.
          baseline: `LATEST`, the number of a version, or "" for no drift.
        """
        super().__init__(
            spec=ExampleValidatorSpec(
                statistics=statistics,
                schema=schema,
                config=config,
                serving_dir=serving_dir,
                baseline=baseline,
                anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
            )
        )
