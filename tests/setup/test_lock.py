"""The lock files hold what setup.py asks for, with hashes, and name no index."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from schemas.version import __version__

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)


def pins(lock: Path) -> dict[str, str]:
    found = {
        name.lower().replace("_", "-"): version for name, version in PIN.findall(lock.read_text())
    }
    assert found, f"{lock.name} pins nothing"
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_pin_has_a_hash(lock: Path) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text().split("\n", 2)[2])
    for entry in entries:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_no_index_and_no_path_is_named(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "--index" not in text
    assert "file:" not in text


# The image has no tools to test with: what stands before the first extra is enough.
@pytest.mark.parametrize(("lock", "extras"), [("py310-tfx1.16.txt", True), ("image.txt", False)])
def test_the_lock_satisfies_what_setup_asks_for(lock: str, extras: bool, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "setup.py", "-q", "egg_info", "--egg-base", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    text = (tmp_path / "goalpath.egg-info" / "requires.txt").read_text()
    asked = (text if extras else text.split("\n[", 1)[0]).splitlines()
    requirements = [Requirement(line) for line in asked if line and not line.startswith("[")]
    assert len(requirements) > 15
    locked = pins(ROOT / "requirements" / lock)
    for requirement in requirements:
        name = requirement.name.lower().replace("_", "-")
        assert name in locked, f"{name} is not in the lock"
        assert requirement.specifier.contains(locked[name], prereleases=True), name


def test_the_image_has_what_the_tests_ran_with_and_no_test_tools() -> None:
    locked = pins(ROOT / "requirements" / "py310-tfx1.16.txt")
    image = pins(ROOT / "requirements" / "image.txt")
    assert image.items() <= locked.items()
    assert {"tfx", "kfp", "keras"} <= image.keys()
    assert not {"pytest", "mypy", "ruff", "hypothesis"} & image.keys()


def test_the_package_carries_its_folders_and_its_version(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "setup.py", "-q", "egg_info", "--egg-base", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    info = tmp_path / "goalpath.egg-info"
    top = set((info / "top_level.txt").read_text().split())
    assert {"components", "datasets", "pipeline", "schemas", "serving"} <= top
    assert "tests" not in top
    assert f"Version: {__version__}\n" in (info / "PKG-INFO").read_text()
    assert str(Version(__version__)) == __version__
    assert "goalpath = pipeline.cli:main" in (info / "entry_points.txt").read_text()
