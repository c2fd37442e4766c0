"""The search for an interpreter, on trees made for the test."""

from __future__ import annotations

import ast
import stat
import subprocess
from pathlib import Path

import pytest

from tools import bootstrap

ROOT = Path(__file__).resolve().parents[2]
LINE = bootstrap.Line("some line", "3.10", "lock.txt")


def fake_python(path: Path, answer: str = "3.10", code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {answer}\nexit {code}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def environment(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), "PATH": str(home / "bin"), **more}


def test_the_path_comes_before_pyenv_and_uv(tmp_path: Path) -> None:
    on_path = fake_python(tmp_path / "bin" / "python3.10")
    fake_python(tmp_path / ".pyenv/versions/3.10.4/bin/python3.10")
    _, found = bootstrap.find_interpreter((LINE,), environment(tmp_path))
    assert found == (str(on_path), "on the PATH")


def test_the_newest_patch_of_pyenv_is_taken_by_number_not_by_text(tmp_path: Path) -> None:
    fake_python(tmp_path / ".pyenv/versions/3.10.9/bin/python3.10")
    newest = fake_python(tmp_path / ".pyenv/versions/3.10.13/bin/python3.10")
    _, found = bootstrap.find_interpreter((LINE,), environment(tmp_path))
    assert found == (str(newest), "pyenv's 3.10.13")


def test_pyenv_root_and_uv_are_searched(tmp_path: Path) -> None:
    uv = fake_python(
        tmp_path / ".local/share/uv/python/cpython-3.10.7-linux-x86_64-gnu/bin/python3.10"
    )
    _, found = bootstrap.find_interpreter((LINE,), environment(tmp_path))
    assert found.path == str(uv)
    elsewhere = fake_python(tmp_path / "py/versions/3.10.1/bin/python3.10")
    _, found = bootstrap.find_interpreter(
        (LINE,), environment(tmp_path, PYENV_ROOT=str(tmp_path / "py"))
    )
    assert found.path == str(elsewhere)


@pytest.mark.parametrize(("answer", "code"), [("3.11", 0), ("3.10", 127)])
def test_an_interpreter_that_lies_or_fails_is_passed_over(
    tmp_path: Path, answer: str, code: int
) -> None:
    # A pyenv shim is on the PATH and fails where no version is selected.
    fake_python(tmp_path / "bin" / "python3.10", answer, code)
    good = fake_python(tmp_path / ".pyenv/versions/3.10.4/bin/python3.10")
    _, found = bootstrap.find_interpreter((LINE,), environment(tmp_path))
    assert found.path == str(good)


def test_none_at_all_is_said_in_one_line_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(bootstrap.SetupError) as error:
        bootstrap.find_interpreter((LINE,), environment(tmp_path))
    message = str(error.value)
    assert "\n" not in message
    assert "needs Python 3.10" in message
    assert "pyenv install 3.10" in message


def test_the_stamp_changes_with_the_lock_and_the_interpreter(tmp_path: Path) -> None:
    for name in ("lock.txt", bootstrap.BOOTSTRAP_LOCK, "setup.py", "tools/bootstrap.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    one = bootstrap.stamp_of(LINE, bootstrap.Interpreter("/a", "x"), tmp_path)
    assert one == bootstrap.stamp_of(LINE, bootstrap.Interpreter("/a", "x"), tmp_path)
    assert one != bootstrap.stamp_of(LINE, bootstrap.Interpreter("/b", "x"), tmp_path)
    (tmp_path / "lock.txt").write_text("changed")
    assert one != bootstrap.stamp_of(LINE, bootstrap.Interpreter("/a", "x"), tmp_path)


def test_a_failing_step_names_itself_and_leaves_no_stamp(tmp_path: Path) -> None:
    broken = bootstrap.Interpreter(str(fake_python(tmp_path / "python3.10", code=3)), "test")
    with pytest.raises(bootstrap.SetupError, match="stopped at a bare environment"):
        bootstrap.make(LINE, broken, tmp_path / "venv", tmp_path)
    assert not (tmp_path / "venv").exists()


def test_help_of_make_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = {line.split()[1] for line in text.splitlines() if line.startswith(".PHONY:")}
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert {line.split()[0] for line in shown.splitlines()} == targets


def test_the_script_parses_on_old_interpreters() -> None:
    source = (ROOT / "tools" / "bootstrap.py").read_text()
    ast.parse(source, feature_version=(3, 7))
