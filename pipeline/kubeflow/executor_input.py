"""Makes of what KFP hands to a container what TFX's entrypoint can read, and back.

Both are the JSON of messages of `pipeline_spec.proto`, in camel case.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from pipeline.kubeflow.storage_paths import to_path, to_uri
from schemas.errors import GoalpathError

Message = dict[str, Any]
# The prefix of the types of `components.artifacts`, and the module that they are in.
_OWN_PREFIX: Final = "goalpath."
_OWN_MODULE: Final = "components.artifacts."
# KFP's driver adds an output for the log, of a type that TFX does not have.
_LOGS: Final = "executor-logs"
_KFP_PREFIX: Final = "system."


class ExecutorInputError(GoalpathError):
    """KFP handed over what this goalpath does not understand."""


def readable_input(
    executor_input: Mapping[str, Any], inputs_spec: Mapping[str, Any], root: Path
) -> Message:
    """The executor input as TFX reads it.

    Outputs that are KFP's own are dropped, missing types of inputs are taken from
    `inputs_spec`, our types are named by where they are, and addresses in an object store
    become paths.

    Args:
      executor_input: JSON of `ExecutorInput`.
      inputs_spec: JSON of `ComponentInputsSpec`, as it was compiled.
      root: of the file system.

    Raises:
      ExecutorInputError: the type of an artifact is in neither.
    """
    message = copy.deepcopy(dict(executor_input))
    outputs = message.get("outputs", {}).get("artifacts", {})
    for key in [key for key, artifacts in outputs.items() if _is_kfps(key, artifacts)]:
        del outputs[key]
    declared = inputs_spec.get("artifacts", {})
    for key, artifact in _artifacts(message.get("inputs", {})):
        title = _title(artifact.get("type")) or _title(declared.get(key, {}).get("artifactType"))
        _rewrite(artifact, key, title, root)
    for key, artifact in _artifacts(message.get("outputs", {})):
        _rewrite(artifact, key, _title(artifact.get("type")), root)
    return message


def reported_output(executor_output: Mapping[str, Any], root: Path) -> Message:
    """The executor output as KFP's launcher reads it: paths become addresses again.

    So do those in the properties of artifacts, which outlive the container.

    Args:
      executor_output: JSON of `ExecutorOutput`.
      root: of the file system.
    """
    message = copy.deepcopy(dict(executor_output))
    for _, artifact in _artifacts(message):
        if "uri" in artifact:
            artifact["uri"] = to_uri(artifact["uri"], root)
        # TFX's Evaluator notes which model it evaluated.
        properties = artifact.get("metadata", {})
        texts = {key: text for key, text in properties.items() if isinstance(text, str)}
        properties.update({key: to_uri(text, root) for key, text in texts.items()})
    return message


def output_paths(message: Mapping[str, Any]) -> dict[str, Path]:
    """Where the output artifacts of a readable input go, by channel."""
    return {key: Path(artifact["uri"]) for key, artifact in _artifacts(message["outputs"])}


def _artifacts(side: Mapping[str, Any]) -> Iterator[tuple[str, Message]]:
    for key, artifacts in side.get("artifacts", {}).items():
        for artifact in artifacts.get("artifacts", []):
            yield key, artifact


def _is_kfps(key: str, artifacts: Mapping[str, Any]) -> bool:
    titles = [_title(artifact.get("type")) for artifact in artifacts.get("artifacts", [])]
    return key == _LOGS or any(title.startswith(_KFP_PREFIX) for title in titles)


def _title(artifact_type: Mapping[str, Any] | None) -> str:
    """The name of a type; "" where it has none."""
    if not artifact_type:
        return ""
    if artifact_type.get("schemaTitle"):
        return str(artifact_type["schemaTitle"])
    schema = yaml.safe_load(artifact_type.get("instanceSchema") or "")
    return str(schema.get("title", "")) if isinstance(schema, dict) else ""


def _rewrite(artifact: Message, key: str, title: str, root: Path) -> None:
    if not title:
        raise ExecutorInputError(
            "every artifact must have a type.",
            where=key,
            received=str(artifact.get("type", "none")),
            remedy="compile the pipeline anew with `goalpath kubeflow compile`; its containers "
            "get the types in --json_serialized_inputs_spec_args.",
        )
    if title.startswith(_OWN_PREFIX):
        title = _OWN_MODULE + title.removeprefix(_OWN_PREFIX)
    artifact["type"] = {"schemaTitle": title}
    artifact["uri"] = to_path(artifact["uri"], root)
