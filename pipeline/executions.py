"""What ML Metadata knows of a run: executions, their artifacts, whether cached."""

from __future__ import annotations

import dataclasses
import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata as tfx_metadata

_RUN_CONTEXT: Final = "pipeline_run"
_NODE_CONTEXT: Final = "node"
_DONE: Final = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)
_OPEN: Final = (metadata_store_pb2.Execution.NEW, metadata_store_pb2.Execution.RUNNING)


@dataclasses.dataclass(frozen=True)
class OutputArtifact:
    """An artifact that a node put out.

    Attributes:
      uri: its folder.
      properties: properties and custom properties together.
    """

    uri: Path
    properties: Mapping[str, str | int | float]


@dataclasses.dataclass(frozen=True)
class NodeExecution:
    """The execution of a node in one run.

    Attributes:
      node: its id.
      cached: its outputs are those of an earlier execution.
      done: it came to its end.
      outputs: output key -> artifact.
    """

    node: str
    cached: bool
    done: bool
    outputs: Mapping[str, OutputArtifact]


def open_store(path: Path) -> metadata_store.MetadataStore:
    """The ML Metadata store in the SQLite file at `path`, made where it is not there."""
    return metadata_store.MetadataStore(tfx_metadata.sqlite_metadata_connection_config(str(path)))


def run_executions(
    store: metadata_store.MetadataStore, pipeline_name: str, run_id: str
) -> dict[str, NodeExecution]:
    """The executions of a run by node id; empty where the run is not known."""
    context = store.get_context_by_type_and_name(_RUN_CONTEXT, run_id)
    if context is None:
        return {}
    found = {}
    for execution in store.get_executions_by_context(context.id):
        node = _node_of(store, execution, pipeline_name)
        found[node] = NodeExecution(
            node=node,
            cached=execution.last_known_state == metadata_store_pb2.Execution.CACHED,
            done=execution.last_known_state in _DONE,
            outputs=_outputs(store, execution),
        )
    return found


def remove_dead(store: metadata_store.MetadataStore, pipeline_root: Path) -> None:
    """Closes the executions that a killed run left open, and removes their folders.

    Call it only while no run of this store is going on.
    """
    dead = [e for e in store.get_executions() if e.last_known_state in _OPEN]
    for execution in dead:
        execution.last_known_state = metadata_store_pb2.Execution.FAILED
        for pattern in (f"*/*/{execution.id}", f"*/.system/*/{execution.id}"):
            for folder in pipeline_root.glob(pattern):
                shutil.rmtree(folder, ignore_errors=True)
    if dead:
        store.put_executions(dead)


def _node_of(
    store: metadata_store.MetadataStore,
    execution: metadata_store_pb2.Execution,
    pipeline_name: str,
) -> str:
    names = [
        context.name
        for context in store.get_contexts_by_execution(execution.id)
        if context.type == _NODE_CONTEXT
    ]
    return str(names[0]).removeprefix(f"{pipeline_name}.")


def _outputs(
    store: metadata_store.MetadataStore, execution: metadata_store_pb2.Execution
) -> dict[str, OutputArtifact]:
    ids: dict[str, list[int]] = defaultdict(list)
    for event in store.get_events_by_execution_ids([execution.id]):
        if event.type == metadata_store_pb2.Event.OUTPUT:
            ids[event.path.steps[0].key].append(event.artifact_id)
    return {
        key: _artifact(artifact)
        for key, each in ids.items()
        for artifact in store.get_artifacts_by_id(each[:1])
    }


def _artifact(artifact: metadata_store_pb2.Artifact) -> OutputArtifact:
    values = {
        name: getattr(value, value.WhichOneof("value"))
        for group in (artifact.properties, artifact.custom_properties)
        for name, value in group.items()
        if value.WhichOneof("value") in ("int_value", "double_value", "string_value")
    }
    return OutputArtifact(uri=Path(artifact.uri), properties=values)
