"""The second document of the YAML: what only Kubernetes knows, volumes and secrets.

Its content is `KubernetesExecutorConfig` of KFP's `kubernetes_executor_config.proto`, one
for each executor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pipeline.kubeflow.finish_spec import executor_label, node_ids
from pipeline.kubeflow.spec_parts import PLATFORM
from schemas.errors import ConfigError
from schemas.kubeflow_config import KubeflowConfig, SecretConfig, VolumeConfig

PULL_POLICIES: Final = ("Always", "IfNotPresent", "Never")


def platform_spec(spec: Mapping[str, Any], kubeflow: KubeflowConfig) -> dict[str, Any]:
    """The platform document of a pipeline.

    Args:
      spec: the first document.
      kubeflow: the settings.

    Raises:
      ConfigError: the settings name a node that the pipeline does not have.
    """
    nodes = node_ids(spec)
    _require_known(kubeflow, nodes)
    executors = {executor_label(spec, node): _executor(node, kubeflow) for node in nodes}
    return {"platforms": {PLATFORM: {"deploymentSpec": {"executors": executors}}}}


def _executor(node: str, kubeflow: KubeflowConfig) -> dict[str, Any]:
    config: dict[str, Any] = {
        "imagePullPolicy": kubeflow.image_pull_policy,
        "pvcMount": [_mount(volume) for volume in kubeflow.volumes if _is_for(volume, node)],
    }
    secrets = [_secret(secret) for secret in kubeflow.secrets if _is_for(secret, node)]
    if secrets:
        config["secretAsEnv"] = secrets
    if kubeflow.image_pull_secrets:
        config["imagePullSecret"] = [{"secretName": name} for name in kubeflow.image_pull_secrets]
    return config


def _mount(volume: VolumeConfig) -> dict[str, Any]:
    # Newer servers prefer `pvcNameParameter` and take `constant`; older ones refuse the
    # whole document for a field that they do not know. So for the secrets below.
    return {"constant": volume.claim, "mountPath": volume.mount_path}


def _secret(secret: SecretConfig) -> dict[str, Any]:
    return {
        "secretName": secret.secret,
        "keyToEnv": [{"secretKey": key, "envVar": name} for key, name in secret.env.items()],
    }


def _is_for(entry: VolumeConfig | SecretConfig, node: str) -> bool:
    return entry.nodes is None or node in entry.nodes


def _require_known(kubeflow: KubeflowConfig, nodes: Iterable[str]) -> None:
    known = set(nodes)
    named = {
        "nodes": set(kubeflow.nodes),
        "volumes": {node for volume in kubeflow.volumes for node in volume.nodes or ()},
        "secrets": {node for secret in kubeflow.secrets for node in secret.nodes or ()},
    }
    for key, found in named.items():
        if unknown := sorted(found - known):
            raise ConfigError(
                "the settings must name nodes of the pipeline.",
                where=key,
                received=", ".join(unknown),
                remedy=f"use some of {', '.join(sorted(known))}.",
            )
