"""The process that inspects sees nothing of the training run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from components.model_validator import isolation
from components.model_validator.isolation import cover_command, inspect_in_isolation
from components.model_validator.request import Bounds


def test_covered_folders_are_empty_inside_and_untouched_outside(tmp_path: Path) -> None:
    secret = tmp_path / "transform" / "vocabulary"
    secret.parent.mkdir()
    secret.write_text("a")
    prefix = cover_command([str(secret.parent), str(tmp_path / "not there")])
    if not prefix:
        pytest.skip("this machine does not let a process have mounts of its own")
    done = subprocess.run([*prefix, "cat", str(secret)], capture_output=True, check=False)
    assert done.returncode != 0
    assert secret.read_text() == "a"


def inspect(
    tmp_path: Path, timeout_seconds: float = 60, forbidden: tuple[str, ...] = ()
) -> tuple[str, str]:
    (tmp_path / "bundle").mkdir(exist_ok=True)
    report = inspect_in_isolation(
        tmp_path / "bundle",
        trained_files={},
        forbidden=forbidden,
        bounds=Bounds(),
        timeout_seconds=timeout_seconds,
    )
    assert not report.blessed
    return report.checks[-1].name, report.checks[-1].detail


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{code}'\n")
    script.chmod(0o755)
    monkeypatch.setattr(isolation.sys, "executable", str(script))


def test_a_crash_is_a_rejection_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, 'import sys; sys.exit("segfault, say")')
    name, detail = inspect(tmp_path)
    assert name == "inspection"
    assert detail == "the process that loads the bundle ended with 1: segfault, say"


def test_a_hang_is_a_rejection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "import time; time.sleep(60)")
    assert inspect(tmp_path, timeout_seconds=0.5) == ("inspection", "no answer within 0.5 s")


def test_what_chooses_kernels_is_passed_on_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("GOALPATH_SECRET", "1")
    shown = 'import os, sys; sys.exit(" ".join(sorted(os.environ)))'
    stand_in(tmp_path, monkeypatch, shown)
    _, detail = inspect(tmp_path)
    assert "TF_ENABLE_ONEDNN_OPTS" in detail
    assert "GOALPATH_SECRET" not in detail


def test_folders_named_from_here_are_covered_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "transform" / "vocabulary"
    secret.parent.mkdir()
    secret.write_text("a")
    if not cover_command([str(secret.parent)]):
        pytest.skip("this machine does not let a process have mounts of its own")
    monkeypatch.chdir(tmp_path)
    stand_in(tmp_path, monkeypatch, f'import os, sys; sys.exit(os.path.exists("{secret}") or 7)')
    _, detail = inspect(tmp_path, forbidden=("transform",))
    assert detail.startswith("the process that loads the bundle ended with 7")


def test_a_process_that_leaves_no_report_is_a_rejection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "import sys; sys.exit(0)")
    name, detail = inspect(tmp_path)
    assert name == "inspection"
    assert detail.startswith("the process that loads the bundle left no report: ")


def test_a_link_that_leaves_the_bundle_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "trainer"
    outside.mkdir()
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "variables").symlink_to(outside)
    stand_in(tmp_path, monkeypatch, 'import os, sys; sys.exit(os.readlink("bundle/variables"))')
    assert inspect(tmp_path)[1].endswith(f"ended with 1: {outside}")
