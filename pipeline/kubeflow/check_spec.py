"""Looks in a compiled pipeline for everything that is known to break it on Kubeflow.

It needs neither TFX nor KFP, and takes a YAML of any origin.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

import yaml

from pipeline import node_ids
from pipeline.kubeflow.command_line import (
    ENTRYPOINT_COMMAND,
    EXECUTOR_FLAG,
    INPUTS_SPEC_FLAG,
    INVOCATION_FLAG,
    INVOCATION_PLACEHOLDER,
)
from pipeline.kubeflow.platform_spec import PULL_POLICIES
from pipeline.kubeflow.spec_parts import (
    Spec,
    executors,
    flag,
    kubernetes,
    parameters,
    producers,
    tasks,
    typed_artifacts,
)
from pipeline.kubeflow.storage_paths import MOUNTS
from pipeline.kubeflow.traps import Finding, Trap
from schemas import names

SCHEMA_VERSION: Final = "2.1.0"
SUFFIXES: Final = (".yaml", ".yml")
# Argo makes names of templates and of Kubernetes objects of it.
_NODE_ID: Final = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")
_COMPILE_ANEW: Final = "compile it with `goalpath kubeflow compile`"
_FOLDERS: Final = (
    names.DATA_DIR_PARAMETER,
    names.SERVING_DIR_PARAMETER,
    names.STATES_DIR_PARAMETER,
)
# They read or write what no artifact names, so a cache would take old for new.
_UNCACHED: Final = (
    node_ids.DATA_PREPARATION,
    node_ids.EXAMPLE_VALIDATOR,
    node_ids.EVALUATOR,
    node_ids.MODEL_PUSHER,
)


def check_file(path: Path) -> tuple[Finding, ...]:
    """Everything that is wrong with a compiled pipeline.

    Raises:
      OSError: the file cannot be read.
    """
    suffix = () if path.suffix in SUFFIXES else (_wrong_suffix(path),)
    try:
        documents = [each for each in yaml.safe_load_all(path.read_text("utf-8")) if each]
    except (yaml.YAMLError, UnicodeError) as error:
        problem = " ".join(str(error).split())
        return (*suffix, Finding(Trap.NOT_YAML, path.name, problem, _COMPILE_ANEW))
    return (*suffix, *check_documents(documents))


def check_documents(documents: Sequence[object]) -> tuple[Finding, ...]:
    """As `check_file`, for what the file holds."""
    if not documents or not isinstance(documents[0], dict):
        kind = type(documents[0]).__name__ if documents else "nothing"
        return (Finding(Trap.NOT_YAML, "the file", kind, _COMPILE_ANEW),)
    spec: dict[str, Any] = documents[0]
    if "pipelineSpec" in spec:
        remedy = f"KFP takes the bare pipeline spec alone; {_COMPILE_ANEW}"
        return (Finding(Trap.PIPELINE_JOB, "pipelineSpec", "a PipelineJob of Vertex", remedy),)
    if not tasks(spec):
        return (Finding(Trap.DANGLING, "root.dag.tasks", "no node", _COMPILE_ANEW),)
    platform = documents[1] if len(documents) > 1 else {}
    if not isinstance(platform, dict):
        platform = {}
    found = [finding for check in _CHECKS for finding in check(spec)]
    return (*found, *_check_platform(spec, platform), *_check_folders(spec, platform))


def _check_schema_version(spec: Spec) -> Iterator[Finding]:
    version = spec.get("schemaVersion")
    if version != SCHEMA_VERSION:
        yield Finding(
            Trap.SCHEMA_VERSION,
            "schemaVersion",
            repr(version),
            f"KFP's server refuses all but {SCHEMA_VERSION} when it is uploaded",
        )


def _check_resolvers(spec: Spec) -> Iterator[Finding]:
    for label, executor in executors(spec).items():
        if "resolver" in executor:
            yield Finding(
                Trap.RESOLVER,
                label,
                "a TFX Resolver",
                "KFP has none; let the executor find the model, as Evaluator's does",
            )


def _check_node_ids(spec: Spec) -> Iterator[Finding]:
    for node in sorted({*tasks(spec), *spec.get("components", {})}):
        if not _NODE_ID.fullmatch(node):
            yield Finding(
                Trap.NODE_ID, node, repr(node), "Argo takes letters, digits and -; use with_id()"
            )


def _check_references(spec: Spec) -> Iterator[Finding]:
    nodes, components = tasks(spec), spec.get("components", {})
    for node, task in nodes.items():
        component = task.get("componentRef", {}).get("name")
        label = components.get(component, {}).get("executorLabel")
        if label not in executors(spec):
            yield Finding(Trap.DANGLING, node, f"no executor {label!r}", _COMPILE_ANEW)
        for producer in sorted(producers(task)):
            if producer not in nodes:
                yield Finding(Trap.DANGLING, node, f"no node {producer!r}", _COMPILE_ANEW)


def _check_containers(spec: Spec) -> Iterator[Finding]:
    for label, executor in executors(spec).items():
        container = executor.get("container")
        if container is None:
            continue
        yield from _check_image(label, str(container.get("image", "")))
        yield from _check_command(label, container)
        if "lifecycle" in container:
            yield Finding(
                Trap.DRIVER,
                label,
                "a driver to run before",
                "KFP runs none, so spans and fingerprints stay unknown; give dates as parameters",
            )


def _check_image(label: str, image: str) -> Iterator[Finding]:
    name = image.rsplit("/", 1)[-1]
    if not image or name.startswith("tfx:"):
        yield Finding(Trap.IMAGE, label, repr(image), "set `image` to one that has goalpath in it")


def _check_command(label: str, container: Spec) -> Iterator[Finding]:
    command, arguments = container.get("command", []), container.get("args", [])
    if tuple(command) != ENTRYPOINT_COMMAND:
        yield Finding(
            Trap.ENTRYPOINT,
            label,
            " ".join(map(str, command)) or "no command",
            "TFX's own fails at KFP's executor-logs, empty types and minio:// addresses; run "
            + " ".join(ENTRYPOINT_COMMAND),
        )
    if flag(arguments, EXECUTOR_FLAG) is None or (
        flag(arguments, INVOCATION_FLAG) != INVOCATION_PLACEHOLDER
    ):
        yield Finding(
            Trap.ENTRYPOINT,
            label,
            f"no {EXECUTOR_FLAG} or no {INVOCATION_FLAG} {INVOCATION_PLACEHOLDER}",
            _COMPILE_ANEW,
        )


def _check_input_types(spec: Spec) -> Iterator[Finding]:
    for node, task in tasks(spec).items():
        component = spec.get("components", {}).get(task.get("componentRef", {}).get("name"), {})
        wanted = set(component.get("inputDefinitions", {}).get("artifacts", {}))
        container = executors(spec).get(component.get("executorLabel"), {}).get("container")
        if container is None:
            continue
        given = flag(container.get("args", []), INPUTS_SPEC_FLAG) or "{}"
        missing = sorted(wanted - typed_artifacts(given))
        if missing:
            yield Finding(
                Trap.INPUT_TYPES,
                node,
                f"no type of {', '.join(missing)} in {INPUTS_SPEC_FLAG}",
                "KFP hands over inputs without their types; compile for pipeline spec 2.1",
            )


def _check_tasks(spec: Spec) -> Iterator[Finding]:
    for node, task in tasks(spec).items():
        if node in _UNCACHED and task.get("cachingOptions", {}).get("enableCache"):
            yield Finding(
                Trap.CACHED_SIDE_EFFECT,
                node,
                "enableCache: true",
                "it depends on what no artifact names; leave its cache off",
            )
        for name, value in task.get("inputs", {}).get("parameters", {}).items():
            constant = value.get("runtimeValue", {}).get("constant")
            packed = name == "module_path" and "@" in str(constant)
            if constant and (name == "module_file" or packed):
                yield Finding(
                    Trap.MODULE_FILE,
                    f"{node}.{name}",
                    repr(constant),
                    "the file is on the machine that compiled; name a function of the image",
                )


def _check_parameters(spec: Spec) -> Iterator[Finding]:
    declared = parameters(spec)
    for name, definition in declared.items():
        if "defaultValue" not in definition:
            yield Finding(
                Trap.PARAMETER_DEFAULT,
                name,
                "no default",
                "TFX leaves it out, and every run and schedule then has to pass a value",
            )
    for node, task in tasks(spec).items():
        for name, value in task.get("inputs", {}).get("parameters", {}).items():
            asked = value.get("componentInputParameter")
            if asked is not None and asked not in declared:
                yield Finding(
                    Trap.DANGLING, f"{node}.{name}", f"no parameter {asked!r}", _COMPILE_ANEW
                )


_CHECKS: Final[tuple[Callable[[Spec], Iterator[Finding]], ...]] = (
    _check_schema_version,
    _check_resolvers,
    _check_node_ids,
    _check_references,
    _check_containers,
    _check_input_types,
    _check_tasks,
    _check_parameters,
)


def _check_platform(spec: Spec, platform: Spec) -> Iterator[Finding]:
    known = executors(spec)
    for label, config in kubernetes(platform).items():
        if label not in known:
            yield Finding(Trap.PLATFORM, label, "settings of no executor", _COMPILE_ANEW)
        for mount in config.get("pvcMount", []):
            if not mount.get("constant") or not mount.get("mountPath"):
                yield Finding(
                    Trap.PLATFORM, label, json.dumps(mount), "give `constant` and `mountPath`"
                )
        for secret in config.get("secretAsEnv", []):
            if not secret.get("secretName") or not secret.get("keyToEnv"):
                yield Finding(
                    Trap.PLATFORM, label, json.dumps(secret), "give `secretName` and `keyToEnv`"
                )
        policy = config.get("imagePullPolicy", PULL_POLICIES[0])
        if policy not in PULL_POLICIES:
            yield Finding(
                Trap.PLATFORM, label, repr(policy), f"use one of {', '.join(PULL_POLICIES)}"
            )


def _check_folders(spec: Spec, platform: Spec) -> Iterator[Finding]:
    """Folders that are given to nodes must be on volumes that those nodes have."""
    defaults = {name: each.get("defaultValue") for name, each in parameters(spec).items()}
    for node, task in tasks(spec).items():
        component = spec.get("components", {}).get(task.get("componentRef", {}).get("name"), {})
        config = kubernetes(platform).get(component.get("executorLabel"), {})
        mounts = [str(mount.get("mountPath")) for mount in config.get("pvcMount", [])]
        for name, value in task.get("inputs", {}).get("parameters", {}).items():
            folder = value.get("runtimeValue", {}).get("constant") or defaults.get(
                value.get("componentInputParameter")
            )
            if name in _FOLDERS and folder and not _is_below(str(folder), mounts):
                yield Finding(
                    Trap.LOST_OUTPUT,
                    f"{node}.{name}",
                    f"{folder}, with volumes at {', '.join(mounts) or 'no path'}",
                    "what is elsewhere in a pod is lost with it; mount a volume there",
                )


def _is_below(folder: str, mounts: Iterable[str]) -> bool:
    if folder.partition("://")[0] in MOUNTS:  # goalpath does no traffic with object stores
        return False
    return any(PurePosixPath(folder).is_relative_to(PurePosixPath(mount)) for mount in mounts)


def _wrong_suffix(path: Path) -> Finding:
    return Finding(
        Trap.FILE_SUFFIX,
        path.name,
        path.suffix or "no suffix",
        f"KFP's server tells the kind of a file by it; call it *{SUFFIXES[0]}",
    )
