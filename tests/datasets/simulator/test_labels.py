"""Labels of a few snapshots, by hand."""

from __future__ import annotations

import datetime as dt

import polars as pl

from datasets.simulator.labels import label_snapshots
from schemas.config import GoalpathConfig, HorizonsConfig, ResponsesConfig

T0 = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)
CONFIG = GoalpathConfig(
    name="three",
    stages=("A", "B", "C"),
    default_goal="C",
    horizons=HorizonsConfig(likelihood_days=2, risk_days=3, goal_days=5),
    responses=ResponsesConfig(active=("clicked",), lost=("unsubscribed",)),
)


def _at(day, second=0):
    return T0 + dt.timedelta(days=day, seconds=second)


def _labels(snapshots, events=(), changes=()):
    instant = pl.Datetime("us", "UTC")
    event_schema = {
        "student_id": pl.String,
        "timestamp": instant,
        "response": pl.String,
        "stage_after": pl.String,
    }
    # A far record makes every window known.
    far = ("far", _at(100), "clicked", None)
    return label_snapshots(
        pl.DataFrame(
            list(snapshots),
            schema={"student_id": pl.String, "snapshot_time": instant, "stage": pl.String},
            orient="row",
        ),
        pl.DataFrame([*events, far], schema=event_schema, orient="row"),
        pl.DataFrame(
            list(changes),
            schema={"student_id": pl.String, "timestamp": instant, "stage": pl.String},
            orient="row",
        ),
        CONFIG,
    )


def test_the_window_is_half_open():
    labels = _labels(
        [("begin", T0, "A"), ("end", T0, "A"), ("before", T0, "A")],
        changes=[("begin", T0, "B"), ("end", _at(2), "B"), ("before", _at(0, -1), "B")],
    )
    assert labels["likelihood_label"].to_list() == [True, False, False]
    assert labels["goal_label_B"].to_list() == [True, True, False]


def test_risk_is_loss_or_silence():
    labels = _labels(
        [(name, T0, "A") for name in ("silent", "ignoring", "awake", "gone", "unsubscribed")],
        events=[
            ("ignoring", _at(1), "ignored", None),
            ("awake", _at(1), "clicked", None),
            ("gone", _at(1), "clicked", None),
            ("unsubscribed", _at(1), "clicked", None),
            ("unsubscribed", _at(2), "unsubscribed", None),
        ],
        changes=[("gone", _at(2), "lost")],
    )
    assert labels["risk_label"].to_list() == [True, True, False, True, True]


def test_goals_count_what_is_reached_already_and_beyond():
    labels = _labels(
        [("s", T0, "B"), ("jump", T0, "A")],
        events=[("jump", _at(4), "clicked", "C")],
    )
    columns = [f"goal_label_{stage}" for stage in CONFIG.stages]
    assert labels.select(columns).rows() == [(True, True, False), (True, True, True)]
    assert labels["likelihood_label"].to_list() == [False, False]


def test_a_window_past_the_last_record_is_unknown():
    labels = _labels([("s", _at(98), "C"), ("s", _at(98, 1), "C")])
    assert labels["likelihood_label"].to_list() == [False, None]
    assert labels["risk_label"].to_list() == [None, None]
    assert labels["goal_label_A"].to_list() == [None, None]


def test_no_snapshots():
    assert _labels([]).height == 0
