from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.quality_parts import figures
from benchmarks.quality_parts.bootstrap import StudentBootstrap
from benchmarks.quality_parts.candidate_lists import candidate_lists
from benchmarks.quality_parts.figures import Rows, figure_table
from benchmarks.quality_parts.probability_views import (
    ACTIVE,
    GIVEN,
    NO_EVENT,
    ONE_EVENT,
    POOLED,
    HeadAnswers,
    distance_to_truth,
    measure_head,
    slice_calibration,
    strata_codes,
)
from benchmarks.quality_parts.progress import Progress
from benchmarks.quality_parts.ranking_views import ALL, NEW, NEW_AMONG_ALL, measure_ranking
from benchmarks.quality_parts.snapshots import Snapshots
from benchmarks.quality_parts.truth import true_probabilities
from schemas import names
from schemas.config import GoalpathConfig
from tests.benchmarks.flat_columns import snapshots

CONFIG = GoalpathConfig(name="views", stages=("Asked", "Applied"), default_goal="Applied")
BOOTSTRAP = StudentBootstrap(4, resamples=20, seed=1)


def microseconds(text: str) -> int:
    return int(dt.datetime.fromisoformat(text + "+00:00").timestamp()) * 1_000_000


def split(repeats: int = 1) -> Snapshots:
    """Four snapshots of students a, b, c and d, several times over."""
    return snapshots(
        {
            names.STUDENT_ID: [["a"], ["b"], ["c"], ["d"]] * repeats,
            names.COHORT: [[""]] * 4 * repeats,
            names.SNAPSHOT_TIME: [[microseconds("2024-01-01T00:00:00")]] * 4 * repeats,
            names.Q_STAGE: [["Asked"], ["Asked"], ["Asked"], ["Applied"]] * repeats,
            names.Q_EVENTS[0]: [[0.0], [1.0], [5.0], [0.0]] * repeats,
            names.Q_WEEKLY_ACTIVE: [
                [0.0, 1.0, 0.0],
                [0.0, 0.0, 9.0],
                [1.0, 0.0, 0.0],
                [1.0, 0.0, 0.0],
            ]
            * repeats,
            names.LIKELIHOOD_LABEL: [[1.0], [0.0], [0.0], [1.0]] * repeats,
            names.LIKELIHOOD_WEIGHT: [[1.0], [1.0], [1.0], [0.0]] * repeats,
            names.C_ID: [["e", "f"], [], ["f", "e"], ["e"]] * repeats,
            names.C_TYPE: [["call", "visit"], [], ["visit", "call"], ["call"]] * repeats,
            names.GIVEN_INDEX: [[1], [-1], [0], [0]] * repeats,
        }
    )


def test_strata_share_cohort_calendar_week_and_stage() -> None:
    times = ("2024-01-01T00:00:00", "2024-01-07T23:59:59", "2024-01-08T00:00:00")
    rows = [(time, "Asked", "x") for time in times]
    rows += [(times[0], "Applied", "x"), (times[0], "Asked", "y")]
    codes = strata_codes(
        snapshots(
            {
                names.SNAPSHOT_TIME: [[microseconds(time)] for time, _, _ in rows],
                names.Q_STAGE: [[stage] for _, stage, _ in rows],
                names.COHORT: [[cohort] for _, _, cohort in rows],
            }
        )
    )
    assert codes[0] == codes[1]
    assert len(set(codes.tolist())) == 4


def test_views_have_the_rows_that_they_are_named_for() -> None:
    ours = np.array([0.9, 0.2, 0.3, 0.5])
    told = np.array([0.7, np.nan, 0.1, 0.4])
    answers = HeadAnswers(
        names.LIKELIHOOD,
        {figures.OURS: ours, figures.LIGHTGBM: 1 - ours},
        {figures.OURS: told, figures.LIGHTGBM: told},
    )
    views = measure_head(answers, split(), BOOTSTRAP, Progress())
    rows = {view: entry["rows"] for view, entry in views.items()}
    # The label of d is unknown.
    assert rows == {POOLED: 3, ACTIVE: 2, NO_EVENT: 1, ONE_EVENT: 1, GIVEN: 2}
    pooled = views[POOLED]["metrics"][figures.AUC]
    assert pooled["methods"][figures.OURS][0] == 1
    assert pooled["best_peer"] == figures.LIGHTGBM
    assert pooled["differences"][figures.LIGHTGBM][0] == 1
    # One snapshot has no pair: undefined, and not 0.
    alone = views[NO_EVENT]["metrics"][figures.AUC]
    assert alone["methods"][figures.OURS] == [None, None, None]
    given = views[GIVEN]["metrics"][figures.LOG_LOSS]["methods"]
    assert given[figures.OURS][0] == pytest.approx(-np.log(0.7) / 2 - np.log(0.9) / 2, abs=1e-5)
    untold = -np.log(0.9) / 2 - np.log(0.7) / 2
    assert given[figures.OURS + ", not told"][0] == pytest.approx(untold, abs=1e-5)


