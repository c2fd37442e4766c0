"""`goalpath versions`, `promote`, `rollback` and `canary`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from serving.version_choice import VersionChoice, read_choice
from tests.pipeline.commands.pushed_commands import ask
from tests.pipeline.commands.test_serve import write_version

Capsys = pytest.CaptureFixture[str]


@pytest.fixture(name="out")
def _out(tmp_path: Path) -> Path:
    for number in (3, 5, 8):
        write_version(tmp_path, number)
    return tmp_path


def labels(capsys: Capsys, out: Path) -> dict[int, str | None]:
    told = json.loads(ask(capsys, "versions", "--out", out, "--json").out)
    return {row["version"]: row["label"] for row in told["versions"]}


def test_a_version_is_promoted_rolled_back_and_let_go(out: Path, capsys: Capsys) -> None:
    assert labels(capsys, out) == {3: None, 5: None, 8: "stable"}
    assert "The newest version answers." in ask(capsys, "versions", "--out", out).out
    assert ask(capsys, "promote", "--out", out, 3).code == 0
    assert labels(capsys, out) == {3: "stable", 5: None, 8: None}
    assert "Version 8 answers" in ask(capsys, "rollback", "--out", out).out
    assert "Version 5 answers" in ask(capsys, "rollback", "--out", out).out
    assert ask(capsys, "promote", "--out", out, "--newest").code == 0
    assert read_choice(out).stable is None


def test_a_canary_begins_and_ends(out: Path, capsys: Capsys) -> None:
    answer = ask(capsys, "canary", "--out", out, 5, "--share", 0.25)
    assert "Version 5 answers 25.0% of students, 8 the others." in answer.out
    assert labels(capsys, out) == {3: None, 5: "canary", 8: "stable"}
    assert "25.0% of students" in ask(capsys, "versions", "--out", out).out
    assert ask(capsys, "canary", "--out", out, "--end").code == 0
    assert read_choice(out) == VersionChoice(stable=8)


@pytest.mark.parametrize(
    "arguments",
    [
        ("promote", 4),
        ("promote",),
        ("promote", 3, "--newest"),
        ("canary", 4),
        ("canary",),
        ("canary", 8),
        ("canary", 5, "--share", 2),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    out: Path, capsys: Capsys, arguments: tuple[object, ...]
) -> None:
    answer = ask(capsys, arguments[0], "--out", out, *arguments[1:])
    assert answer.code == 2
    assert answer.err
    assert read_choice(out) == VersionChoice()
