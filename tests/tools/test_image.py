"""The Dockerfile, as far as it can be checked where no image can be built.

What it installs is installed and run in tests/e2e/kubeflow.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from pathlib import Path

import pytest

from pipeline.kubeflow.command_line import ENTRYPOINT_COMMAND
from pipeline.kubeflow.storage_paths import MOUNTS
from tools import bootstrap
from tools.prune_environment import prune

ROOT = Path(__file__).resolve().parents[2]
Instruction = tuple[str, str]


def _instructions() -> list[Instruction]:
    text = (ROOT / "Dockerfile").read_text()
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def _stages() -> list[list[Instruction]]:
    stages: list[list[Instruction]] = [[]]
    for instruction in _instructions():
        if instruction[0] == "FROM":
            stages.append([])
        stages[-1].append(instruction)
    return stages


def _of(stage: list[Instruction], word: str) -> list[str]:
    return [rest for found, rest in stage if found == word]


def _defaults() -> dict[str, str]:
    return dict(rest.split("=") for rest in _of(_stages()[0], "ARG"))


def _copied() -> list[str]:
    """What is copied from the repository."""
    copies = [shlex.split(rest) for _, rest in _instructions() if _ == "COPY"]
    return [s for parts in copies if not parts[0].startswith("--from") for s in parts[:-1]]


def test_versions_are_those_of_the_lock() -> None:
    lock = (ROOT / "requirements" / "image.txt").read_text()
    beam = re.search(r"^apache-beam(?:\[\w+\])?==(\S+)", lock, re.MULTILINE)
    assert beam is not None
    # The image stays on the line whose lock requirements/image.txt is a part of.
    line = next(line for line in bootstrap.LINES if line.version == "1.16")
    assert _defaults() == {"BEAM_VERSION": beam[1], "PYTHON_VERSION": line.pythons[0]}


def test_all_packages_of_the_project_are_copied() -> None:
    tree = ast.parse((ROOT / "setup.py").read_text())
    packages = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PACKAGES"
    )
    assert set(packages) <= set(_copied())


def test_what_is_copied_is_there_and_is_sent_to_the_engine() -> None:
    sent = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    for source in _copied():
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in sent, source
    # And nothing that has no place in an image.
    assert not sent & {"tests", "demo", "benchmarks", "docs", ".git", ".venv"}


def test_every_package_comes_by_its_hash() -> None:
    commands = [c.strip() for rest in _of(_stages()[2], "RUN") for c in rest.split("&&")]
    installs = [command for command in commands if " install " in command]
    assert len(installs) == 3
    for command in installs:
        assert ("--require-hashes" in command) != ("--no-deps" in command), command
    assert not any(word in c for c in commands for word in ("curl", "wget", "apt-get"))


def test_the_last_stage_has_no_tool_to_build_with_and_no_root() -> None:
    last = _stages()[-1]
    assert [shlex.split(rest)[0] for rest in _of(last, "COPY")] == ["--from=build", "--from=beam"]
    assert not any("install" in rest for rest in _of(last, "RUN"))
    (user,) = _of(last, "USER")
    assert all(int(number) > 0 for number in user.split(":"))
    assert last.index(("USER", user)) > max(
        n for n, (word, _) in enumerate(last) if word in ("RUN", "COPY")
    )


def test_the_launchers_folders_are_there_for_any_user() -> None:
    (run,) = _of(_stages()[-1], "RUN")
    made = re.search(r"mkdir ((?:/\w+ )+)", run)
    assert made is not None
    assert set(made[1].split()) == {f"/{folder}" for folder in MOUNTS.values()}
    assert f"chmod 1777 {made[1].strip()}" in run


def test_a_nodes_command_finds_the_environment() -> None:
    (environment,) = _of(_stages()[-1], "ENV")
    values = dict(pair.split("=", 1) for pair in environment.split())
    assert values["PATH"].split(":")[0] == "/opt/goalpath/bin"
    assert ENTRYPOINT_COMMAND[0] == "python"
    assert values["HOME"] == "/tmp"
    # Beam's boot program would otherwise make an environment of its own, without us.
    assert values["RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT"] == "1"
    (entrypoint,) = _of(_stages()[-1], "ENTRYPOINT")
    assert json.loads(entrypoint) == ["/opt/apache/beam/boot"]


def test_no_registry_and_no_moving_tag_is_named() -> None:
    images = [rest.split()[0] for _, rest in _instructions() if _ == "FROM"]
    assert len(images) == 3
    for image in images:
        assert re.fullmatch(r"[a-z_/{}$A-Z0-9.]+:[-a-z.${}A-Z_]+", image), image
        assert not image.endswith("latest")
        assert "." not in image.split("/")[0].split("$")[0]


@pytest.fixture(name="packages")
def _packages(tmp_path: Path) -> Path:
    packages = tmp_path / "lib" / "python3.10" / "site-packages"
    for name in (
        "tensorflow/include/a.h",
        "tensorflow/python/a.py",
        "numpy/tests/test_a.py",
        "numpy/lib/tests/deep/tests/test_a.py",
        "numpy/testing/a.py",
        "pipeline/tests/kept.py",
    ):
        path = packages / name
        path.parent.mkdir(parents=True)
        path.write_text("12345")
    return packages


def test_only_headers_and_libraries_tests_are_pruned(packages: Path, tmp_path: Path) -> None:
    assert prune(tmp_path) == 15
    left = {p.relative_to(packages).as_posix() for p in packages.rglob("*") if p.is_file()}
    assert left == {"tensorflow/python/a.py", "numpy/testing/a.py", "pipeline/tests/kept.py"}
    assert prune(tmp_path) == 0
