"""What happened must agree with the true probabilities: the strongest check there is."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from datasets.simulator.labels import GOAL_LABEL_PREFIX, label_snapshots
from datasets.simulator.parameters import ACTIVE_RESPONSES, STAGES
from datasets.simulator.simulate import simulate
from datasets.simulator.tables import TRUTH_PREFIX
from schemas.config import load_config

pytestmark = pytest.mark.slow

STUDENTS = 12_000
PAIRS = {
    "likelihood": "likelihood_label",
    "risk": "risk_label",
    **{TRUTH_PREFIX + stage: GOAL_LABEL_PREFIX + stage for stage in STAGES[1:]},
}
# Of the 66 deviations tested, one beyond 4.5 standard errors has a chance below 0.0005.
LIMIT = 4.5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("simulated") / "data"
    simulate(out, students=STUDENTS, seed=11)
    return out


@pytest.fixture(scope="module")
def labelled(folder):
    tables = [
        pl.read_parquet(folder / f"{n}.parquet") for n in ("truth", "events", "stage_changes")
    ]
    return label_snapshots(*tables, load_config(folder))


def _deviation(rows, probability, label):
    """Sum of (label - probability) in standard errors, a student's snapshots being one
    cluster: they overlap, so they are no independent draws."""
    residual = pl.col(label).cast(pl.Float64) - pl.col(probability)
    per_student = rows.group_by("student_id").agg(residual.sum().alias("sum"))["sum"].to_numpy()
    return per_student.sum() / np.sqrt((per_student**2).sum())


def _auc(label, score):
    """Mann-Whitney, ties counted half."""
    rank = pl.Series(score).rank("average").to_numpy()
    positives = label.sum()
    return (rank[label].sum() - positives * (positives + 1) / 2) / (
        positives * (len(label) - positives)
    )


@pytest.mark.parametrize("probability", PAIRS)
def test_truth_is_calibrated_in_every_tenth(labelled, probability):
    known = labelled.drop_nulls(PAIRS[probability])
    assert abs(_deviation(known, probability, PAIRS[probability])) < LIMIT
    for tenth in range(10):
        low, high = tenth / 10, (tenth + 1) / 10
        rows = known.filter(
            (pl.col(probability) >= low) & (pl.col(probability) < high),
        )
        if rows["student_id"].n_unique() > 100:
            assert abs(_deviation(rows, probability, PAIRS[probability])) < LIMIT, tenth


def test_the_calibration_test_would_notice_a_wrong_truth(labelled):
    known = labelled.drop_nulls("risk_label")
    shifted = known.with_columns(pl.col("risk") + 0.02)
    assert abs(_deviation(shifted, "risk", "risk_label")) > LIMIT


@pytest.mark.parametrize("probability", ["likelihood", "risk"])
def test_the_future_is_learnable_and_not_determined(labelled, probability):
    known = labelled.drop_nulls(PAIRS[probability])
    auc = _auc(known[PAIRS[probability]].to_numpy(), known[probability].to_numpy())
    assert 0.74 < auc < 0.86


def _advance_share(folder, contact_type, stage):
    """Share of active responses to a type in a stage that a move follows within 14 days."""
    events = pl.read_parquet(folder / "events.parquet")
    engagements = pl.read_parquet(folder / "engagements.parquet")
    changes = pl.read_parquet(folder / "stage_changes.parquet")
    moves = pl.concat(
        [
            events.drop_nulls("stage_after").select(
                "student_id", "timestamp", pl.col("stage_after").alias("stage")
            ),
            changes.filter(pl.col("stage") != "lost"),
        ]
    )
    times = {
        place: moves.filter(pl.col("stage") == name).select(
            "student_id", pl.col("timestamp").alias(place)
        )
        for place, name in (("entered", stage), ("left", STAGES[STAGES.index(stage) + 1]))
    }
    rows = (
        events.join(engagements.select("engagement_id", "engagement_type"), on="engagement_id")
        .filter(
            (pl.col("engagement_type") == contact_type) & pl.col("response").is_in(ACTIVE_RESPONSES)
        )
        .join(times["entered"], on="student_id", how="left")
        .join(times["left"], on="student_id", how="left")
        .filter(
            (pl.col("left").is_null() | (pl.col("left") >= pl.col("timestamp")))
            & ((pl.col("entered") < pl.col("timestamp")) | (stage == STAGES[0]))
        )
    )
    soon = (pl.col("left") - pl.col("timestamp") <= pl.duration(days=14)).fill_null(False)
    return rows.select(soon.mean()).item()


@pytest.mark.parametrize(
    ("stage", "effective", "useless"),
    [
        ("Awareness", "webinar", "email"),
        ("Interest", "campus_visit", "webinar"),
        ("Consideration", "workshop", "campus_visit"),
        ("Application", "advisor_meeting", "workshop"),
    ],
)
def test_planted_effects_show(folder, stage, effective, useless):
    assert _advance_share(folder, effective, stage) > 1.5 * _advance_share(folder, useless, stage)
