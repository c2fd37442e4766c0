"""The search for an interpreter, on trees made for the test."""

from __future__ import annotations

import ast
import platform
import stat
import subprocess
from pathlib import Path

import pytest

from tools import bootstrap

ROOT = Path(__file__).resolve().parents[2]
OLD_LINUX = bootstrap.System("Linux", "x86_64", (2, 36))
NEW_LINUX = bootstrap.System("Linux", "x86_64", (2, 41))
LINE = bootstrap.Line("1.0", ("3.10",), (bootstrap.System("Linux", "x86_64", (2, 17)),), "lock.txt")


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
    found = bootstrap.choose((LINE,), OLD_LINUX, environment(tmp_path)).interpreter
    assert found == (str(on_path), "on the PATH")


def test_the_newest_patch_of_pyenv_is_taken_by_number_not_by_text(tmp_path: Path) -> None:
    fake_python(tmp_path / ".pyenv/versions/3.10.9/bin/python3.10")
    newest = fake_python(tmp_path / ".pyenv/versions/3.10.13/bin/python3.10")
    found = bootstrap.choose((LINE,), OLD_LINUX, environment(tmp_path)).interpreter
    assert found == (str(newest), "pyenv's 3.10.13")


def test_pyenv_root_and_uv_are_searched(tmp_path: Path) -> None:
    uv = fake_python(
        tmp_path / ".local/share/uv/python/cpython-3.10.7-linux-x86_64-gnu/bin/python3.10"
    )
    found = bootstrap.choose((LINE,), OLD_LINUX, environment(tmp_path)).interpreter
    assert found.path == str(uv)
    elsewhere = fake_python(tmp_path / "py/versions/3.10.1/bin/python3.10")
    found = bootstrap.choose(
        (LINE,), OLD_LINUX, environment(tmp_path, PYENV_ROOT=str(tmp_path / "py"))
    ).interpreter
    assert found.path == str(elsewhere)


@pytest.mark.parametrize(("answer", "code"), [("3.11", 0), ("3.10", 127)])
def test_an_interpreter_that_lies_or_fails_is_passed_over(
    tmp_path: Path, answer: str, code: int
) -> None:
    # A pyenv shim is on the PATH and fails where no version is selected.
    fake_python(tmp_path / "bin" / "python3.10", answer, code)
    good = fake_python(tmp_path / ".pyenv/versions/3.10.4/bin/python3.10")
    found = bootstrap.choose((LINE,), OLD_LINUX, environment(tmp_path)).interpreter
    assert found.path == str(good)


def test_none_at_all_is_said_in_one_line_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(bootstrap.SetupError) as error:
        bootstrap.choose((LINE,), OLD_LINUX, environment(tmp_path))
    message = str(error.value)
    assert "\n" not in message
    assert "needs Python 3.10" in message
    assert "pyenv install 3.10" in message


@pytest.mark.parametrize(
    ("system", "pythons", "version", "python", "reason"),
    [
        # What the two lines are for: Debian 12 and 13, each with all interpreters.
        (OLD_LINUX, ["3.10", "3.11", "3.13"], "1.16", "3.10", "glibc 2.36, and TFX 1.21 needs"),
        (NEW_LINUX, ["3.10", "3.11", "3.13"], "1.21", "3.13", "the newest line"),
        (NEW_LINUX, ["3.10", "3.11"], "1.21", "3.11", "Linux x86_64 with glibc 2.41"),
        # An old interpreter alone on a new system.
        (NEW_LINUX, ["3.10"], "1.16", "3.10", "no Python 3.13 or 3.12 or 3.11 for TFX 1.21"),
        # On the border: 2.39 itself, and 2.4 is older though its text is greater.
        (NEW_LINUX._replace(glibc=(2, 39)), ["3.10", "3.12"], "1.21", "3.12", "glibc 2.39"),
        (NEW_LINUX._replace(glibc=(2, 38)), ["3.10", "3.12"], "1.16", "3.10", "glibc 2.38"),
        (bootstrap.System("Darwin", "arm64", None), ["3.10", "3.13"], "1.21", "3.13", "Darwin"),
        (bootstrap.System("Darwin", "x86_64", None), ["3.10", "3.13"], "1.16", "3.10", "Darwin"),
    ],
)
def test_the_line_follows_from_the_system_and_the_interpreters(  # noqa: PLR0917
    tmp_path: Path,
    system: bootstrap.System,
    pythons: list[str],
    version: str,
    python: str,
    reason: str,
) -> None:
    for each in pythons:
        fake_python(tmp_path / "bin" / f"python{each}", each)
    choice = bootstrap.choose(bootstrap.LINES, system, environment(tmp_path))
    assert choice.line.version == version
    assert choice.interpreter.path == str(tmp_path / "bin" / f"python{python}")
    assert reason in choice.reason


