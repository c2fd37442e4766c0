"""DataPreparation: its channels."""

from __future__ import annotations

from typing import TypeAlias

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration import data_types
from tfx.types import component_spec, standard_artifacts, system_executions

from components.artifacts import PreparedTables
from components.data_preparation import executor

Text: TypeAlias = str | data_types.RuntimeParameter
Number: TypeAlias = int | data_types.RuntimeParameter


class DataPreparationSpec(types.ComponentSpec):  # type: ignore[misc]
    """Channels and properties of `DataPreparation`."""

    PARAMETERS = {
        executor.DATA_DIR: component_spec.ExecutionParameter(type=str),
        executor.CONFIG: component_spec.ExecutionParameter(type=str),
        executor.MAX_BAD_ROWS: component_spec.ExecutionParameter(type=int),
    }
    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {
        executor.TABLES: component_spec.ChannelParameter(type=PreparedTables),
        executor.SCHEMA: component_spec.ChannelParameter(type=standard_artifacts.Schema),
    }
    TYPE_ANNOTATION = system_executions.Process


class DataPreparation(base_component.BaseComponent):  # type: ignore[misc]
    """Checks a data folder and writes its accepted rows, and the schema of its Examples.

    `goalpath run` does this before it starts the pipeline. Where there is no command
    line that sees the data, as on Kubeflow, it is the first node.
    """

    SPEC_CLASS = DataPreparationSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, *, data_dir: Text, config: str, max_bad_rows: Number = 0) -> None:
        """Wires the component.

        Args:
          data_dir: folder of an institution, with its tables.
          config: JSON of the `GoalpathConfig`.
          max_bad_rows: rows that may be set aside before the data are refused.
        """
        super().__init__(
            spec=DataPreparationSpec(
                data_dir=data_dir,
                config=config,
                max_bad_rows=max_bad_rows,
                tables=types.Channel(type=PreparedTables),
                schema=types.Channel(type=standard_artifacts.Schema),
            )
        )
