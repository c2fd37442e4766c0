"""Bad input from end to end: `validate` and `run` say what, where, found and the remedy.

The rules one by one are in tests/schemas; here is what a person at a terminal gets.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import cli
from pipeline.exit_codes import ExitCode
from tests.e2e import small_data
from tests.e2e.forks import Forks
from tests.e2e.runs import read_summary

Change = Callable[[Path], None]
Said = dict[str, str]


def append(file: str, line: str) -> Change:
    def change(folder: Path) -> None:
        with (folder / file).open("a") as table:
            table.write(f"{line}\n")

    return change


def empty_events(folder: Path) -> None:
    header = (folder / "events.csv").read_text().splitlines()[0]
    (folder / "events.csv").write_text(f"{header}\n")


def rename_column(folder: Path) -> None:
    text = (folder / "events.csv").read_text()
    (folder / "events.csv").write_text(text.replace("timestamp", "moment", 1))


def repeat_the_first_event(folder: Path) -> None:
    append("events.csv", (folder / "events.csv").read_text().splitlines()[1])(folder)


@pytest.fixture(name="sound", scope="module")
def _sound(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small data without the rows that are bad on purpose."""
    folder = tmp_path_factory.mktemp("sound") / "data"
    shutil.copytree(small, folder)
    lines = (folder / "events.csv").read_text().splitlines()[: -small_data.BAD_ROWS]
    (folder / "events.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(name="last_row", scope="module")
def _last_row(sound: Path) -> int:
    """The number of the row that one appended to the events gets."""
    return len((sound / "events.csv").read_text().splitlines())


@pytest.fixture(name="folder")
def _folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "data"))


def parts(text: str) -> Said:
    """The parts of an error message, each on one line."""
    said: dict[str, list[str]] = {}
    label = ""
    for line in text.splitlines():
        head, _, rest = line.partition(": ")
        if head in ("error", "where", "received", "remedy"):
            label = head
            said[label] = [rest]
        elif label:
            said[label].append(line)
    return {label: " ".join(" ".join(lines).split()) for label, lines in said.items()}


def flat(text: str) -> str:
    return " ".join(text.split())


@dataclasses.dataclass(frozen=True)
class Case:
    """One thing that is wrong, and what has to be said of it.

    Attributes:
      change: makes a sound folder wrong.
      where: table and column.
      rule: what is wrong.
      remedy: part of it.
      found: how the value begins that is shown.
    """

    change: Change
    where: str
    rule: str
    remedy: str
    found: str = ""

    @property
    def table(self) -> str:
        return self.where.partition(".")[0]

    @property
    def column(self) -> str:
        return self.where.partition(".")[2]


BLOCKING = {
    "empty table": Case(empty_events, "events", "No rows", "export the rows"),
    "missing column": Case(
        rename_column,
        "events.timestamp",
        "The file has no such column",
        "events.csv has: student_id, engagement_id, moment",
    ),
}
BAD_ROWS = {
    "stage out of the list": Case(
        append("events.csv", "S000001,E0069,2025-01-03T20:39:36Z,clicked,,Enroled"),
        "events.stage_after",
        "not one of the configured stages",
        "under stage_aliases in goalpath.yaml",
        "Enroled",
    ),
    "event from the future": Case(
        append("events.csv", "S000001,E0069,2999-01-03T20:39:36Z,clicked,,"),
        "events.timestamp",
        "in the future",
        "check the timezone",
        "2999-01-03T20:39:36Z",
    ),
    "duplicate event": Case(
        repeat_the_first_event,
        "events.timestamp",
        "the same event as an earlier row",
        "export each event once",
        "2024-",
    ),
    "unknown engagement": Case(
        append("events.csv", "S000001,E9999,2025-01-03T20:39:36Z,clicked,,"),
        "events.engagement_id",
        "an engagement that the engagements table does not have",
        "add the engagement, or leave the row out",
        "E9999",
    ),
}


@pytest.fixture(name="blocking", params=BLOCKING.values(), ids=BLOCKING)
def _blocking(request: pytest.FixtureRequest, folder: Path) -> Case:
    case: Case = request.param
    case.change(folder)
    return case


@pytest.fixture(name="bad_row", params=BAD_ROWS.values(), ids=BAD_ROWS)
def _bad_row(request: pytest.FixtureRequest, folder: Path) -> Case:
    case: Case = request.param
    case.change(folder)
    return case


def test_a_table_that_cannot_be_used_is_explained(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    blocking: Case,
) -> None:
    assert cli.main(["validate", "--data", str(folder), "--max-bad-rows", "9999"]) == 2
    said = flat(capsys.readouterr().out)
    assert f"error {blocking.where} {blocking.rule}" in said
    assert blocking.remedy in said
    assert "1 error stops a run, whatever rows are left out" in said


def test_a_run_refuses_a_table_that_cannot_be_used(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    blocking: Case,
) -> None:
    arguments = ["--data", str(folder), "--out", str(tmp_path / "out"), "--max-bad-rows", "9999"]
    assert cli.main(["run", *arguments]) == 2
    said = parts(capsys.readouterr().err)
    assert said["error"] == "the data must pass the checks."
    assert said["where"] == str(folder)
    assert f"table {blocking.table}" in said["received"]
    assert blocking.column in said["received"]
    assert blocking.rule.lower() in said["received"]
    assert f"goalpath validate --data {folder}" in said["remedy"]
    assert "--max-bad-rows" not in said["remedy"], "that would not help"


