"""The two environments, and a cluster of processes."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.runs import ROOT
from tools.prune_environment import prune

HERE = Path(__file__).parent
IMAGE_LOCK = "image.txt" if sys.version_info < (3, 11) else "py311-tfx1.21.txt"
PACKAGES = ("components", "datasets", "pipeline", "schemas", "serving", "trainer")


@dataclasses.dataclass(frozen=True)
class Attempt:
    """A container that ended.

    Attributes:
      node: folder of its executor, such as `model_pusher`.
      code: exit code; minus the signal that ended it.
      termination: what it left for Kubernetes to show.
      log: what it wrote.
    """

    node: str
    code: int
    termination: str
    log: str


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Runs compiled pipelines with KFP's local orchestration.

    Attributes:
      python: of the environment that has KFP.
      bin: of the environment that the image has.
    """

    python: Path
    bin: Path

    def run(self, folder: Path, pipeline: Path, **request: Any) -> list[Attempt]:
        """Runs a pipeline; returns its containers in order."""
        folder.mkdir(parents=True, exist_ok=True)
        summary = folder / "summary.json"
        work = folder / "containers"
        content = {"pipeline": pipeline, "work": work, "bin": self.bin, "summary": summary}
        path = folder / "request.json"
        path.write_text(json.dumps({**content, **request}, default=str))
        done = self.script("local_cluster.py", path)
        assert summary.is_file(), done.stdout + done.stderr
        found = json.loads(summary.read_text())
        return [
            Attempt(
                node=each["executor"].split(".")[-3],
                code=each["code"],
                termination=each["termination"],
                log=(Path(each["folder"]) / "log").read_text(errors="replace"),
            )
            for each in found
        ]

    def script(self, name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Runs a script of this folder with KFP."""
        return subprocess.run(
            [self.python, HERE / name, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=1200,
        )


def _uv(*arguments: object) -> None:
    command = [Path(sys.executable).parent / "uv", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr


def _environment(folder: Path, lock: str) -> Path:
    _uv("venv", "--quiet", "--python", sys.executable, folder)
    python = folder / "bin" / "python"
    _uv(
        *("pip", "install", "--quiet", "--python", python, "--require-hashes"),
        *("-r", ROOT / "requirements" / lock),
    )
    return python


@pytest.fixture(name="cluster", scope="session")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """KFP in its own environment, and what the Dockerfile installs in another.

    The Dockerfile is for the line of Python 3.10; elsewhere the lock of the tests stands in.
    """
    folder = tmp_path_factory.mktemp("cluster")
    source = folder / "source"
    source.mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    python = _environment(folder / "image", IMAGE_LOCK)
    _uv(
        "pip", "install", "--quiet", "--python", python, "--no-deps", "--no-build-isolation", source
    )
    prune(folder / "image")
    kfp = _environment(folder / "kfp", "kfp-local.txt")
    return Cluster(python=kfp, bin=folder / "image" / "bin")
