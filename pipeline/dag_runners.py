"""Run the nodes of a pipeline in this process, by Beam or one after the other."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import fn_runner
from tfx.dsl.compiler import constants
from tfx.orchestration import metadata
from tfx.orchestration.beam import beam_dag_runner
from tfx.orchestration.local import local_dag_runner, runner_utils
from tfx.orchestration.portable import inputs_utils, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from pipeline.executions import open_store, run_executions
from pipeline.node_events import EventLog, Happening, observe
from pipeline.runner_names import BEAM


class ObservedNode(beam_dag_runner.PipelineNodeAsDoFn):  # type: ignore[misc]
    """Runs a node through TFX's launcher, and writes down when and how it went."""

    def __init__(self, event_log: EventLog, **node: Any) -> None:
        super().__init__(**node)
        self._event_log = event_log

    def _run_node(self) -> None:
        observe(self._launch, self._node_id, self._event_log, time.time, self._input_bytes())

    def _launch(self) -> Happening:
        super()._run_node()
        store = open_store(Path(self._mlmd_connection_config.sqlite.filename_uri))
        run_id = self._pipeline_runtime_spec.pipeline_run_id.field_value.string_value
        execution = run_executions(store, self._pipeline_info.id, run_id).get(self._node_id)
        return Happening.CACHED if execution and execution.cached else Happening.RAN

    def _input_bytes(self) -> int | None:
        with metadata.Metadata(self._mlmd_connection_config) as handle:
            resolved = inputs_utils.resolve_input_artifacts(
                pipeline_node=self._pipeline_node, metadata_handle=handle
            )
        artifacts = [
            artifact for inputs in resolved[:1] for each in inputs.values() for artifact in each
        ]
        if not artifacts:
            return None
        return sum(folder_bytes(Path(artifact.uri)) for artifact in artifacts)


class BeamRunner(beam_dag_runner.BeamDagRunner):  # type: ignore[misc]
    """Beam schedules the nodes.

    TFX's own names no Beam runner. Since 2.60 or so the default one first tries to
    download Prism, a server written in Go; so this one names the runner.
    """

    def __new__(cls, event_log: EventLog, run_id: str) -> BeamRunner:
        """TFX's takes other arguments here."""
        runner: BeamRunner = object.__new__(cls)
        return runner

    def __init__(self, event_log: EventLog, run_id: str) -> None:
        """Args: where events go, and the name of the run in ML Metadata."""
        super().__init__()
        self._event_log = event_log
        self._run_id = run_id

    def run_with_ir(
        self, pipeline: pipeline_pb2.Pipeline, run_options: pipeline_pb2.RunOptions | None = None
    ) -> None:
        """Runs all nodes, each after those it depends on.

        Raises:
          RuntimeError: a node failed; the cause is in the event log.
        """
        signals: dict[str, beam.PCollection] = {}
        with beam.Pipeline(runner=fn_runner.FnApiRunner()) as graph:
            root = graph | "Start" >> beam.Create([None])
            for spec, node in observed_nodes(pipeline, self._event_log, self._run_id):
                waits = [beam.pvalue.AsIter(signals[each]) for each in spec.upstream_nodes]
                node_id = spec.node_info.id
                signals[node_id] = root | f"Run[{node_id}]" >> beam.ParDo(node, *waits)


class LocalRunner(local_dag_runner.LocalDagRunner):  # type: ignore[misc]
    """Nodes run one after the other, without Beam around them."""

    def __init__(self, event_log: EventLog, run_id: str) -> None:
        """Args: where events go, and the name of the run in ML Metadata."""
        super().__init__()
        self._event_log = event_log
        self._run_id = run_id

    def run_with_ir(
        self, pipeline: pipeline_pb2.Pipeline, run_options: pipeline_pb2.RunOptions | None = None
    ) -> None:
        """Runs all nodes in topological order.

        Raises:
          Exception: what a node raised.
        """
        for _, node in observed_nodes(pipeline, self._event_log, self._run_id):
            node.process(None)


def new_runner(name: str, event_log: EventLog, run_id: str) -> BeamRunner | LocalRunner:
    """The runner called `name`, one of `runner_names.RUNNERS`."""
    if name == BEAM:
        return BeamRunner(event_log, run_id)
    return LocalRunner(event_log, run_id)


def observed_nodes(
    pipeline: pipeline_pb2.Pipeline, event_log: EventLog, run_id: str
) -> Iterator[tuple[pipeline_pb2.PipelineNode, ObservedNode]]:
    """The nodes of a compiled pipeline in topological order, ready to run."""
    runtime_parameter_utils.substitute_runtime_parameter(
        pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
    )
    deployment = runner_utils.extract_local_deployment_config(pipeline)
    connection = deployment.metadata_connection_config
    new_node = functools.partial(
        ObservedNode,
        event_log,
        mlmd_connection_config=getattr(connection, connection.WhichOneof("connection_config")),
        pipeline_info=pipeline.pipeline_info,
        pipeline_runtime_spec=pipeline.runtime_spec,
        deployment_config=deployment,
        pipeline=pipeline,
    )
    for each in pipeline.nodes:
        spec = each.pipeline_node
        node_id = spec.node_info.id
        yield (
            spec,
            new_node(
                pipeline_node=spec,
                executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
                custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
            ),
        )


def folder_bytes(folder: Path) -> int:
    """The size of all files below `folder`, in bytes."""
    return sum(
        (Path(root) / name).stat().st_size for root, _, names in os.walk(folder) for name in names
    )
