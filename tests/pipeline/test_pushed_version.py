"""What `predict` and `recommend` say where they cannot answer; no model is loaded."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pipeline.pushed_version import open_pushed, without_greetings
from schemas.errors import InputError
from serving.versions import NoVersionError


@pytest.mark.parametrize(("student", "any_student"), [(None, False), ("s1", True)])
def test_exactly_one_way_to_name_the_student(
    tmp_path: Path, student: str | None, any_student: bool
) -> None:
    with pytest.raises(InputError, match="exactly one"):
        open_pushed(tmp_path, student=student, any_student=any_student)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Received: none") as error:
        open_pushed(tmp_path, student="s1", any_student=False)
    assert error.value.exit_code == 2


def test_a_half_pushed_version_answers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "serving.pushed_model", raising=False)
    (tmp_path / "serving" / "goalpath" / "7").mkdir(parents=True)
    with pytest.raises(NoVersionError):
        open_pushed(tmp_path, student="s1", any_student=False)
    assert "serving.pushed_model" not in sys.modules


LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def test_what_libraries_greet_with_is_kept_from_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(LEVEL, raising=False)
    with without_greetings():
        os.write(2, b"hello\n")
        assert os.environ[LEVEL] == "3"
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"
    monkeypatch.delenv(LEVEL)


def test_what_they_said_is_told_where_they_fail(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(LEVEL, raising=False)

    def fail() -> None:
        os.write(2, b"why\n")
        raise RuntimeError("no kernel")

    with pytest.raises(RuntimeError, match="no kernel"), without_greetings():
        fail()
    assert capfd.readouterr().err == "why\n"
    monkeypatch.delenv(LEVEL)


def test_a_level_that_a_person_set_keeps_nothing_from_them(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(LEVEL, "0")
    with without_greetings():
        os.write(2, b"hello\n")
    assert capfd.readouterr().err == "hello\n"
