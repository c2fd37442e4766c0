"""ModelValidator: its channels."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, system_executions

from components.model_validator import executor
from components.model_validator.request import Bounds


class ModelValidatorSpec(types.ComponentSpec):  # type: ignore[misc]
    """What ModelValidator reads and writes."""

    PARAMETERS = {
        executor.MAX_LOAD_SECONDS: component_spec.ExecutionParameter(type=float),
        executor.MAX_MEGABYTES: component_spec.ExecutionParameter(type=float),
        executor.TIMEOUT_SECONDS: component_spec.ExecutionParameter(type=float),
    }
    INPUTS = {
        executor.BUNDLE: component_spec.ChannelParameter(type=standard_artifacts.Model),
        executor.TRAINED_MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
        executor.TRANSFORM_GRAPH: component_spec.ChannelParameter(
            type=standard_artifacts.TransformGraph
        ),
    }
    OUTPUTS = {
        executor.BLESSING: component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing)
    }
    TYPE_ANNOTATION = system_executions.Process


class ModelValidator(base_component.BaseComponent):  # type: ignore[misc]
    """Gives the InfraBlessing that Pusher asks for, or a report that says why not."""

    SPEC_CLASS = ModelValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        bundle: types.BaseChannel,
        trained_model: types.BaseChannel,
        transform_graph: types.BaseChannel,
        bounds: Bounds = Bounds(),  # noqa: B008  frozen
        timeout_seconds: float = 900.0,
    ) -> None:
        """Wires the component.

        Args:
          bundle: of ServingBundle.
          trained_model: of the trainer; the bundle has to hold its very files.
          transform_graph: of Transform; the bundle must not need it.
          bounds: limits to keep.
          timeout_seconds: for the process that inspects.
        """
        super().__init__(
            spec=ModelValidatorSpec(
                bundle=bundle,
                trained_model=trained_model,
                transform_graph=transform_graph,
                max_load_seconds=bounds.load_seconds,
                max_megabytes=bounds.megabytes,
                timeout_seconds=timeout_seconds,
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )
