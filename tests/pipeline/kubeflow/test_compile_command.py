"""`goalpath kubeflow compile`, up to where it needs TFX; tests/e2e/kubeflow goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.cli import main
from tests.pipeline.kubeflow.golden import GOLDEN

CONFIG = "name: a\nstages: [First, Second]\ndefault_goal: Second\n"
SETTINGS = """
image: example/goalpath:0.1.0
data_dir: /goalpath/data
output_dir: /goalpath/out
volumes: [{claim: goalpath, mount_path: /goalpath}]
"""


def _data(folder: Path, settings: str = SETTINGS) -> list[str]:
    (folder / "goalpath.yaml").write_text(CONFIG)
    (folder / "kubeflow.yaml").write_text(settings)
    return ["kubeflow", "compile", "--data", str(folder)]


def test_a_file_without_traps_checks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kubeflow", "compile", "--check", str(GOLDEN)]) == 0
    assert capsys.readouterr().out == f"{GOLDEN}: nothing known stands in its way.\n"


def test_traps_are_shown_one_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(GOLDEN.read_text().replace("schemaVersion: 2.1.0", "schemaVersion: 2.0.0"))
    assert main(["kubeflow", "compile", "--check", str(bad)]) == 2
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("file-suffix: bad.json: received .json; ")
    assert second.startswith("schema-version: schemaVersion: received '2.0.0'; ")
    assert main(["kubeflow", "compile", "--check", str(tmp_path / "none.yaml")]) == 2
    assert "the file to check must be readable" in capsys.readouterr().err


def test_what_is_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compile_it = _data(tmp_path, SETTINGS.replace("image: example/goalpath:0.1.0\n", ""))
    assert main(["kubeflow", "compile"]) == 2
    assert "Give --data and --out, or --check." in capsys.readouterr().err
    assert main([*compile_it, "--out", str(tmp_path / "a.json")]) == 2
    assert "the compiled pipeline must be a .yaml file" in capsys.readouterr().err
    assert main([*compile_it, "--out", str(tmp_path / "a.yaml")]) == 2
    assert "image: this key is required; add it" in capsys.readouterr().err
    assert not (tmp_path / "a.yaml").exists()