def test_the_best_peer_is_the_lowest_where_lower_is_better_and_never_the_truth() -> None:
    labels = np.array([1.0, 0.0, 1.0, 0.0])
    rows = Rows(np.arange(4), labels, np.zeros(4, np.int64))
    answers = {
        figures.OURS: np.array([0.6, 0.4, 0.6, 0.4]),
        "good": np.array([0.7, 0.3, 0.7, 0.3]),
        "bad": np.array([0.2, 0.8, 0.2, 0.8]),
        figures.CONSTANT: np.full(4, 0.5),
        figures.TRUTH: labels,
    }
    metrics = rows.measures([figures.LOG_LOSS, figures.AUC, figures.ECE, figures.BRIER])
    table = figure_table(answers, metrics, rows.student, BOOTSTRAP)
    loss, ece, brier = (table[m] for m in (figures.LOG_LOSS, figures.ECE, figures.BRIER))
    assert loss["best_peer"] == "good"
    difference = loss["differences"]["good"]
    assert difference[0] == pytest.approx(np.log(0.7) - np.log(0.6), abs=1e-5)
    assert ece["methods"][figures.CONSTANT][0] == 0
    assert ece["best_peer"] == "good"
    assert brier["methods"]["bad"][0] == pytest.approx(0.64)


def test_slices_need_five_hundred_snapshots_and_types_are_of_what_was_told() -> None:
    many = split(300)
    ours = np.tile([0.9, 0.2, 0.3, 0.5], 300)
    told = np.tile([0.75, np.nan, 0.25, 0.5], 300)
    answers = HeadAnswers(names.LIKELIHOOD, {figures.OURS: ours}, {figures.OURS: told})
    slices = slice_calibration(answers, many, CONFIG, seed=1)
    # Asked has 900 known rows, visit (met next by a and c) 600, Applied and call none.
    found = [(s["slice"], s["value"], s["rows"]) for s in slices]
    assert found == [("candidate_type", "visit", 600), ("stage", "Asked", 900)]
    # a: .75 for 1, c: .25 for 0; then a: .9 for 1, b: .2 and c: .3 for 0.
    errors = [s["ece"][figures.OURS] for s in slices]
    assert errors == pytest.approx([0.25, (0.1 + 0.2 + 0.3) / 3], abs=1e-5)


def test_the_truth_is_matched_by_student_and_time(tmp_path: Path) -> None:
    first = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)
    pl.DataFrame(
        {
            names.STUDENT_ID: ["c", "a", "a", "nobody"],
            names.SNAPSHOT_TIME: [first, first, first + dt.timedelta(7), first],
            names.LIKELIHOOD: [0.3, 0.8, 0.1, 0.2],
            names.RISK: [0.5, 0.6, 0.7, 0.8],
        }
    ).write_parquet(tmp_path / names.TRUTH_FILE)
    found = true_probabilities(tmp_path, split())
    assert found is not None
    np.testing.assert_array_equal(found[names.LIKELIHOOD], [0.8, np.nan, 0.3, np.nan])
    np.testing.assert_array_equal(found[names.RISK], [0.6, np.nan, 0.5, np.nan])
    assert true_probabilities(tmp_path / "nowhere", split()) is None


def test_the_distance_to_the_truth_is_of_the_snapshots_it_knows() -> None:
    truth = np.array([0.8, np.nan, 0.4, np.nan])
    answers = HeadAnswers(
        names.LIKELIHOOD,
        {
            figures.OURS: np.array([0.2, 0.0, 0.3, 0.0]),
            figures.CONSTANT: np.full(4, 0.5),
            figures.TRUTH: truth,
        },
        {},
    )
    found = distance_to_truth(answers, split(), BOOTSTRAP)
    assert found is not None
    assert found["rows"] == 2
    assert found["short_of_truth"][figures.AUC][0] == 1
    ours = found["methods"][figures.OURS]
    assert ours == {"correlation": -1.0, "mean_absolute_error": 0.35, "mean_error": -0.35}
    assert found["methods"][figures.CONSTANT]["correlation"] is None


def test_new_engagements_are_those_that_no_training_list_has() -> None:
    train = snapshots({names.C_ID: [["old"], ["older", "old"]]})
    evaluation = snapshots(
        {
            names.STUDENT_ID: [["a"], ["b"]],
            names.Q_EVENTS[0]: [[0.0], [3.0]],
            names.C_ID: [["old", "new", "newer"], ["older", "new"]],
            names.C_GRADE: [[0.0, 1.0, 0.0], [1.0, 0.0]],
            names.C_SAMPLING_PROBABILITY: [[1.0] * 3, [1.0] * 2],
            names.RANKING_WEIGHT: [[1.0], [1.0]],
        }
    )
    found = measure_ranking(
        {figures.OURS: np.array([3.0, 2.0, 1.0, 2.0, 1.0]), "peer": np.zeros(5)},
        candidate_lists(evaluation),
        train=train,
        evaluation=evaluation,
        bootstrap=StudentBootstrap(2, 20, 1),
        progress=Progress(),
    )
    ndcg = {
        view: entry["metrics"][figures.NDCG]["methods"][figures.OURS][0]
        for view, entry in found.items()
        if entry["metrics"]
    }
    second = 1 / np.log2(3)
    assert ndcg[ALL] == pytest.approx((second + 1) / 2, abs=1e-5)
    assert ndcg[NEW] == 1  # among the new ones it comes first
    assert ndcg[NEW_AMONG_ALL] == pytest.approx(second, abs=1e-5)
    assert ndcg[NO_EVENT] == pytest.approx(second, abs=1e-5)
    assert ONE_EVENT not in ndcg