def test_a_bad_row_is_explained_and_written_out(
    folder: Path,
    tmp_path: Path,
    last_row: int,
    capsys: pytest.CaptureFixture[str],
    bad_row: Case,
) -> None:
    aside = tmp_path / "aside"
    assert cli.main(["validate", "--data", str(folder), "--quarantine", str(aside)]) == 2
    said = flat(capsys.readouterr().out)
    assert f"error {bad_row.where} 1 row: {bad_row.rule}" in said
    assert f"where: events.csv, row {last_row} found: '{bad_row.found}" in said
    assert bad_row.remedy in said
    assert "1 row would be set aside, and 0 may be (--max-bad-rows)" in said
    rows = pl.read_csv(aside / "events.csv")
    assert rows["row"].to_list() == [last_row]


def test_a_run_refuses_a_bad_row_and_says_how_to_go_on_without_it(
    folder: Path,
    tmp_path: Path,
    last_row: int,
    capsys: pytest.CaptureFixture[str],
    bad_row: Case,
) -> None:
    out = tmp_path / "out"
    assert cli.main(["run", "--data", str(folder), "--out", str(out)]) == 2
    said = parts(capsys.readouterr().err)
    assert said["error"] == (
        "the data must pass the checks: 1 row would be set aside, and 0 may be."
    )
    assert said["where"] == str(folder)
    assert (
        f"{bad_row.table} (events.csv), column {bad_row.column}, row {last_row}: {bad_row.rule}"
        in said["received"]
    )
    assert f"found '{bad_row.found}" in said["received"]
    assert "--max-bad-rows 1 would go on without these rows" in said["remedy"]
    summary = read_summary(out)
    assert (summary["status"], summary["exit_code"]) == ("failed", 2)
    assert summary["error"]["rule"] == said["error"]
    assert {node["state"] for node in summary["nodes"]} == {"not run"}
    assert not (out / "serving").exists()


def test_a_student_without_events_is_noted_and_stops_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["validate", "--data", str(folder)]) == 0
    said = flat(capsys.readouterr().out)
    assert "note students 2 rows: without a single event" in said
    assert "Valid. Next: goalpath run" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--data"),
        (["--data", "d", "--out", "o", "--runner", "spark"], "spark"),
        (["--data", "d", "--out", "o", "--window-days", "0"], "window-days"),
        (["--data", "d", "--out", "o", "--max-bad-rows", "x"], "x"),
        (["--data", "d", "--out", "o", "--colour"], "--colour"),
    ],
)
def test_wrong_usage_of_run_is_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run", *arguments]) == ExitCode.BAD_INPUT
    assert message in capsys.readouterr().err


def test_an_as_of_that_is_no_date_is_2(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["--data", str(folder), "--out", str(out), "--as-of", "soon"]
    assert cli.main(["run", *arguments]) == 2
    said = parts(capsys.readouterr().err)
    assert said["where"] == "--as-of"
    assert said["received"] == "'soon'"
    assert "2026-09-01" in said["remedy"]
    assert not out.exists()


def one_student(folder: Path) -> None:
    """The student with the most events, alone."""
    events = pl.read_csv(folder / "events.csv", infer_schema=False)
    busiest = events["student_id"].value_counts(sort=True)["student_id"][0]
    for table in ("students", "events", "stage_changes"):
        path = folder / f"{table}.csv"
        rows = pl.read_csv(path, infer_schema=False)
        rows.filter(pl.col("student_id") == busiest).write_csv(path)


def horizons_past_the_end(folder: Path) -> None:
    """No label's window ends within the data."""
    config = (folder / "goalpath.yaml").read_text()
    assert "likelihood_days: 14, risk_days: 14" in config
    config = config.replace(
        "likelihood_days: 14, risk_days: 14", "likelihood_days: 400, risk_days: 400"
    )
    (folder / "goalpath.yaml").write_text(config + "split: {method: time, embargo_days: 0}\n")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            one_student,
            {
                "error": "each of the splits needs snapshots.",
                "received": "students in all: 1",
                "remedy": "give more students",
            },
            id="one student only",
        ),
        pytest.param(
            horizons_past_the_end,
            {
                "error": "some labels of each head must be known: their window has to end within "
                "the data.",
                "received": "a horizon of 400 days;",
                "remedy": "set horizons.likelihood_days to fewer days",
            },
            id="all labels unknown",
        ),
    ],
)
def test_data_that_cannot_teach_are_refused_before_anything_is_trained(
    folder: Path, tmp_path: Path, forks: Forks, change: Change, expected: dict[str, Any]
) -> None:
    change(folder)
    out = tmp_path / "out"
    done = forks.goalpath("validate", "--data", folder)
    assert done.code == 0, done.out
    done = forks.goalpath("run", "--data", folder, "--out", out)
    assert done.code == 1, done.err
    said = parts(done.err)
    assert said["where"].startswith("EventExampleGen: split ")
    for part, text in expected.items():
        assert text in said[part], said
    assert set(said) == {"error", "where", "received", "remedy"}
    assert not (out / "serving").exists()
