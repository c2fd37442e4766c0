"""`predict --goal`, `recommend --goal` and `score`, from the command line to the answer."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.commands.score import write_scores
from schemas import names
from serving.bulk_scores import SCHEMA
from tests.pipeline.commands.pushed_commands import ask
from tests.pushed_run import ENDED_STUDENT, NUMBER, STRANGER, PushedRun
from tests.trained_run import AS_OF_TEXT

pytestmark = pytest.mark.slow

Capsys = pytest.CaptureFixture[str]
STUDENT = "s00003"


@pytest.mark.usefixtures("loads")
def test_predict_a_goal(pushed: PushedRun, capsys: Capsys) -> None:
    goal = pushed.config.stages[-1]
    options = ("--out", pushed.out, "--student", STUDENT, "--goal", goal)
    answer = ask(capsys, "predict", *options, "--json")
    assert (answer.code, answer.err) == (0, "")
    told = json.loads(answer.out)
    assert (told["version"], told["as_of"]) == (NUMBER, AS_OF_TEXT)
    prediction = told["readiness"]["prediction"]
    assert (prediction["goal"], prediction["prediction_method"]) == (goal, "full_model")
    text = ask(capsys, "predict", *options).out
    assert f"reach {goal} within" in text
    assert f"{prediction['likelihood']:6.1%}" in text
    for reason in prediction["reasons"]:
        assert f"{reason['log_odds']:+.2f}  {reason['text']}" in text
    for each in told["improvements"]:
        assert each["engagement_id"] in text
    assert f"Answered by full_model, version {NUMBER}" in text


@pytest.mark.usefixtures("loads")
def test_predict_a_goal_of_a_student_who_has_ended(pushed: PushedRun, capsys: Capsys) -> None:
    goal = pushed.config.stages[-1]
    options = ("--out", pushed.out, "--student", ENDED_STUDENT, "--goal", goal)
    answer = ask(capsys, "predict", *options)
    assert answer.code == 0
    assert "(recorded, not predicted)" in answer.out
    assert "Answered by recorded" in answer.out


@pytest.mark.usefixtures("loads")
@pytest.mark.parametrize("command", ["predict", "recommend"])
def test_an_unknown_goal_is_bad_input(pushed: PushedRun, capsys: Capsys, command: str) -> None:
    options = ("--out", pushed.out, "--student", STUDENT, "--goal", "graduated")
    answer = ask(capsys, command, *options)
    assert (answer.code, answer.out) == (2, "")
    assert ", ".join(pushed.config.stages) in answer.err


def test_a_goal_and_an_engagement_are_not_asked_about_at_once(
    pushed: PushedRun, capsys: Capsys
) -> None:
    options = ("--out", pushed.out, "--student", STUDENT, "--goal", "x", "--engagement", "y")
    answer = ask(capsys, "predict", *options)
    assert answer.code == 2
    assert "`goalpath recommend --goal STAGE`" in answer.err


@pytest.mark.usefixtures("loads")
def test_recommend_for_a_goal(pushed: PushedRun, capsys: Capsys) -> None:
    goal = pushed.config.stages[-1]
    options = ("--out", pushed.out, "--student", STUDENT, "--goal", goal, "--top-k", 3)
    told = json.loads(ask(capsys, "recommend", *options, "--json").out)
    assert (told["goal"], told["student_id"], told["version"]) == (goal, STUDENT, NUMBER)
    ranked = told["recommendations"]
    assert [each["rank"] for each in ranked] == [1, 2, 3]
    gains = [each["gain"] for each in ranked]
    assert gains == sorted(gains, reverse=True)
    lines = ask(capsys, "recommend", *options).out.splitlines()
    assert lines[0] == f"For student {STUDENT} to reach {goal}, as of {AS_OF_TEXT}"
    listed = [line.split() for line in lines if line.endswith("points")]
    assert [line[1] for line in listed] == [each["engagement_id"] for each in ranked]


@pytest.mark.usefixtures("loads")
def test_recommend_says_where_nothing_can_be_offered(pushed: PushedRun, capsys: Capsys) -> None:
    options = ("--out", pushed.out, "--student", STRANGER, "--goal", pushed.config.stages[-1])
    answer = ask(capsys, "recommend", *options)
    assert answer.code == 0
    assert "nothing to offer" in answer.out


@pytest.mark.usefixtures("loads")
def test_scores_as_parquet_and_csv_are_the_same(
    pushed: PushedRun, capsys: Capsys, tmp_path: Path
) -> None:
    goal = pushed.config.default_goal
    parquet, text = tmp_path / "scores.parquet", tmp_path / "scores.csv"
    answer = ask(capsys, "score", "--out", pushed.out, "--output", parquet)
    assert answer.code == 0
    assert answer.out == f"{len(pushed.states)} students, as of {AS_OF_TEXT}: {parquet}\n"
    assert f"scored {len(pushed.states)} of {len(pushed.states)} students" in answer.err
    rows = pq.read_table(parquet).to_pylist()
    assert {row["goal"] for row in rows} == {goal}
    ask(capsys, "score", "--out", pushed.out, "--output", text, "--goal", goal)
    with text.open(newline="") as file:
        told = list(csv.DictReader(file))
    assert [row[names.STUDENT_ID] for row in told] == [row[names.STUDENT_ID] for row in rows]
    for one, other in zip(told, rows, strict=True):
        assert float(one[names.GOAL_LIKELIHOOD]) == pytest.approx(other[names.GOAL_LIKELIHOOD])
        assert (one[names.RISK] == "") == (other[names.RISK] is None)


def test_scores_of_another_ending_are_refused(pushed: PushedRun, capsys: Capsys) -> None:
    answer = ask(capsys, "score", "--out", pushed.out, "--output", "scores.xlsx")
    assert answer.code == 2
    assert "scores.xlsx" in answer.err
    assert ".parquet or .csv" in answer.err


def test_scores_that_stop_half_way_leave_what_was_there(tmp_path: Path) -> None:
    output = tmp_path / "scores.csv"
    output.write_text("of before")

    def failing() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pylist([], schema=SCHEMA)
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        write_scores(failing(), output)
    assert output.read_text() == "of before"
    assert list(tmp_path.iterdir()) == [output]
