from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from pipeline import cli

CONFIG = "name: small\nstages: [Inquired, Applied]\ndefault_goal: Applied\n"
EVENTS = "student_id,engagement_id,timestamp,stage_after\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    (place / "goalpath.yaml").write_text(CONFIG)
    (place / "students.csv").write_text("student_id,email\ns1,a@x.org\n")
    (place / "engagements.csv").write_text("engagement_id,engagement_type\ne1,email\n")
    (place / "events.csv").write_text(EVENTS + "s1,e1,2024-01-01,Applied\n")
    return place


def break_events(folder: Path) -> None:
    with (folder / "events.csv").open("a") as events:
        events.write("s1,e1,31/01/2024,\ns8,e1,2024-01-02,\n")


def test_sound_data_are_valid(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["validate", "--data", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "Valid. Next: goalpath run" in out
    assert "not read in students: email" in out


def test_bad_data_are_explained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    break_events(folder)
    assert cli.main(["validate", "--data", str(folder)]) == 2
    out = capsys.readouterr().out
    assert "error  events.timestamp\n  1 row: not a date or time that can be read." in out
    assert "where:  events.csv, row 2" in out
    assert "found:  '31/01/2024'" in out
    assert "%d/%m/%Y" in out
    assert "Not valid: 2 rows would be set aside, and 0 may be" in out
    assert "--max-bad-rows 2" in out


def test_bad_rows_may_be_allowed_and_are_written_out(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    break_events(folder)
    out_dir = tmp_path / "rejected"
    arguments = ["--max-bad-rows", "2", "--quarantine", str(out_dir)]
    assert cli.main(["validate", "--data", str(folder), *arguments]) == 0
    assert "Valid without the 2 rows set aside" in capsys.readouterr().out
    with (out_dir / "events.csv").open(newline="") as lines:
        assert [row["row"] for row in csv.DictReader(lines)] == ["2", "3"]


def test_json_is_the_report_and_nothing_else(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    break_events(folder)
    assert cli.main(["validate", "--data", str(folder), "--json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert report["rows_set_aside"] == 2
    assert [(p["rule"], p["rows"][0]["row"]) for p in report["problems"]] == [
        ("bad_date", 2),
        ("unknown_student", 3),
    ]


def test_an_error_that_no_number_of_rows_mends_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "students.csv").unlink()
    assert cli.main(["validate", "--data", str(folder), "--max-bad-rows", "100"]) == 2
    out = capsys.readouterr().out
    assert "1 error stops a run" in out
    assert "students.csv.gz" in out


def test_a_missing_configuration_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["validate", "--data", str(tmp_path)]) == 2
    assert "goalpath.yaml" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["--data"], ["--data", "x", "--max-bad-rows", "-1"], ["--data", "x", "more"]]
)
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["validate", *arguments]) == 2
    assert "Error: " in capsys.readouterr().err


def test_no_colours_where_there_is_no_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["validate", "--data", str(folder)])
    assert "\x1b" not in capsys.readouterr().out
