"""`goalpath recommend`, from the command line to the list of the pushed model."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.commands.pushed_commands import ask
from tests.pushed_run import NUMBER, STRANGER, PushedRun
from tests.trained_run import AS_OF_TEXT

pytestmark = pytest.mark.slow

Capsys = pytest.CaptureFixture[str]
STUDENT = "s00003"
ROOT = Path(__file__).parents[3]


@pytest.mark.usefixtures("loads")
def test_json_is_the_list_of_the_model(pushed: PushedRun, capsys: Capsys) -> None:
    from serving.pushed_model import PushedModel
    from serving.states import read_state

    options = ("--out", pushed.out, "--student", STUDENT, "--top-k", 500, "--json")
    answer = ask(capsys, "recommend", *options)
    assert (answer.code, answer.err) == (0, "")
    model = PushedModel(pushed.version_dir, pushed.config)
    expected = model.recommend(read_state(pushed.states_path, STUDENT), 500)
    assert len(expected) > 10
    assert json.loads(answer.out) == {
        "student_id": STUDENT,
        "version": NUMBER,
        "as_of": AS_OF_TEXT,
        "prediction_method": "full_model",
        "recommendations": [dataclasses.asdict(entry) for entry in expected],
    }


@pytest.mark.usefixtures("loads")
@pytest.mark.parametrize(("option", "length"), [((), 10), (("--top-k", 2), 2)])
def test_the_text_is_the_head_of_the_list(
    pushed: PushedRun, capsys: Capsys, option: tuple[object, ...], length: int
) -> None:
    told = json.loads(
        ask(capsys, "recommend", "--out", pushed.out, "--student", STUDENT, "--json").out
    )["recommendations"]
    answer = ask(capsys, "recommend", "--out", pushed.out, "--student", STUDENT, *option)
    assert answer.code == 0
    lines = [line.split() for line in answer.out.splitlines()]
    assert lines[0] == ["For", "student", f"{STUDENT},", "as", "of", AS_OF_TEXT]
    assert lines[-1] == ["Answered", "by", "full_model,", "version", str(NUMBER)]
    assert lines[1:-1] == [
        [
            str(place),
            entry["engagement_id"],
            entry["engagement_type"],
            f"{entry['score']:.3f}",
        ]
        for place, entry in enumerate(told[:length], start=1)
    ]
    assert len(lines) == length + 2


@pytest.mark.usefixtures("loads")
def test_where_nothing_is_open_the_text_says_so(pushed: PushedRun, capsys: Capsys) -> None:
    answer = ask(capsys, "recommend", "--out", pushed.out, "--student", STRANGER)
    assert answer.code == 0
    assert "no engagement is open to this student now" in answer.out
    answer = ask(capsys, "recommend", "--out", pushed.out, "--student", STRANGER, "--json")
    assert json.loads(answer.out)["recommendations"] == []


@pytest.mark.usefixtures("loads")
def test_top_k_is_at_least_1(pushed: PushedRun, capsys: Capsys) -> None:
    answer = ask(capsys, "recommend", "--out", pushed.out, "--student", STUDENT, "--top-k", 0)
    assert (answer.code, answer.out) == (2, "")
    assert "--top-k" in answer.err


@pytest.mark.usefixtures("loads")
def test_a_process_of_its_own_says_the_same_and_nothing_else(
    pushed: PushedRun, capsys: Capsys
) -> None:
    options = ["recommend", "--out", str(pushed.out), "--student", STUDENT]
    # A level of TensorFlow's messages that a person has set is left as it is.
    silent = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *options],
        cwd=ROOT,
        env=silent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ask(capsys, *options).out
