"""Where things are in a compiled pipeline, that may be broken in any way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

Spec = Mapping[str, Any]
PLATFORM: Final = "kubernetes"


def tasks(spec: Spec) -> dict[str, Any]:
    """Node -> its task."""
    tasks: dict[str, Any] = spec.get("root", {}).get("dag", {}).get("tasks", {})
    return tasks


def executors(spec: Spec) -> dict[str, Any]:
    """Label -> what runs a component."""
    executors: dict[str, Any] = spec.get("deploymentSpec", {}).get("executors", {})
    return executors


def parameters(spec: Spec) -> dict[str, Any]:
    """Name -> a parameter of a run."""
    definitions = spec.get("root", {}).get("inputDefinitions", {})
    parameters: dict[str, Any] = definitions.get("parameters", {})
    return parameters


def kubernetes(platform: Spec) -> dict[str, Any]:
    """Label -> the settings of the platform document."""
    deployment = platform.get("platforms", {}).get(PLATFORM, {}).get("deploymentSpec", {})
    executors: dict[str, Any] = deployment.get("executors", {})
    return executors


def producers(task: Spec) -> set[str]:
    """The nodes that a task names."""
    artifacts = task.get("inputs", {}).get("artifacts", {}).values()
    named = {each.get("taskOutputArtifact", {}).get("producerTask") for each in artifacts}
    return {str(each) for each in (*named, *task.get("dependentTasks", [])) if each}


def flag(arguments: Sequence[str], flag: str) -> str | None:
    """The argument after `flag`; None where it is missing."""
    if flag not in arguments:
        return None
    rest = arguments[list(arguments).index(flag) + 1 :]
    return rest[0] if rest else None


def typed_artifacts(inputs_spec: str) -> set[str]:
    """The channels whose type is in the JSON of a `ComponentInputsSpec`."""
    try:
        artifacts = json.loads(inputs_spec).get("artifacts", {})
    except (ValueError, AttributeError):
        return set()
    return {key for key, each in artifacts.items() if any(each.get("artifactType", {}).values())}
