"""Data folders of the simulator: reproducible, valid, and of a kind with their law."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
import pytest

from datasets.simulator.process import CELL
from datasets.simulator.simulate import simulate
from datasets.simulator.table_writer import TableFormat
from schemas.checks import check_data
from schemas.config import load_config
from schemas.errors import InputError

TABLES = ("students", "engagements", "events", "stage_changes", "truth")
ONE_DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("simulated") / "data"
    simulate(out, students=300, seed=5, weeks=26)
    return out


def _read(folder):
    return {name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES}


def _ends(tables):
    """student_id and instant of the end: lost, unsubscribed, or enrolled."""
    events, changes = tables["events"], tables["stage_changes"]
    ended = (pl.col("response") == "unsubscribed") | (pl.col("stage_after") == "Enrollment")
    return (
        pl.concat(
            [
                events.filter(ended).select("student_id", "timestamp"),
                changes.filter(pl.col("stage").is_in(["lost", "Enrollment"])).select(
                    "student_id", "timestamp"
                ),
            ]
        )
        .group_by("student_id")
        .agg(pl.col("timestamp").min().alias("end"))
    )


def test_the_same_seed_gives_the_same_data_and_another_seed_does_not(folder, tmp_path):
    simulate(tmp_path / "same", students=300, seed=5, weeks=26)
    simulate(tmp_path / "other", students=300, seed=6, weeks=26)
    one, same, other = _read(folder), _read(tmp_path / "same"), _read(tmp_path / "other")
    for name in TABLES:
        assert one[name].equals(same[name]), name
        assert not one[name].equals(other[name]), name


def test_students_do_not_depend_on_how_many_there_are(folder, tmp_path):
    simulate(tmp_path / "more", students=CELL + 1, seed=5, weeks=26)
    few, more = _read(folder), _read(tmp_path / "more")
    assert more["students"].height == CELL + 1
    assert few["engagements"].equals(more["engagements"])
    wanted = few["students"]["student_id"].implode()
    for name in ("students", "events", "stage_changes", "truth"):
        assert few[name].equals(more[name].filter(pl.col("student_id").is_in(wanted))), name
    beyond = f"S{CELL + 1:06d}"
    assert more["students"]["student_id"].to_list()[-1] == beyond


@pytest.mark.parametrize("table_format", list(TableFormat))
def test_the_data_meet_the_contract(tmp_path, table_format):
    out = tmp_path / "data"
    simulate(out, students=80, seed=2, weeks=20, table_format=table_format)
    now = dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc)
    report = check_data(out, load_config(out), now=now)
    assert report.ok, report.to_json()


def test_csv_says_what_parquet_says(tmp_path):
    for kind in TableFormat:
        simulate(tmp_path / kind.value, students=40, seed=3, weeks=12, table_format=kind)
    parquet = _read(tmp_path / "parquet")
    assert (tmp_path / "csv" / "truth.parquet").is_file()
    for name in ("students", "engagements", "events", "stage_changes"):
        schema = parquet[name].schema
        text = {c: pl.String for c, kind in schema.items() if isinstance(kind, pl.Datetime)}
        read = pl.read_csv(
            tmp_path / "csv" / f"{name}.csv", schema_overrides={**schema, **text}
        ).with_columns(pl.col(c).str.to_datetime(time_unit="us", time_zone="UTC") for c in text)
        assert read.equals(parquet[name]), name


def test_one_student_for_one_week(tmp_path):
    summary = simulate(tmp_path / "data", students=1, seed=1, weeks=1)
    assert summary.rows["students"] == 1
    assert set(summary.rows) == set(TABLES)
    assert summary.reached["Awareness"] == 1.0
    assert _read(tmp_path / "data")["events"].columns[:3] == [
        "student_id",
        "engagement_id",
        "timestamp",
    ]


def test_summary_counts_what_the_tables_say(tmp_path):
    summary = simulate(tmp_path / "data", students=200, seed=9, weeks=20)
    tables = _read(tmp_path / "data")
    assert summary.rows == {name: table.height for name, table in tables.items()}
    lost = pl.concat(
        [
            tables["events"].filter(pl.col("response") == "unsubscribed")["student_id"],
            tables["stage_changes"].filter(pl.col("stage") == "lost")["student_id"],
        ]
    )
    assert lost.n_unique() == lost.len()
    assert summary.lost == pytest.approx(lost.len() / 200)
    moved = pl.concat(
        [
            tables["events"]["stage_after"].rename("stage"),
            tables["stage_changes"]["stage"],
        ]
    )
    for stage in ("Interest", "Consideration", "Application", "Enrollment"):
        assert summary.reached[stage] == pytest.approx((moved == stage).sum() / 200)


def test_a_student_meets_one_engagement_a_day_between_entry_and_end(folder):
    tables = _read(folder)
    events = tables["events"]
    per_day = events.group_by("student_id", pl.col("timestamp").dt.date()).len()
    assert per_day["len"].max() == 1
    joined = events.join(tables["students"], on="student_id").join(
        _ends(tables), on="student_id", how="left"
    )
    assert (joined["timestamp"].dt.date() > joined["entered_at"].dt.date()).all()
    assert joined.filter(pl.col("timestamp") > pl.col("end")).height == 0
    changes = tables["stage_changes"].join(_ends(tables), on="student_id", how="left")
    assert changes.filter(pl.col("timestamp") > pl.col("end")).height == 0


def test_stages_are_taken_one_by_one(folder):
    tables = _read(folder)
    moves = pl.concat(
        [
            tables["events"]
            .drop_nulls("stage_after")
            .select("student_id", "timestamp", pl.col("stage_after").alias("stage")),
            tables["stage_changes"].filter(pl.col("stage") != "lost"),
        ]
    ).sort("student_id", "timestamp")
    order = ["Interest", "Consideration", "Application", "Enrollment"]
    for _, way in moves.group_by("student_id"):
        assert way["stage"].to_list() == order[: way.height]
    assert tables["events"].drop_nulls("stage_after").height > 0
    assert set(tables["stage_changes"]["stage"]) >= {"Interest", "lost"}


def test_engagements_are_met_when_and_by_whom_they_are_open_to(folder):
    tables = _read(folder)
    met = (
        tables["events"]
        .join(tables["engagements"], on="engagement_id")
        .join(tables["students"], on="student_id", suffix="_student")
    )
    assert met.height == tables["events"].height
    early = met.filter(pl.col("timestamp") < pl.col("available_from"))
    late = met.filter(pl.col("timestamp") >= pl.col("available_to"))
    foreign = met.filter(pl.col("audience") != pl.col("audience_student"))
    assert (early.height, late.height, foreign.height) == (0, 0, 0)
    assert met["audience"].n_unique() == 3
    assert tables["engagements"]["engagement_id"].is_unique().all()
    assert 60 <= tables["engagements"].height <= 200


def test_values_come_with_active_responses_only(folder):
    events = _read(folder)["events"]
    active = pl.col("response").is_in(load_config(folder).responses.active)
    assert events.filter(active)["value"].null_count() == 0
    assert events.filter(~active)["value"].null_count() == events.filter(~active).height


def test_truth_is_on_every_monday_from_entry_to_end(folder):
    tables = _read(folder)
    start = dt.datetime(2024, 9, 2, tzinfo=dt.timezone.utc)
    ends = dict(_ends(tables).iter_rows())
    expected = {
        (student, monday)
        for student, entered in tables["students"].select("student_id", "entered_at").iter_rows()
        for monday in (start + week * 7 * ONE_DAY for week in range(26))
        if entered <= monday <= ends.get(student, monday)
    }
    keys = tables["truth"].select("student_id", "snapshot_time").rows()
    assert len(keys) == len(set(keys))
    assert set(keys) == expected


def test_truth_names_the_stage_that_the_records_say(folder):
    tables = _read(folder)
    moves = pl.concat(
        [
            tables["events"]
            .drop_nulls("stage_after")
            .select("student_id", "timestamp", pl.col("stage_after").alias("stage")),
            tables["stage_changes"],
        ]
    ).sort("timestamp")
    truth = tables["truth"].sort("snapshot_time")
    found = truth.join_asof(
        moves,
        left_on="snapshot_time",
        right_on="timestamp",
        by="student_id",
        suffix="_recorded",
        check_sortedness=False,
    )["stage_recorded"].fill_null("Awareness")
    assert found.to_list() == truth["stage"].to_list()


def test_what_was_planted_is_written_down(folder, tmp_path):
    planted = json.loads((folder / "truth.json").read_text())
    by_stage = {
        row["from"]: {e["engagement_type"]: e["strength"] for e in row["effective"]}
        for row in planted["transitions"]
    }
    assert by_stage == {
        "Awareness": {"webinar": "strong"},
        "Interest": {"campus_visit": "strong", "phone_call": "moderate"},
        "Consideration": {"workshop": "strong", "advisor_meeting": "moderate"},
        "Application": {"advisor_meeting": "strong"},
    }
    assert "email" in planted["transitions"][0]["useless"]
    simulate(tmp_path / "placebo", students=5, seed=1, weeks=2, profile="placebo")
    planted = json.loads((tmp_path / "placebo" / "truth.json").read_text())
    assert [row["effective"] for row in planted["transitions"]] == [[], [], [], []]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"students": 0}, r"--students must be 1 or more.*Received: 0"),
        ({"weeks": 0}, r"--weeks must be 1 or more"),
        ({"seed": -1}, r"--seed must be 0 or more"),
        ({"start": dt.date(2024, 9, 4)}, r"Monday.*2024-09-04, a Wednesday.*use 2024-09-02"),
        ({"profile": "utopia"}, r"'utopia'.*funnel, intense, placebo"),
    ],
)
def test_senseless_arguments_are_refused(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        simulate(tmp_path / "data", **{"students": 5, "seed": 1, **options})
    assert list(tmp_path.iterdir()) == []
