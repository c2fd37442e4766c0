"""Runs a compiled pipeline through KFP's own local orchestration, without containers.

A script for the environment of requirements/kfp-local.txt, which has neither TFX nor
goalpath. KFP loads the YAML, orders the nodes, resolves their parameters and passes their
artifacts on, and starts a failed one again. In place of its one function that starts a
container there is one that does what KFP's driver and launcher do around it, and runs the
same command as a process that sees no more than a pod would: a clean folder, the environment
of the image, the artifacts that were downloaded for it.

Usage: python local_cluster.py REQUEST.json, which is a `Request`.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kfp import components, local
from kfp.local import docker_task_handler, status

BUCKET = "minio://mlpipeline/v2/artifacts"
INVOCATION = "--json_serialized_invocation_args"
EXECUTOR = "--executor_class_path"


@dataclasses.dataclass(frozen=True)
class Request:
    """What to run.

    Attributes:
      pipeline: the compiled YAML.
      arguments: values of run parameters.
      store: folder that stands for the object store, or for a volume.
      work: folder for the containers' file systems; one is made for each attempt.
      bin: folder of the image's `python`.
      object_store: artifacts have `minio://` addresses; else they are on the volume.
      summary: file for what happened.
      kills: executor class -> script and arguments that run its first attempt.
      until: executor class of the last node to run; "": all.
    """

    pipeline: str
    arguments: dict[str, Any]
    store: str
    work: str
    bin: str
    object_store: bool
    summary: str
    kills: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    until: str = ""


class Container:
    """One attempt of one node."""

    def __init__(self, command: list[str], request: Request, folder: Path) -> None:
        self.executor = command[command.index(EXECUTOR) + 1]
        self._command = command
        self._request = request
        self._folder = folder
        self._root = folder / "root"
        self._place = command.index(INVOCATION) + 1
        self._given = json.loads(command[self._place])
        self._message = json.loads(command[self._place])

    def run(self, script: list[str] | None) -> int:
        """Runs it as the launcher does; returns the exit code of the command."""
        for name in ("root", "tmp", "cwd"):
            (self._folder / name).mkdir(parents=True)
        (self._folder / "termination-log").touch()
        self._drive()
        self._download()
        code = subprocess.run(
            self._command_line(script),
            cwd=self._folder / "cwd",
            env=self._environment(),
            stdout=(self._folder / "log").open("w"),
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
        if code == 0:
            self._upload()
        return code

    def _drive(self) -> None:
        """What KFP's driver makes of an executor input."""
        message = self._message
        for artifact in _artifacts(message.get("inputs", {})):
            artifact["type"] = {"instanceSchema": ""}
        outputs = message["outputs"].setdefault("artifacts", {})
        root = Path(message["outputs"]["outputFile"]).parent
        outputs["executor-logs"] = {
            "artifacts": [
                {
                    "name": "executor-logs",
                    "uri": str(root / "executor-logs"),
                    "type": {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"},
                    "metadata": {},
                }
            ]
        }
        message["outputs"]["outputFile"] = str(
            self._folder / "tmp" / "kfp_outputs" / "output_metadata.json"
        )
        if self._request.object_store:
            for side in ("inputs", "outputs"):
                for artifact in _artifacts(message.get(side, {})):
                    artifact["uri"] = self._address(artifact["uri"])

    def _address(self, path: str) -> str:
        relative = Path(path).relative_to(self._request.store)
        return f"{BUCKET}/{relative.as_posix()}"

    def _stored(self, address: str) -> Path:
        assert address.startswith(f"{BUCKET}/"), f"not an address of the store: {address}"
        return Path(self._request.store) / address[len(BUCKET) + 1 :]

    def _in_container(self, address: str) -> Path:
        return self._root / address.replace("minio://", "minio/", 1)

    def _download(self) -> None:
        if not self._request.object_store:
            return
        for artifact in _artifacts(self._message.get("inputs", {})):
            source = self._stored(artifact["uri"])
            if source.exists():  # an artifact without files has none in a store
                shutil.copytree(source, self._in_container(artifact["uri"]))
        for artifact in _artifacts(self._message["outputs"]):
            self._in_container(artifact["uri"]).parent.mkdir(parents=True, exist_ok=True)

    def _upload(self) -> None:
        """Stores the artifacts, and hands KFP the report with the paths that it knows."""
        report = json.loads(Path(self._message["outputs"]["outputFile"]).read_text())
        if self._request.object_store:
            for artifact in _artifacts(self._message["outputs"]):
                source = self._in_container(artifact["uri"])
                if source.exists():
                    shutil.copytree(source, self._stored(artifact["uri"]))
            for artifact in _artifacts(report):
                artifact["uri"] = str(self._stored(artifact["uri"]))
        target = Path(self._given["outputs"]["outputFile"])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(report))

    def _command_line(self, script: list[str] | None) -> list[str]:
        command = list(self._command)
        command[self._place] = json.dumps(self._message)
        if script is not None:
            module = command.index("-m")
            command[module : module + 2] = script
        command[0] = str(Path(self._request.bin) / command[0])
        return command

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self._request.bin}:/usr/bin:/bin",
            "TMPDIR": str(self._folder / "tmp"),
            "HOME": "/proc/none",  # as for a user that is only a number; nobody can make it
            "GOALPATH_STORAGE_ROOT": str(self._root),
            "GOALPATH_TERMINATION_LOG": str(self._folder / "termination-log"),
            "OMP_WAIT_POLICY": "passive",
        }


def _artifacts(side: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for listed in side.get("artifacts", {}).values() for each in listed["artifacts"]]


def run_here(request: Request, happened: list[dict[str, Any]]) -> type:
    """The handler that KFP starts containers with, for this request.

    KFP calls it again for a retry, as the pipeline's retry policy says.
    """
    kills = dict(request.kills)

    class Here(docker_task_handler.DockerTaskHandler):  # type: ignore[misc]
        def run(self) -> status.Status:
            if request.until and happened and _ended_well(happened[-1], request.until):
                return status.Status.FAILURE
            folder = Path(request.work) / f"{len(happened):02d}"
            container = Container(list(self.full_command), request, folder)
            began = time.monotonic()
            code = container.run(kills.pop(container.executor, None))
            happened.append(
                {
                    "executor": container.executor,
                    "image": self.image,
                    "code": code,
                    "seconds": round(time.monotonic() - began, 1),
                    "folder": str(folder),
                    "termination": (folder / "termination-log").read_text(),
                }
            )
            return status.Status.SUCCESS if code == 0 else status.Status.FAILURE

    return Here


def _ended_well(attempt: dict[str, Any], executor: str) -> bool:
    return attempt["executor"] == executor and attempt["code"] == 0


def main() -> int:
    """Runs the request."""
    request = Request(**json.loads(Path(sys.argv[1]).read_text()))
    happened: list[dict[str, Any]] = []
    docker_task_handler.DockerTaskHandler = run_here(request, happened)
    local.init(local.DockerRunner(), pipeline_root=request.store, raise_on_error=False)
    try:
        components.load_component_from_file(request.pipeline)(**request.arguments)
    finally:
        Path(request.summary).write_text(json.dumps(happened))
    return 0 if happened and happened[-1]["code"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
