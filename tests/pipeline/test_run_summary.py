"""run.json, and the few lines a person reads."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path

import pytest

from pipeline.exit_codes import ExitCode
from pipeline.failures import failure
from pipeline.missed_threshold import MissedThreshold
from pipeline.node_events import Cause, Happening, NodeEvent
from pipeline.run_summary import (
    Blessing,
    RunInputs,
    RunOutcome,
    RunRecord,
    missed,
    replace_json,
    summarise,
    write_json,
)
from pipeline.run_text import describe_run
from schemas import names

HEADS = {
    names.RANKING_SCORE: {"ndcg_at_10": 0.5, "recall_at_10": 0.25, "lists": 1234.0},
    names.LIKELIHOOD: {"auc": 0.75, "pr_auc": 0.4, "log_loss": 0.3, "calibration_error": 0.02},
    names.RISK: {"auc": 0.8, "pr_auc": 0.6, "log_loss": None, "calibration_error": 0.01},
}
MISSED = MissedThreshold(names.RISK, "auc", 0.512, 0.55, is_change=False)


def record(*events: NodeEvent) -> RunRecord:
    return RunRecord(
        run_id="r1",
        started=100.0,
        finished=190.0,
        inputs=RunInputs("data", "f", "", 0, "name", "code", "digest", "beam"),
        nodes=("A", "B", "C"),
        events=events,
        quarantined={"events": 3, "students": 0},
        log="logs/r1.log",
    )


def outcome(**changes: object) -> RunOutcome:
    values: dict[str, object] = {
        "as_of": "2026-01-01T00:00:00+00:00",
        "examples": {"train": 1000, "eval": 200},
        "metrics": {"overall": HEADS, "stage=First": HEADS},
        "baseline": "",
        "baseline_skipped": "",
        "baseline_metrics": {},
        "blessings": (Blessing("Evaluator", True), Blessing("ModelValidator", True)),
        "version": "17",
        "version_path": "out/serving/goalpath/17",
        "pushed_now": True,
    }
    return RunOutcome(**{**values, **changes})


EVENTS = (
    NodeEvent("A", Happening.STARTED, 100.0, input_bytes=5),
    NodeEvent("A", Happening.CACHED, 100.5),
    NodeEvent("B", Happening.STARTED, 101.0),
    NodeEvent("", Happening.PROGRESS, 110.0, text="epoch 1"),
    NodeEvent("B", Happening.RAN, 131.25),
)


def test_nodes_have_state_time_and_input() -> None:
    summary = summarise(record(*EVENTS), outcome(), None)
    assert summary["nodes"] == [
        {"node": "A", "state": "cached", "seconds": 0.5, "input_bytes": 5},
        {"node": "B", "state": "ran", "seconds": 30.25, "input_bytes": None},
        {"node": "C", "state": "not run", "seconds": None, "input_bytes": None},
    ]
    assert summary["seconds"] == 90.0
    assert summary["quarantined_rows"] == {"events": 3, "students": 0}


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({}, "pushed", ExitCode.DONE),
        ({"pushed_now": False}, "unchanged", ExitCode.DONE),
        (
            {"version": "", "version_path": "", "pushed_now": False},
            "not_blessed",
            ExitCode.NOT_BLESSED,
        ),
    ],
)
def test_status_and_exit_code(changes: dict, status: str, code: ExitCode) -> None:
    summary = summarise(record(), outcome(**changes), None)
    assert (summary["status"], summary["exit_code"]) == (status, code)


def test_a_run_without_an_end_is_running() -> None:
    summary = summarise(record(*EVENTS[:3]), None, None)
    assert (summary["status"], summary["exit_code"], summary["finished"]) == ("running", None, None)
    assert [node["state"] for node in summary["nodes"]] == ["cached", "started", "not run"]


def test_a_failed_run_says_where_and_why() -> None:
    error = failure("B", Cause("DataError", "", 2, "a rule.", "t", "x", "mend."), Path("l.log"))
    summary = summarise(record(*EVENTS[:3]), None, error)
    assert (summary["status"], summary["exit_code"]) == ("failed", 2)
    assert summary["error"] == {
        "node": "B",
        "rule": "a rule.",
        "where": "B: t",
        "received": "x",
        "remedy": "mend. The log is l.log.",
    }
    assert summary["nodes"][1] == {
        "node": "B",
        "state": "started",
        "seconds": 89.0,
        "input_bytes": None,
    }
    assert "metrics" not in summary


@pytest.mark.parametrize(
    ("error", "code"), [(KeyError("x"), 1), (KeyboardInterrupt(), ExitCode.INTERRUPTED)]
)
def test_faults_and_interrupts_are_recorded(error: BaseException, code: int) -> None:
    summary = summarise(record(), None, error)
    assert summary["exit_code"] == code
    assert summary["error"]["rule"].startswith(type(error).__name__)


def test_a_missed_threshold_is_described_with_its_values() -> None:
    change = MissedThreshold(names.RANKING_SCORE, "ndcg_at_10", -0.08123, -0.02, is_change=True)
    nan = MissedThreshold(names.LIKELIHOOD, "auc", None, 0.55, is_change=False)
    assert [each.describe() for each in (MISSED, change, nan)] == [
        "risk auc is 0.512, must be at least 0.55",
        "ranking_score ndcg_at_10 change from the baseline is -0.08123, must be at least -0.02",
        "likelihood auc is not a number, must be at least 0.55",
    ]


@pytest.mark.parametrize("room_without_the_old_file", [True, False])
def test_on_a_full_disk_the_summary_is_the_new_one_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room_without_the_old_file: bool
) -> None:
    path = tmp_path / "run.json"
    path.write_text("old")
    real = Path.write_text

    def write(self: Path, text: str, encoding: str) -> int:
        if path.exists() or not room_without_the_old_file:
            self.touch()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(self, text, encoding=encoding)

    monkeypatch.setattr(Path, "write_text", write)
    with pytest.raises(OSError, match="No space left"):
        write_json(path, {"a": 1})
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]
    replace_json(path, {"a": 1})
    left = {each.name: json.loads(each.read_text()) for each in tmp_path.iterdir()}
    assert left == ({"run.json": {"a": 1}} if room_without_the_old_file else {})


def test_the_summary_is_json_and_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text("old")
    summary = summarise(
        record(*EVENTS), outcome(blessings=(missed("Evaluator", False, [MISSED]),)), None
    )
    write_json(path, summary)
    read = json.loads(path.read_text())
    assert read == json.loads(json.dumps(summary))
    assert read["blessings"][0]["details"][0]["value"] == 0.512
    assert read["metrics"]["overall"]["risk"]["log_loss"] is None
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": math.nan})
    assert json.loads(path.read_text()) == read


def test_a_pushed_run_in_words() -> None:
    text = describe_run(summarise(record(*EVENTS), outcome(), None), Path("out"))
    assert text.splitlines() == [
        "Snapshots as of 2026-01-01T00:00:00+00:00: 1,000 train, 200 eval",
        "Rows set aside: 3 of events",
        "1 of 3 nodes ran, the others came from the cache, in 1:30",
        "",
        "On the evaluation split:",
        "  ranking    ndcg_at_10 0.500   recall_at_10 0.250   lists 1,234",
        "  likelihood auc 0.750   pr_auc 0.400   log_loss 0.300   calibration_error 0.020",
        "  risk       auc 0.800   pr_auc 0.600   log_loss -   calibration_error 0.010",
        "",
        "Pushed version 17: out/serving/goalpath/17",
        "Predict with: goalpath predict --out out --any-student",
    ]


def test_a_run_with_a_baseline_shows_it_in_brackets() -> None:
    with_baseline = outcome(baseline="16", baseline_metrics={"overall": HEADS})
    text = describe_run(summarise(record(), with_baseline, None), Path("out"))
    assert "On the evaluation split (version 16 in brackets):" in text
    assert "  likelihood auc 0.750 (0.750)   pr_auc" in text


def test_a_model_that_was_not_let_through_in_words() -> None:
    refused = outcome(
        version="",
        version_path="",
        pushed_now=False,
        blessings=(
            missed("Evaluator", False, [MISSED]),
            Blessing("ModelValidator", False, ("load time: 31 s, at most 30 s",)),
        ),
    )
    lines = describe_run(summarise(record(), refused, None), Path("out")).splitlines()
    assert lines[-4:] == [
        "Not pushed:",
        "  Evaluator: risk auc is 0.512, must be at least 0.55",
        "  ModelValidator: load time: 31 s, at most 30 s",
        "All values are in out/run.json.",
    ]
