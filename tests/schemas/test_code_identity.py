from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas import code_identity as module
from schemas.code_identity import INSTALLED, LIBRARIES, PACKAGES, code_identity


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for package in ("one", "two"):
        (root / package / "part").mkdir(parents=True)
        (root / package / "part" / "code.py").write_text("x = 1\n")
    return root


def identity(root: Path, packages: tuple[str, ...] = ("one", "two")) -> str:
    return code_identity(packages, (), root=root)


def rename(root: Path) -> None:
    (root / "one" / "part" / "code.py").rename(root / "one" / "part" / "other.py")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "two" / "part" / "code.py").write_text("x = 2\n"),
        lambda root: (root / "two" / "new.py").write_text(""),
        lambda root: (root / "one" / "part" / "code.py").unlink(),
        rename,
    ],
    ids=["changed", "added", "removed", "renamed"],
)
def test_every_change_of_the_code_changes_it(
    project: Path, change: Callable[[Path], object]
) -> None:
    before = identity(project)
    change(project)
    assert identity(project) != before


def test_it_is_the_same_wherever_the_project_is(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "one" / "__pycache__").mkdir()
    (tmp_path / "elsewhere" / "one" / "__pycache__" / "code.pyc").write_bytes(b"compiled")
    (tmp_path / "elsewhere" / "three").mkdir()
    (tmp_path / "elsewhere" / "three" / "code.py").touch()
    assert identity(tmp_path / "elsewhere") == identity(project)


def test_code_that_moves_between_files_is_other_code(project: Path) -> None:
    before = identity(project, ("one",))
    (project / "one" / "part" / "code.py").write_text("")
    (project / "one" / "part" / "more.py").write_text("x = 1\n")
    assert identity(project, ("one",)) != before


def test_another_version_of_a_library_changes_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_version(number: str) -> str:
        monkeypatch.setattr(module.importlib.metadata, "version", lambda _: number)
        return code_identity(("one",), ("library",), root=project)

    assert of_version("1.0") != of_version("1.1")


def test_a_library_that_is_not_installed_counts_as_absent(project: Path) -> None:
    absent = code_identity(("one",), ("no-such-distribution",), root=project)
    assert absent != code_identity(("one",), (), root=project)


def test_the_packages_are_those_installed_and_every_library_is_there() -> None:
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin == str(INSTALLED / package / "__init__.py")
    for library in LIBRARIES:
        importlib.metadata.version(library)
    assert code_identity() == code_identity()
