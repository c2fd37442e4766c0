"""Adds to TFX's pipeline spec what TFX leaves out and Kubeflow Pipelines takes.

A spec is what its YAML holds: mappings with the names of `pipeline_spec.proto` in camel
case. Functions return a new one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pipeline.kubeflow.run_parameters import RunParameter
from schemas.kubeflow_config import KubeflowConfig, ResourcesConfig, RetriesConfig

Spec = dict[str, Any]
# KFP counts memory in units of 10^9 bytes, and makes of 4 "4G".
_GB_IN_GIB: Final = 1.073741824


def finish_spec(
    spec: Mapping[str, Any], parameters: Sequence[RunParameter], kubeflow: KubeflowConfig
) -> Spec:
    """The spec with defaults, resources and retries.

    Args:
      spec: of `KubeflowV2DagRunner`.
      parameters: of a run, all of them declared in `spec`.
      kubeflow: the settings.
    """
    finished = copy.deepcopy(dict(spec))
    finished["root"]["inputDefinitions"] = {"parameters": _definitions(parameters)}
    if kubeflow.pipeline_root:
        finished["defaultPipelineRoot"] = kubeflow.pipeline_root
    for node, task in finished["root"]["dag"]["tasks"].items():
        task.pop("cachingOptions", None)
        if kubeflow.retries.count:
            task["retryPolicy"] = _retry_policy(kubeflow.retries)
        container = container_of(finished, node)
        if resources := _resources(kubeflow.resources_of(node)):
            container["resources"] = resources
    return finished


def node_ids(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the nodes, sorted."""
    return tuple(sorted(spec["root"]["dag"]["tasks"]))


def container_of(spec: Mapping[str, Any], node: str) -> dict[str, Any]:
    """What runs a node."""
    container: dict[str, Any] = spec["deploymentSpec"]["executors"][executor_label(spec, node)][
        "container"
    ]
    return container


def executor_label(spec: Mapping[str, Any], node: str) -> str:
    """The name under which the deployment knows a node."""
    component = spec["root"]["dag"]["tasks"][node]["componentRef"]["name"]
    return str(spec["components"][component]["executorLabel"])


def _definitions(parameters: Iterable[RunParameter]) -> dict[str, Any]:
    # TFX writes no defaults; and a parameter with one that is not marked optional is
    # asked for all the same.
    return {
        each.name: {
            "parameterType": each.kind,
            "defaultValue": each.default,
            "isOptional": True,
            "description": each.description,
        }
        for each in parameters
    }


def _retry_policy(retries: RetriesConfig) -> dict[str, Any]:
    return {
        "maxRetryCount": retries.count,
        "backoffDuration": f"{retries.backoff_seconds}s",
        "backoffFactor": retries.backoff_factor,
        "backoffMaxDuration": f"{retries.backoff_max_seconds}s",
    }


def _resources(resources: ResourcesConfig) -> dict[str, float]:
    found: dict[str, float] = {}
    if resources.cpu:
        found |= {"cpuRequest": resources.cpu, "cpuLimit": resources.cpu}
    if resources.memory_gib:
        memory = round(resources.memory_gib * _GB_IN_GIB, 3)
        found |= {"memoryRequest": memory, "memoryLimit": memory}
    return found
