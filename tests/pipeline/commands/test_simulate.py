"""`goalpath simulate`."""

from __future__ import annotations

from click.testing import CliRunner

from pipeline.commands.simulate import command
from schemas.errors import InputError


def _run(*arguments):
    return CliRunner().invoke(command, list(map(str, arguments)))


def test_says_what_was_written(tmp_path):
    out = tmp_path / "data"
    result = _run("--students", 30, "--seed", 4, "--weeks", 8, "--out", out)
    assert result.exit_code == 0, result.output
    assert "students 30, events " in result.output
    assert "Students that reached: Awareness 100.0%, Interest " in result.output
    assert "Students that were lost: " in result.output
    assert "simulated 30 of 30 students" in result.output
    assert (out / "goalpath.yaml").is_file()


def test_does_not_overwrite_without_force(tmp_path):
    arguments = ("--students", 2, "--weeks", 2, "--out", tmp_path / "data")
    assert _run(*arguments).exit_code == 0
    again = _run(*arguments)
    assert isinstance(again.exception, InputError)
    assert "--force" in str(again.exception)
    assert _run(*arguments, "--force").exit_code == 0


def test_writes_csv_and_other_worlds(tmp_path):
    out = tmp_path / "data"
    options = ("--format", "csv", "--profile", "intense", "--start", "2023-01-02")
    result = _run("--students", 20, "--weeks", 10, "--out", out, *options)
    assert result.exit_code == 0, result.output
    assert (out / "events.csv").read_text().startswith("student_id,engagement_id,timestamp")
    assert "2023-0" in (out / "events.csv").read_text()


def test_says_when_nothing_happened(tmp_path):
    result = _run("--students", 1, "--weeks", 1, "--out", tmp_path / "data")
    assert result.exit_code == 0, result.output
    assert "events 0" in result.output
    assert "simulate more students or more weeks" in result.output