@pytest.mark.parametrize(
    "system",
    [
        bootstrap.System("Linux", "aarch64", (2, 41)),
        bootstrap.System("Linux", "x86_64", None),  # musl
        bootstrap.System("Linux", "x86_64", (2, 4)),
        bootstrap.System("Windows", "AMD64", None),
    ],
)
def test_a_machine_without_wheels_is_told_what_they_are_for(
    tmp_path: Path, system: bootstrap.System
) -> None:
    fake_python(tmp_path / "bin/python3.10")
    with pytest.raises(bootstrap.SetupError) as error:
        bootstrap.choose(bootstrap.LINES, system, environment(tmp_path))
    assert f"this is {bootstrap.shown(system)}" in str(error.value)
    assert "TFX 1.21 needs Linux x86_64 with glibc 2.39 or later or Darwin arm64" in str(
        error.value
    )


def test_the_variable_asks_for_a_line(tmp_path: Path) -> None:
    for python in ("3.10", "3.13"):
        fake_python(tmp_path / "bin" / f"python{python}", python)
    choice = bootstrap.choose(
        bootstrap.LINES, NEW_LINUX, environment(tmp_path, GOALPATH_TFX="1.16")
    )
    assert choice.line.version == "1.16"
    assert choice.reason == "GOALPATH_TFX=1.16 asks for it"


def test_a_line_asked_for_is_not_replaced_by_another(tmp_path: Path) -> None:
    fake_python(tmp_path / "bin/python3.10")
    asked = environment(tmp_path, GOALPATH_TFX="1.21")
    with pytest.raises(bootstrap.SetupError, match=r"this is Linux x86_64 with glibc 2\.36"):
        bootstrap.choose(bootstrap.LINES, OLD_LINUX, asked)
    with pytest.raises(bootstrap.SetupError, match=r"needs Python 3\.13 or 3\.12 or 3\.11 here"):
        bootstrap.choose(bootstrap.LINES, NEW_LINUX, asked)


def test_an_unknown_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        bootstrap.SetupError, match=r"GOALPATH_TFX must be 1\.21 or 1\.16.*Received: 1\.17\."
    ):
        bootstrap.choose(bootstrap.LINES, NEW_LINUX, environment(tmp_path, GOALPATH_TFX="1.17"))


def test_the_variable_asks_for_a_version_of_python(tmp_path: Path) -> None:
    for python in ("3.11", "3.12"):
        fake_python(tmp_path / "bin" / f"python{python}", python)
    asked = environment(tmp_path, GOALPATH_PYTHON="3.11")
    choice = bootstrap.choose(bootstrap.LINES, NEW_LINUX, asked)
    assert choice.interpreter.path == str(tmp_path / "bin/python3.11")
    asked["GOALPATH_PYTHON"] = "3.9"
    with pytest.raises(bootstrap.SetupError, match=r"GOALPATH_PYTHON .* Received: 3\.9\."):
        bootstrap.choose(bootstrap.LINES, NEW_LINUX, asked)


def test_the_system_of_this_machine_is_read() -> None:
    system = bootstrap.this_system()
    assert system[:2] == (platform.system(), platform.machine())
    library, version = platform.libc_ver()
    if library == "glibc":
        assert system.glibc == tuple(int(part) for part in version.split("."))


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
