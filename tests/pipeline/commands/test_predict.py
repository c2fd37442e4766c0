"""`goalpath predict`, from the command line to the numbers of the pushed model."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from schemas import names
from serving.versions import manifest_path, read_manifest, serving_dir, states_path
from tests.pipeline.commands.pushed_commands import ask
from tests.pushed_run import ENDED_STUDENT, NUMBER, PushedRun
from tests.trained_run import AS_OF_TEXT

pytestmark = pytest.mark.slow

Capsys = pytest.CaptureFixture[str]
STUDENT = "s00000"


@pytest.fixture(name="closed", scope="module")
def _closed(pushed: PushedRun) -> str:
    """An engagement that is not open now."""
    import numpy as np

    from serving.catalogue import read_catalogue
    from serving.state_candidates import eligible
    from tests.trained_run import AS_OF

    path = pushed.version_dir / names.ASSETS_EXTRA / names.CATALOGUE_FILE
    rows = read_catalogue(path, b"north")
    can_have = eligible(rows, t=AS_OF, window_days=pushed.config.ranking.window_days)
    return str(rows.features[names.C_ID][np.flatnonzero(~can_have)[0]].decode())


@pytest.mark.usefixtures("loads")
def test_json_is_the_whole_answer(pushed: PushedRun, capsys: Capsys, closed: str) -> None:
    from serving.pushed_model import PushedModel
    from serving.states import read_state

    options = ("--out", pushed.out, "--student", STUDENT, "--engagement", closed, "--json")
    answer = ask(capsys, "predict", *options)
    assert (answer.code, answer.err) == (0, "")
    model = PushedModel(pushed.version_dir, pushed.config)
    expected = model.predict(read_state(pushed.states_path, STUDENT), closed)
    assert json.loads(answer.out) == {
        **dataclasses.asdict(expected),
        "version": NUMBER,
        "as_of": AS_OF_TEXT,
    }


@pytest.mark.usefixtures("loads")
def test_the_text_says_the_same_in_words(pushed: PushedRun, capsys: Capsys, closed: str) -> None:
    options = ("--out", pushed.out, "--student", STUDENT, "--engagement", closed)
    told = json.loads(ask(capsys, "predict", *options, "--json").out)
    answer = ask(capsys, "predict", *options)
    assert answer.code == 0
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    given = told["given"]
    assert lines == [
        f"Student {STUDENT}, stage {told['stage']}, as of {AS_OF_TEXT}",
        f"next step within 28 days {100 * told['likelihood']:.1f}%",
        f"lost or silent for 28 days {100 * told['risk']:.1f}% ({told['risk_level']})",
        f"were {closed} next (not open to the student now)",
        f"next step {100 * given['likelihood']:.1f}%",
        f"lost or silent {100 * given['risk']:.1f}%",
        f"ranking score {given['ranking_score']:.3f}",
        f"Answered by full_model, version {NUMBER}",
    ]


@pytest.mark.usefixtures("loads")
def test_without_an_engagement_nothing_is_said_of_one(pushed: PushedRun, capsys: Capsys) -> None:
    answer = ask(capsys, "predict", "--out", pushed.out, "--any-student")
    assert answer.code == 0
    assert len(answer.out.splitlines()) == 4
    assert answer.out.startswith(f"Student {STUDENT}, ")
    told = json.loads(ask(capsys, "predict", "--out", pushed.out, "--any-student", "--json").out)
    assert told["given"] is None


@pytest.mark.usefixtures("loads")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--student", "nobody"), "'nobody'"),
        (("--student", ENDED_STUDENT), f"student {ENDED_STUDENT}"),
        (("--student", STUDENT, "--engagement", "nothing"), "'nothing'"),
        ((), "exactly one of --student ID and --any-student"),
    ],
    ids=["unknown student", "ended student", "unknown engagement", "no student"],
)
def test_what_cannot_be_answered_is_an_error_and_no_number(
    pushed: PushedRun, capsys: Capsys, options: tuple[str, ...], said: str
) -> None:
    for command in ("predict", "recommend"):
        if command == "recommend" and "--engagement" in options:
            continue
        answer = ask(capsys, command, "--out", pushed.out, *options, "--json")
        assert (answer.code, answer.out) == (2, "")
        assert answer.err.startswith("error: ")
        assert said in answer.err


@pytest.fixture(name="out")
def _out(pushed: PushedRun, tmp_path: Path) -> Path:
    """A copy of the folder, to push into."""
    return Path(shutil.copytree(pushed.out, tmp_path / "out"))


def push_again(out: Path, number: int) -> Path:
    """The pushed version once more, under another number."""
    folder = serving_dir(out, "goalpath")
    copy = Path(shutil.copytree(folder / str(NUMBER), folder / str(number)))
    manifest = {**read_manifest(copy), "version": number}
    manifest_path(copy).write_text(json.dumps(manifest))
    shutil.copytree(states_path(out, NUMBER).parent, states_path(out, number).parent)
    return copy


def version_told(capsys: Capsys, out: Path) -> set[int]:
    answers = [
        ask(capsys, command, "--out", out, "--student", STUDENT, "--json")
        for command in ("predict", "recommend")
    ]
    assert [answer.code for answer in answers] == [0, 0]
    return {json.loads(answer.out)["version"] for answer in answers}


def test_the_newest_whole_version_answers(out: Path, capsys: Capsys, loads: list[str]) -> None:
    # 999 is the newer of two by its text, and the older by its number.
    push_again(out, 999)
    push_again(out, NUMBER + 1)
    half = push_again(out, NUMBER + 2)
    manifest_path(half).unlink()
    push_again(out, NUMBER + 3)
    states_path(out, NUMBER + 3).unlink()
    shutil.move(push_again(out, NUMBER + 4), serving_dir(out, "goalpath") / ".partial-9")
    assert version_told(capsys, out) == {NUMBER + 1}
    shutil.rmtree(serving_dir(out, "goalpath") / str(NUMBER + 1))
    assert version_told(capsys, out) == {NUMBER}
    assert [Path(folder).name for folder in loads] == [str(NUMBER + 1)] * 2 + [str(NUMBER)] * 2


def test_without_a_whole_version_nothing_answers(out: Path, capsys: Capsys) -> None:
    states_path(out, NUMBER).unlink()
    answer = ask(capsys, "predict", "--out", out, "--student", STUDENT)
    assert (answer.code, answer.out) == (2, "")
    assert "no complete version" in answer.err
    assert "goalpath run" in answer.err
