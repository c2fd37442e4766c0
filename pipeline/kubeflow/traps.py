"""What open-source Kubeflow Pipelines refuses, or takes and then fails at, by name.

The names are those of docs/kubeflow.md, that says where in KFP each is.
"""

from __future__ import annotations

import dataclasses
import enum


class Trap(str, enum.Enum):
    """A reason for which a compiled pipeline would not run."""

    NOT_YAML = "not-yaml"
    PIPELINE_JOB = "pipeline-job"
    FILE_SUFFIX = "file-suffix"
    SCHEMA_VERSION = "schema-version"
    RESOLVER = "resolver"
    NODE_ID = "node-id"
    DANGLING = "dangling-reference"
    IMAGE = "image"
    ENTRYPOINT = "entrypoint"
    INPUT_TYPES = "input-types"
    DRIVER = "example-gen-driver"
    MODULE_FILE = "module-file"
    CACHED_SIDE_EFFECT = "cached-side-effect"
    PARAMETER_DEFAULT = "parameter-default"
    LOST_OUTPUT = "lost-output"
    PLATFORM = "platform"


@dataclasses.dataclass(frozen=True)
class Finding:
    """A trap that a pipeline runs into.

    Attributes:
      trap: which.
      where: node or key.
      received: what is there.
      remedy: what to do.
    """

    trap: Trap
    where: str
    received: str
    remedy: str

    def __str__(self) -> str:
        """On one line."""
        return f"{self.trap.value}: {self.where}: received {self.received}; {self.remedy}"
