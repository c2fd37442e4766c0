"""Where and how the pipeline runs on Kubeflow: `kubeflow.yaml` as frozen, checked models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import pydantic
import yaml

from schemas.config import explain
from schemas.errors import ConfigError

SETTINGS_FILE = "kubeflow.yaml"
# RFC 1123, as Kubernetes wants the names of claims, secrets and pipelines.
_KubernetesName = Annotated[
    str, pydantic.Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)
]
# The claim's name is also that of the pod's volume, a DNS label.
_ClaimName = Annotated[
    str, pydantic.Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)
]
_EnvName = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class _Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class ResourcesConfig(_Model):
    """What a node's pod asks for and may use at most.

    Attributes:
      cpu: cores; None: the default, or no limit.
      memory_gib: memory in GiB; likewise. A node that needs more is killed (exit code
        137), so it is asked for in full.
    """

    cpu: pydantic.PositiveFloat | None = None
    memory_gib: pydantic.PositiveFloat | None = None


class RetriesConfig(_Model):
    """How often a failed pod is started again before the run fails.

    Attributes:
      count: times; 0: never.
      backoff_seconds: before the first retry.
      backoff_factor: by which that grows from one to the next.
      backoff_max_seconds: most that it grows to.
    """

    count: pydantic.NonNegativeInt = 2
    backoff_seconds: pydantic.NonNegativeInt = 30
    backoff_factor: pydantic.PositiveFloat = 2.0
    backoff_max_seconds: pydantic.PositiveInt = 600


class VolumeConfig(_Model):
    """A PersistentVolumeClaim that is mounted in pods.

    Attributes:
      claim: its name, in the namespace of the runs.
      mount_path: where.
      nodes: ids of the nodes that get it; None: all.
    """

    claim: _ClaimName
    mount_path: str
    nodes: tuple[str, ...] | None = None

    @pydantic.field_validator("mount_path")
    @classmethod
    def _is_absolute(cls, path: str) -> str:
        pure = PurePosixPath(path)
        if not pure.is_absolute() or ".." in pure.parts or str(pure) == "/":
            raise ValueError(f"mount_path must be an absolute path below /; got {path!r}")
        return str(pure)


class SecretConfig(_Model):
    """A Secret whose keys become variables of the environment.

    Attributes:
      secret: its name, in the namespace of the runs.
      env: key of the secret -> variable.
      nodes: ids of the nodes that get it; None: all.
    """

    secret: _KubernetesName
    env: Mapping[str, _EnvName] = pydantic.Field(min_length=1)
    nodes: tuple[str, ...] | None = None


class ServerConfig(_Model):
    """The Kubeflow Pipelines API.

    Attributes:
      endpoint: http(s) URL; None: `--endpoint` says it.
      namespace: of the runs where there are many users; None: where there is one.
      experiment: that runs belong to; made where there is none.
      service_account: of the pods; None: the default.
      ca_certificate: file that the server's certificate is checked with.
    """

    endpoint: str | None = pydantic.Field(default=None, pattern=r"^https?://[^\s/]")
    namespace: _KubernetesName | None = None
    experiment: str = pydantic.Field(default="goalpath", min_length=1)
    service_account: _KubernetesName | None = None
    ca_certificate: str | None = None


class KubeflowConfig(_Model):
    """Everything that is known of the cluster when the pipeline is compiled.

    Attributes:
      image: of all nodes, with tag or digest.
      image_pull_policy: when the image is fetched anew.
      image_pull_secrets: names of Secrets.
      pipeline_name: under which versions are uploaded.
      pipeline_root: where the artifacts go, such as `minio://bucket/folder`; None: the
        server's default.
      data_dir: default of the run parameter: the data folder in the pods.
      output_dir: folder in the pods, on a volume that lasts: versions go to
        `serving/<model_name>` below it, states to `states`.
      volumes: mounted in the pods.
      secrets: in the environment of the pods.
      resources: of every node for which `nodes` says nothing else.
      nodes: id of a node -> its resources.
      retries: of every node.
      fail_when_not_blessed: a run whose model is not pushed counts as failed, so that a
        schedule shows it; else it succeeds, and only the artifact `pushed_model` tells.
      beam_args: of the nodes that run Beam; None: in the pod's own process.
      server: the API to upload to.
    """

    image: str = pydantic.Field(pattern=r"^[^\s]+$")
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    image_pull_secrets: tuple[_KubernetesName, ...] = ()
    pipeline_name: str = pydantic.Field(
        default="goalpath", pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=128
    )
    pipeline_root: str | None = pydantic.Field(default=None, pattern=r"^(minio|s3|gs)://[^\s/]+")
    data_dir: str
    output_dir: str
    volumes: tuple[VolumeConfig, ...] = pydantic.Field(min_length=1)
    secrets: tuple[SecretConfig, ...] = ()
    resources: ResourcesConfig = ResourcesConfig(cpu=1, memory_gib=4)
    nodes: Mapping[str, ResourcesConfig] = pydantic.Field(default_factory=dict)
    retries: RetriesConfig = RetriesConfig()
    fail_when_not_blessed: bool = True
    beam_args: str | None = None
    server: ServerConfig = ServerConfig()

    @pydantic.field_validator("image")
    @classmethod
    def _is_pinned(cls, image: str) -> str:
        name = image.rsplit("/", 1)[-1]
        if ":" not in name or image.endswith(":latest"):
            raise ValueError(
                "image must have a tag or a digest, and not `latest`, which is another image "
                f"tomorrow; got {image!r}"
            )
        return image

    @pydantic.model_validator(mode="after")
    def _claims_are_mounted_once(self) -> KubeflowConfig:
        claims = [volume.claim for volume in self.volumes]
        paths = [volume.mount_path for volume in self.volumes]
        for key, found in (("claim", claims), ("mount_path", paths)):
            if twice := sorted({each for each in found if found.count(each) > 1}):
                raise ValueError(f"volumes must not share a {key}; several have {twice}")
        return self

    @pydantic.model_validator(mode="after")
    def _folders_are_on_volumes(self) -> KubeflowConfig:
        for key in ("data_dir", "output_dir"):
            path = getattr(self, key)
            if self.mount_of(path) is None:
                mounts = [volume.mount_path for volume in self.volumes]
                raise ValueError(
                    f"{key} must be on a mounted volume, which are {mounts}: what is elsewhere "
                    f"in a pod is lost with it; got {path!r}"
                )
        return self

    def mount_of(self, path: str) -> VolumeConfig | None:
        """The volume that holds `path`; None where there is none."""
        pure = PurePosixPath(path)
        if ".." in pure.parts:
            return None
        holding = [v for v in self.volumes if pure.is_relative_to(PurePosixPath(v.mount_path))]
        return max(holding, key=lambda volume: len(volume.mount_path), default=None)

    def resources_of(self, node: str) -> ResourcesConfig:
        """What a node gets: its own, and the default for what those leave open."""
        own = self.nodes.get(node, ResourcesConfig())
        return ResourcesConfig(
            cpu=own.cpu or self.resources.cpu,
            memory_gib=own.memory_gib or self.resources.memory_gib,
        )

    def serving_dir(self, model_name: str) -> str:
        """Folder of the versions of a model, in the pods."""
        return str(PurePosixPath(self.output_dir) / "serving" / model_name)

    def states_dir(self) -> str:
        """Folder of the student states of the versions, in the pods."""
        return str(PurePosixPath(self.output_dir) / "states")


def load_kubeflow_config(path: Path, *, image: str | None = None) -> KubeflowConfig:
    """Reads and checks a `kubeflow.yaml`.

    Args:
      path: of the file.
      image: in place of that of the file; None: that.

    Raises:
      ConfigError: the file is missing, is no YAML mapping, or breaks a rule.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            "the Kubeflow settings must be a file that can be read.",
            where=str(path),
            received=error.strerror or str(error),
            remedy="write one (docs/kubeflow.md has an example), or pass --settings FILE.",
        ) from error
    except yaml.YAMLError as error:
        raise ConfigError(
            "the Kubeflow settings must be YAML.",
            where=str(path),
            received=" ".join(str(error).split()),
            remedy="mend the line named above.",
        ) from error
    if isinstance(raw, dict) and image is not None:
        raw["image"] = image
    try:
        return KubeflowConfig.model_validate(raw)
    except pydantic.ValidationError as error:
        raise ConfigError(explain(error), where=str(path)) from error
