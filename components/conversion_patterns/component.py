"""ConversionPatterns: its channels."""

from __future__ import annotations

from typing import TypeAlias

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration import data_types
from tfx.types import component_spec, standard_artifacts

from components import artifacts
from components.conversion_patterns import executor

Text: TypeAlias = str | data_types.RuntimeParameter
Number: TypeAlias = int | data_types.RuntimeParameter


class ConversionPatternsSpec(types.ComponentSpec):  # type: ignore[misc]
    """Channels and properties of `ConversionPatterns`."""

    PARAMETERS = {
        executor.DATA_DIR: component_spec.ExecutionParameter(type=str),
        executor.CONFIG: component_spec.ExecutionParameter(type=str),
        executor.WINDOW_DAYS: component_spec.ExecutionParameter(type=int),
    }
    INPUTS = {
        executor.MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
        executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        executor.TABLES: component_spec.ChannelParameter(
            type=artifacts.PreparedTables, optional=True
        ),
    }
    OUTPUTS = {
        executor.PATTERNS: component_spec.ChannelParameter(type=artifacts.ConversionPatterns)
    }


class ConversionPatterns(base_beam_component.BaseBeamComponent):  # type: ignore[misc]
    """Counts what training students did in training time.

    Output: `patterns`.
    """

    SPEC_CLASS = ConversionPatternsSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        *,
        model: types.BaseChannel,
        examples: types.BaseChannel,
        config: Text,
        data_dir: Text = "",
        tables: types.BaseChannel | None = None,
        window_days: Number = 0,
    ) -> None:
        """Wires the component.

        Args:
          model: the trainer's `Model`; its student embedding makes the clusters.
          examples: of EventExampleGen; their summary says how they were split.
          config: JSON of `GoalpathConfig`.
          data_dir: as EventExampleGen got it. "" with `tables`.
          tables: likewise.
          window_days: as EventExampleGen got it.
        """
        super().__init__(
            ConversionPatternsSpec(
                model=model,
                examples=examples,
                config=config,
                data_dir=data_dir,
                tables=tables,
                window_days=window_days,
                patterns=types.Channel(type=artifacts.ConversionPatterns),
            )
        )
