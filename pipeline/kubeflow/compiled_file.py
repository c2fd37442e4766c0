"""A compiled pipeline that lies in a file, ready to be sent."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import yaml

from pipeline.kubeflow.check_spec import check_file
from pipeline.kubeflow.run_parameters import Kind
from pipeline.kubeflow.spec_parts import parameters
from schemas.errors import InputError

_DIGEST_DIGITS = 12


@dataclasses.dataclass(frozen=True)
class CompiledFile:
    """What is known of it.

    Attributes:
      path: of the YAML.
      digest: of its content; the name of the version.
      pipeline: the pipeline's name.
      declared: run parameter -> kind.
      required: those without a default.
    """

    path: Path
    digest: str
    pipeline: str
    declared: dict[str, Kind]
    required: frozenset[str]


def read_compiled(path: Path) -> CompiledFile:
    """Reads and checks a file.

    Raises:
      InputError: it cannot be read, or would not run; the message names every trap.
    """
    try:
        content = path.read_bytes()
        findings = check_file(path)
    except OSError as error:
        raise InputError(
            "the compiled pipeline must be a file that can be read.",
            where=str(path),
            received=error.strerror or str(error),
            remedy="make it with `goalpath kubeflow compile --out FILE`.",
        ) from error
    if findings:
        raise InputError(
            "the pipeline must be one that Kubeflow Pipelines can run.",
            where=str(path),
            received="; ".join(map(str, findings)),
            remedy="docs/kubeflow.md explains each.",
        )
    spec = next(yaml.safe_load_all(content))
    definitions = parameters(spec)
    return CompiledFile(
        path=path,
        digest=hashlib.sha256(content).hexdigest()[:_DIGEST_DIGITS],
        pipeline=spec["pipelineInfo"]["name"],
        declared={name: each["parameterType"] for name, each in definitions.items()},
        required=frozenset(n for n, each in definitions.items() if "defaultValue" not in each),
    )
