"""Data sets with next to nothing in them: one student, no events, nothing known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import DataError, TrainingRefusedError
from schemas.features import example_features
from tests.components.event_example_gen.hand_made import (
    Row,
    change,
    day,
    days_of,
    event,
    example,
    make_tables,
    student,
)
from tests.components.event_example_gen.in_memory import run
from tests.components.event_example_gen.run_executor import Made, execute, parse
from tests.sample_data import STAGES, sample_config, write_tables

TIME = sample_config(cohorts=False)
WHOLE_LISTS = {"window_days": 7, "negatives": 6, "evaluation_share": 1}


def do(
    tables: Mapping[str, Sequence[Row]], config: GoalpathConfig, out: Path, as_of: str = ""
) -> Made:
    data = write_tables(out / "data", config, tables).folder
    return execute(data, config, out, as_of=as_of)


def refused(
    tables: Mapping[str, Sequence[Row]], config: GoalpathConfig, out: Path, as_of: str = ""
) -> tuple[TrainingRefusedError, Made]:
    """The error, and what was written all the same."""
    with pytest.raises(TrainingRefusedError) as caught:
        do(tables, config, out, as_of)
    return caught.value, Made(out / "examples", out / "states", out / "catalogue", [])


def test_a_student_without_events_is_all_zeros_and_at_risk() -> None:
    config = sample_config(cohorts=False, ranking=WHOLE_LISTS)
    students = [student("a", entered_at=day(0)), student("b", entered_at=day(0))]
    output = run(make_tables(students, [event(0.5, student="b")]), config, day(182))
    # Day 140 is the last that is evaluated on with every label known.
    row = example(output, 140)
    for keys in (names.Q_EVENTS, names.Q_ACTIVE, names.Q_VALUE, names.Q_ACTIVE_DAYS):
        assert [row[key] for key in keys.values()] == [0, 0, 0]
    assert row[names.Q_WEEKLY_ACTIVE] == [0] * names.WEEKS
    assert row[names.TYPE_NAME] == row[names.HISTORY_ID] == row[names.HISTORY_VALUE] == []
    assert row[names.Q_STAGE] == STAGES[0]
    for key in (names.Q_DAYS_SINCE_ENTRY, names.Q_DAYS_SINCE_EVENT, names.Q_DAYS_IN_STAGE):
        assert row[key] == 140
    assert row[names.C_OWN_MET] == [0, 0, 0]
    assert (row[names.RISK_LABEL], row[names.LIKELIHOOD_LABEL]) == (1, 0)
    assert row[names.GOAL_LABEL] == [1, 0, 0, 0]
    assert (row[names.RANKING_WEIGHT], row[names.GIVEN_INDEX]) == (0, -1)


def test_a_student_of_whom_nothing_is_known_has_a_state_and_no_snapshot() -> None:
    students = [student("a", entered_at=day(0)), student("b")]
    output = run(make_tables(students, [event(1)]), TIME, day(182))
    assert days_of(output, "b") == []
    [state] = [row for row in output.states if row[names.STUDENT_ID] == "b"]
    assert state[names.Q_DAYS_SINCE_ENTRY] == 0
    assert state[names.USED_ID] == []
    assert state["ended"] is False
    assert "b" in {row[names.STUDENT_ID] for row in output.examples["serving"]}


def test_all_events_at_one_instant() -> None:
    events = [
        event(3, "e1", "clicked", value=2),
        event(3, "e0", "clicked", value=1, stage_after="Applied"),
        event(3, "e0", "attended"),
        event(3, "e0", "clicked", value=1, stage_after="Visited"),
    ]
    split = {"method": "time", "evaluation_from": "2024-01-01", "embargo_days": 0}
    config = sample_config(cohorts=False, cadence="every_event", ranking=WHOLE_LISTS, split=split)
    for ordered in (events, events[::-1]):
        output = run(make_tables([student()], ordered), config, day(90))
        assert days_of(output) == [3]
        row = example(output, 3)
        # None of them is before t; all of them are in the window.
        assert row[names.Q_EVENTS[0]] == 0
        assert row[names.Q_STAGE] == "Inquiry"
        assert row[names.GOAL_LABEL] == [1, 1, 1, 0]
        assert dict(zip(row[names.C_ID], row[names.C_GRADE], strict=True)) == {
            "e0": 3,
            "e1": 2,
            "e2": 0,
        }
        assert row[names.GIVEN_INDEX] == 0
        [state] = output.states
        # Latest first: at one instant by engagement, response, value and stage, backwards.
        assert state[names.HISTORY_ID] == ["e1", "e0", "e0", "e0"]
        assert state[names.HISTORY_RESPONSE] == ["clicked", "clicked", "clicked", "attended"]
        assert state[names.HISTORY_VALUE] == [2, 1, 1, 0]
        assert state[names.Q_STAGE] == "Applied"


def test_no_engagement_is_open_to_anyone() -> None:
    engagements = [
        {names.ENGAGEMENT_ID: "e0", names.ENGAGEMENT_TYPE: "email", names.AUDIENCE: "elsewhere"}
    ]
    tables = make_tables(
        [student("a", entered_at=day(0))], [event(1, "e0"), event(9)], engagements=engagements
    )
    output = run(tables, TIME, day(182))
    assert days_of(output)
    for _, row in output.all_examples():
        assert row[names.C_ID] == row[names.C_POPULARITY_28] == row[names.C_GRADE] == []
        assert (row[names.RANKING_WEIGHT], row[names.GIVEN_INDEX]) == (0, -1)
    assert example(output, 7)[names.HISTORY_ID] == ["e0"]


@pytest.mark.slow
def test_one_student_cannot_be_trained_and_calibrated_on(tmp_path: Path) -> None:
    events = [event(number, "e0", "attended", student="s0") for number in range(180)]
    error, made = refused(make_tables([student("s0")], events), TIME, tmp_path)
    empty = {split for split in names.SPLITS if not made.summary["splits"][split]["snapshots"]}
    assert len(empty) == 1
    assert empty < {names.TRAIN, names.CALIBRATION}
    assert error.where == f"split {empty.pop()}"
    # What there is can be looked at: every split can be read, the empty one too.
    assert [len(made.files(split)) for split in (*names.SPLITS, "serving")] == [1] * 4
    assert len(made.records("eval")) == made.summary["splits"]["eval"]["snapshots"] > 0
    [served] = made.records("serving")
    assert parse(served, TIME)[names.STUDENT_ID] == "s0"
    assert len(made.read_states()) == 1
    assert len(made.read_catalogue()) == 3


@pytest.mark.slow
def test_no_label_of_a_head_is_known(tmp_path: Path) -> None:
    config = sample_config(
        cohorts=False,
        horizons={"likelihood_days": 400, "risk_days": 7, "goal_days": 7},
        split={"method": "time", "embargo_days": 0},
    )
    ids = [f"s{number}" for number in range(20)]
    events = [event(number, "e0", "attended", student=key) for key in ids for number in range(90)]
    error, made = refused(make_tables([student(key) for key in ids], events), config, tmp_path)
    assert error.where == "split train, head likelihood"
    assert error.received.startswith("a horizon of 400 days; snapshots from 2024-01-01")
    counts = made.summary["splits"]["train"]
    assert counts["snapshots"] > 0
    assert counts["labels"]["likelihood"] == {"known": 0, "positive": 0, "rate": None}
    rows = [parse(record, config) for record in made.records("train")]
    assert {row[names.LIKELIHOOD_WEIGHT] for row in rows} == {0}
    assert {row[names.LIKELIHOOD_LABEL] for row in rows} == {0}


@pytest.mark.slow
def test_cohorts_to_evaluate_on_that_nobody_is_in(tmp_path: Path) -> None:
    config = sample_config(cohorts=True)
    cohorts = [{names.COHORT: "2023", names.STARTS: day(0), names.CLOSES: day(60)}]
    ids = [f"s{number}" for number in range(20)]
    events = [event(number, "e0", "attended", student=key) for key in ids for number in range(70)]
    students = [student(key, cohort="2023") for key in ids]
    tables = make_tables(students, events, changes=[], cohorts=cohorts)
    error, made = refused(tables, config, tmp_path)
    assert error.where == "split eval"
    assert "name cohorts under split.train and split.eval" in error.remedy
    assert made.records("eval") == []
    assert [path.name for path in made.files("eval")] == ["data_tfrecord-00000-of-00001"]
    # The cohort is closed: nobody is left to be served.
    assert made.records("serving") == []


@pytest.mark.slow
def test_no_events_at_all(tmp_path: Path) -> None:
    config = sample_config(cohorts=True)
    tables = make_tables([student("a", entered_at=day(0))], [], changes=[], cohorts=[])
    with pytest.raises(DataError, match="the time that the data reach to must be known"):
        do(tables, config, tmp_path / "no time")
    error, made = refused(tables, config, tmp_path / "with as_of", as_of="2024-06-01")
    assert error.rule == "each of the splits needs snapshots."
    [served] = made.records("serving")
    assert parse(served, config)[names.Q_EVENTS[0]] == 0


@pytest.mark.slow
def test_stage_changes_alone_tell_the_time(tmp_path: Path) -> None:
    config = sample_config(cohorts=True)
    tables = make_tables([student("a")], [], changes=[change(3, "Visited")], cohorts=[])
    _, made = refused(tables, config, tmp_path)
    assert made.summary["as_of"] == "2024-01-04T00:00:01+00:00"
    [state] = made.read_states()
    assert state[names.Q_STAGE] == "Visited"


@pytest.mark.slow
@pytest.mark.parametrize("config", [TIME, sample_config(cohorts=True)], ids=["time", "cohort"])
def test_no_snapshot_at_all(config: GoalpathConfig, tmp_path: Path) -> None:
    # From the one event until a second later there is no Monday.
    tables: dict[str, Any] = dict(make_tables([student("a")], [event(2)]))
    error, made = refused(tables, config, tmp_path)
    assert error.where == "split train"
    assert error.received.startswith("none; no snapshot, data until 2024-01-03T00:00:01")
    assert made.summary["first_snapshot"] is None
    assert len(made.records("serving")) == 1


@pytest.mark.slow
def test_nobody(tmp_path: Path) -> None:
    tables = make_tables([], [], changes=[change(1, "Visited")], cohorts=[])
    with pytest.raises(DataError, match="there must be students") as caught:
        do(tables, sample_config(cohorts=True), tmp_path)
    assert caught.value.where == f"students of {tmp_path / 'data'}"


@pytest.mark.slow
def test_a_student_without_events_is_an_example_like_the_others(tmp_path: Path) -> None:
    ids = [f"s{number}" for number in range(20)]
    events = [
        event(number, "e0", "attended", student=key) for key in ids[1:] for number in range(182)
    ]
    students = [student(key, entered_at=day(0)) for key in ids]
    made = do(make_tables(students, events), TIME, tmp_path)
    rows = [parse(record, TIME) for record in made.records("eval")]
    own = [row for row in rows if row[names.STUDENT_ID] == ids[0]]
    assert own
    assert {len(row) for row in own} == {len(example_features(TIME))}
    assert {tuple(row[names.HISTORY_ID]) for row in own} == {()}
    assert made.summary["students"] == 20
