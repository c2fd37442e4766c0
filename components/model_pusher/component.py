"""ModelPusher: its channels."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import (
    component_spec,
    standard_artifacts,
    standard_component_specs,
    system_executions,
)

from components.artifacts import StudentStates, StudentVectors
from components.model_pusher import executor


class ModelPusherSpec(types.ComponentSpec):  # type: ignore[misc]
    """TFX Pusher's channels, the states, and the two folders."""

    PARAMETERS = {
        executor.SERVING_DIR: component_spec.ExecutionParameter(type=str),
        executor.STATES_DIR: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        standard_component_specs.MODEL_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Model
        ),
        executor.STATES: component_spec.ChannelParameter(type=StudentStates),
        executor.VECTORS: component_spec.ChannelParameter(type=StudentVectors),
        standard_component_specs.MODEL_BLESSING_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ModelBlessing
        ),
        standard_component_specs.INFRA_BLESSING_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.InfraBlessing
        ),
    }
    OUTPUTS = {
        standard_component_specs.PUSHED_MODEL_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.PushedModel
        ),
    }
    TYPE_ANNOTATION = system_executions.Deploy


class ModelPusher(base_component.BaseComponent):  # type: ignore[misc]
    """Puts a blessed bundle where it is served from, with its student states."""

    SPEC_CLASS = ModelPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        bundle: types.BaseChannel,
        states: types.BaseChannel,
        vectors: types.BaseChannel,
        model_blessing: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        serving_dir: str,
        states_dir: str,
    ) -> None:
        """Wires the component.

        Args:
          bundle: of ServingBundle.
          states: of EventExampleGen.
          vectors: of ServingBundle.
          model_blessing: of Evaluator.
          infra_blessing: of ModelValidator.
          serving_dir: the model's folder, `OUT/serving/<model_name>`.
          states_dir: `OUT/states`.
        """
        super().__init__(
            spec=ModelPusherSpec(
                model=bundle,
                states=states,
                vectors=vectors,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                serving_dir=serving_dir,
                states_dir=states_dir,
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
