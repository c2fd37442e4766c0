"""The TFX component that makes Examples of a prepared data folder."""

from __future__ import annotations

from typing import TypeAlias

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration import data_types
from tfx.types import component_spec, standard_artifacts

from components import artifacts
from components.event_example_gen import executor

Text: TypeAlias = str | data_types.RuntimeParameter
Number: TypeAlias = int | data_types.RuntimeParameter


class EventExampleGenSpec(types.ComponentSpec):  # type: ignore[misc]
    """Channels and properties of `EventExampleGen`."""

    PARAMETERS = {
        executor.DATA_DIR: component_spec.ExecutionParameter(type=str),
        executor.CONFIG: component_spec.ExecutionParameter(type=str),
        executor.AS_OF: component_spec.ExecutionParameter(type=str),
        executor.WINDOW_DAYS: component_spec.ExecutionParameter(type=int),
        executor.FINGERPRINT: component_spec.ExecutionParameter(type=str),
        executor.CODE: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        executor.TABLES: component_spec.ChannelParameter(
            type=artifacts.PreparedTables, optional=True
        ),
    }
    OUTPUTS = {
        executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        executor.STATES: component_spec.ChannelParameter(type=artifacts.StudentStates),
        executor.CATALOGUE: component_spec.ChannelParameter(type=artifacts.Catalogue),
    }


class EventExampleGen(base_beam_component.BaseBeamComponent):  # type: ignore[misc]
    """Makes time-correct Examples, student states and the catalogue.

    Outputs: `examples` (splits train, calibration, eval and serving), `states` and
    `catalogue`.

    Args:
      data_dir: a folder that `schemas.prepare.prepare_data` wrote. "" with `tables`.
      tables: channel of the `PreparedTables` of DataPreparation, in place of `data_dir`.
      config: JSON of the `GoalpathConfig`.
      as_of: ISO 8601; rows at or after it do not exist. "": one second after the
        latest row.
      window_days: snapshots of the last so many days only. 0: all.
      fingerprint: of the input files, so that the cache knows them.
      code: identity of the code; other code makes new Examples, and from these
        everything else anew.
    """

    SPEC_CLASS = EventExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        *,
        data_dir: Text = "",
        tables: types.BaseChannel | None = None,
        config: Text,
        as_of: Text = "",
        window_days: Number = 0,
        fingerprint: Text = "",
        code: Text = "",
    ) -> None:
        super().__init__(
            EventExampleGenSpec(
                data_dir=data_dir,
                tables=tables,
                config=config,
                as_of=as_of,
                window_days=window_days,
                fingerprint=fingerprint,
                code=code,
                examples=types.Channel(type=standard_artifacts.Examples),
                states=types.Channel(type=artifacts.StudentStates),
                catalogue=types.Channel(type=artifacts.Catalogue),
            )
        )
