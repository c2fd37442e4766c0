"""Counts of what was written, and when there is nothing to learn from it."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from components.event_example_gen.columns import Numbers, Texts
from components.event_example_gen.generate import Batch
from components.event_example_gen.report import (
    PartitionReport,
    add_reports,
    require_learnable,
    summarise,
)
from components.event_example_gen.splits import ALL_SPLITS, EVAL, SERVING, TRAIN
from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import TrainingRefusedError
from tests.sample_data import sample_config

TIME, COHORTS = sample_config(cohorts=False), sample_config(cohorts=True)


def floats(*values: float, width: int = 1) -> Numbers:
    return Numbers(np.array(values, np.float32), width=width)


def texts(rows: int, offsets: list[int] | None = None) -> Texts:
    codes = np.zeros(rows if offsets is None else offsets[-1], np.int64)
    vocabulary = pa.array(["x"], pa.large_string())
    return Texts(codes, vocabulary, None if offsets is None else np.array(offsets))


def batch(split: int = TRAIN) -> Batch:
    """Three Examples; the lists have two, no and three candidates."""
    return Batch(
        split,
        {
            names.STUDENT_ID: texts(3),
            names.C_ID: texts(3, [0, 2, 2, 5]),
            names.LIKELIHOOD_LABEL: floats(1, 0, 0),
            names.LIKELIHOOD_WEIGHT: floats(1, 1, 0),
            names.RISK_LABEL: floats(0, 0, 0),
            names.RISK_WEIGHT: floats(1, 1, 1),
            names.GOAL_LABEL: floats(1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, width=4),
            names.GOAL_WEIGHT: floats(*[1] * 8, *[0] * 4, width=4),
            names.RANKING_WEIGHT: floats(1, 0, 0),
            names.GIVEN_INDEX: Numbers(np.array([0, -1, 2])),
        },
    )


def serving_batch(rows: int) -> Batch:
    return Batch(ALL_SPLITS.index(SERVING), {names.STUDENT_ID: texts(rows)})


def test_a_summary_counts_snapshots_labels_and_candidates() -> None:
    report = PartitionReport({"students": 2, "events": 9}).with_batch(batch())
    other = (
        PartitionReport({"students": 3, "events": 1}).with_batch(batch()).with_batch(batch(EVAL))
    )
    total = add_reports([report, other.with_batch(serving_batch(4))])
    summary = summarise(total, TIME, {"as_of": "then"})
    assert summary["students"] == 5
    assert summary["events"] == 10
    assert summary["as_of"] == "then"
    splits = summary["splits"]
    assert list(splits) == ["train", "calibration", "eval", "serving"]
    assert splits["train"] == {
        "snapshots": 6,
        "candidate_lists": 4,
        "candidates": 10,
        "given": 4,
        "labels": {
            "likelihood": {"known": 4, "positive": 2, "rate": 0.5},
            "risk": {"known": 6, "positive": 0, "rate": 0.0},
            "ranking": {"known": 2},
            "goal": {
                "Inquiry": {"known": 4, "positive": 4, "rate": 1.0},
                "Visited": {"known": 4, "positive": 2, "rate": 0.5},
                "Applied": {"known": 4, "positive": 0, "rate": 0.0},
                "Enrolled": {"known": 4, "positive": 0, "rate": 0.0},
            },
        },
    }
    assert splits["eval"]["snapshots"] == 3
    assert splits["calibration"] == {"snapshots": 0}
    assert splits["serving"] == {"snapshots": 4}


def good_summary() -> dict[str, Any]:
    report = PartitionReport()
    for split in range(len(names.SPLITS)):
        report = report.with_batch(batch(split))
    extra = {
        "as_of": "2024-07-01T00:00:00+00:00",
        "first_snapshot": "2024-01-01T00:00:00+00:00",
        "evaluation_start": None,
    }
    return summarise(add_reports([report]), TIME, extra)


def refusal(summary: dict[str, Any], config: GoalpathConfig) -> TrainingRefusedError:
    with pytest.raises(TrainingRefusedError) as caught:
        require_learnable(summary, config)
    assert caught.value.exit_code == 1
    assert "snapshots from 2024-01-01" in caught.value.received
    assert "data until 2024-07-01" in caught.value.received
    return caught.value


def without(split: str, *path: str) -> dict[str, Any]:
    """A summary with the labels of a head unknown, or without snapshots."""
    summary = copy.deepcopy(good_summary())
    place = summary["splits"][split]
    if not path:
        summary["splits"][split] = {"snapshots": 0}
        return summary
    for key in path:
        place = place[key]
    for rate in [place] if "known" in place else list(place.values()):
        rate["known"] = 0
    return summary


def test_nothing_is_said_where_there_is_enough() -> None:
    require_learnable(good_summary(), TIME)
    require_learnable(good_summary(), COHORTS)


def test_an_empty_serving_split_is_none_of_its_business() -> None:
    assert good_summary()["splits"]["serving"]["snapshots"] == 0


def without_training_students() -> dict[str, Any]:
    """A summary in which neither of the splits has snapshots that share their students."""
    summary = without("calibration")
    summary["splits"]["train"] = {"snapshots": 0}
    return summary


@pytest.mark.parametrize("split", ["train", "eval"])
def test_an_empty_split_of_a_split_by_time(split: str) -> None:
    summary = without_training_students() if split == "train" else without(split)
    error = refusal(summary, TIME)
    assert error.rule == "each of the splits needs snapshots."
    assert error.where == f"split {split}"
    assert "none; snapshots from" in error.received
    assert "shorten horizons, split.embargo_days, or the window" in error.remedy


def test_the_start_of_evaluation_is_said_where_there_is_one() -> None:
    summary = without("eval")
    summary["evaluation_start"] = "2024-04-15T00:00:00+00:00"
    assert refusal(summary, TIME).received.endswith("evaluation from 2024-04-15T00:00:00+00:00")


@pytest.mark.parametrize("split", ["train", "eval"])
def test_an_empty_split_of_a_split_by_cohort(split: str) -> None:
    summary = without_training_students() if split == "train" else without(split)
    error = refusal(summary, COHORTS)
    assert error.where == f"split {split}"
    assert "name cohorts under split.train and split.eval" in error.remedy


@pytest.mark.parametrize("config", [TIME, COHORTS], ids=["time", "cohort"])
@pytest.mark.parametrize(("split", "change"), [("train", "lower"), ("calibration", "raise")])
def test_too_few_students_for_both_training_and_calibration(
    split: str, change: str, config: GoalpathConfig
) -> None:
    summary = {**without(split), "students": 1}
    error = refusal(summary, config)
    assert error.where == f"split {split}"
    assert error.received.endswith("; students in all: 1")
    assert error.remedy == f"give more students, or {change} split.calibration_share."


@pytest.mark.parametrize("split", ["train", "eval"])
@pytest.mark.parametrize(("head", "horizon"), [("likelihood", 14), ("risk", 14), ("goal", 42)])
def test_a_head_without_a_known_label(split: str, head: str, horizon: int) -> None:
    error = refusal(without(split, "labels", head), TIME)
    assert error.rule.startswith("some labels of each head must be known")
    assert error.where == f"split {split}, head {head}"
    assert error.received.startswith(f"a horizon of {horizon} days; ")
    assert f"set horizons.{head}_days to fewer days" in error.remedy


@pytest.mark.parametrize("split", ["train", "eval"])
def test_nothing_to_rank(split: str) -> None:
    error = refusal(without(split, "labels", "ranking"), TIME)
    assert error.rule.startswith("some snapshots must have a response to an eligible engagement")
    assert error.where == f"split {split}"
    assert error.received.startswith("none within 7 days; ")
    assert "responses.grades" in error.remedy
    assert "available to the students' audience" in error.remedy


@pytest.mark.parametrize("head", ["likelihood", "risk", "goal", "ranking"])
def test_calibration_may_lack_known_labels(head: str) -> None:
    require_learnable(without("calibration", "labels", head), TIME)


def test_one_known_goal_is_enough() -> None:
    summary = without("train", "labels", "goal")
    summary["splits"]["train"]["labels"]["goal"]["Applied"]["known"] = 1
    require_learnable(summary, TIME)
