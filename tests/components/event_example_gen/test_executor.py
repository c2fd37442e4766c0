"""The executor on small prepared folders: real artifacts, Beam in this process."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.event_example_gen import clock, partition
from components.event_example_gen.catalogue import engagements_from_table
from components.event_example_gen.cohorts import cohorts_from_table
from components.event_example_gen.generate import columns_to_table
from components.event_example_gen.state import (
    Snapshots,
    StateSource,
    compute_states,
    compute_used,
)
from components.event_example_gen.student_histories import student_tables
from schemas import names
from schemas.errors import DataError, InputError, TrainingRefusedError
from schemas.features import example_features, key_features, query_features, state_features
from tests.components.event_example_gen.brute_force import BruteForce
from tests.components.event_example_gen.hand_made import day
from tests.components.event_example_gen.in_memory import Output, run
from tests.components.event_example_gen.run_executor import Made, execute, parse
from tests.sample_data import (
    DAY,
    SECOND,
    Sample,
    canonical_table,
    sample_config,
    sample_tables,
    write_tables,
)

pytestmark = pytest.mark.slow

STUDENTS_A_PARTITION = "components.event_example_gen.beam_job.STUDENTS_A_PARTITION"
STUDENTS = 40
CONFIG = sample_config(cohorts=True)
TABLES = sample_tables(cohorts=True, students=STUDENTS)
LATEST = max(row[names.TIMESTAMP] for row in TABLES[names.EVENTS])
AS_OF = LATEST + SECOND


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return write_tables(tmp_path_factory.mktemp("data") / "prepared", CONFIG, TABLES, event_parts=3)


@pytest.fixture(scope="module")
def made(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return execute(sample.folder, CONFIG, tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def in_memory() -> Output:
    return run(TABLES, CONFIG, AS_OF)


def by_name(rows: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any]]:
    found = {(row[names.STUDENT_ID], row[names.SNAPSHOT_TIME]): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_the_examples_are_those_of_the_pure_functions(made: Made, in_memory: Output) -> None:
    assert made.split_names == ["train", "calibration", "eval", "serving"]
    keys = {spec.key for spec in example_features(CONFIG)}
    for split in names.SPLITS:
        found = by_name([parse(record, CONFIG) for record in made.records(split)])
        assert found == by_name(in_memory.examples[split])
        assert found
        assert all(row.keys() == keys for row in found.values())


def test_a_serving_example_is_the_stored_state(made: Made) -> None:
    keys = [spec.key for spec in (*key_features(), *query_features(CONFIG))]
    states = {row[names.STUDENT_ID]: row for row in made.read_states()}
    serving = [parse(record, CONFIG) for record in made.records("serving")]
    assert serving
    for row in serving:
        state = states[row[names.STUDENT_ID]]
        assert row == {key: state[key] for key in keys}
        assert row[names.SNAPSHOT_TIME] == AS_OF
    assert {row[names.STUDENT_ID] for row in serving} == {
        student for student, state in states.items() if not state["ended"]
    }
    assert any(state["ended"] for state in states.values())


def test_states_hold_every_student_once(made: Made, in_memory: Output) -> None:
    table = pq.read_table(made.states / names.STATES_FILE)
    assert table.column_names == [*(spec.key for spec in state_features(CONFIG)), "ended"]
    assert by_name(table.to_pylist()) == by_name(in_memory.states)
    assert table.num_rows == STUDENTS


def test_the_summary_counts_what_was_written(made: Made) -> None:
    summary = made.summary
    for split in made.split_names:
        rows = [parse(record, CONFIG) for record in made.records(split)]
        counts = summary["splits"][split]
        assert counts["snapshots"] == len(rows)
        if split == "serving":
            assert list(counts) == ["snapshots"]
            continue
        assert counts["candidates"] == sum(len(row[names.C_ID]) for row in rows)
        assert counts["candidate_lists"] == sum(bool(row[names.C_ID]) for row in rows)
        assert counts["given"] == sum(row[names.GIVEN_INDEX] >= 0 for row in rows)
        known = [row for row in rows if row[names.RISK_WEIGHT]]
        positive = sum(row[names.RISK_LABEL] for row in known)
        assert counts["labels"]["risk"] == {
            "known": len(known),
            "positive": positive,
            "rate": pytest.approx(positive / len(known)),
        }
    assert summary["students"] == STUDENTS
    assert summary["as_of"] == clock.to_text(AS_OF)
    assert summary["partitions"] == 1
    assert summary["evaluation_start"] is None
    life = BruteForce(TABLES, CONFIG, AS_OF)
    first = min(t for student in life.lives for t in life.snapshot_times(student))
    assert summary["first_snapshot"] == clock.to_text(first)
    kept = sum(len(one.events) for one in life.lives.values())
    rows_of_changes = len(TABLES[names.STAGE_CHANGES])
    kept_changes = sum(
        life.lives[row[names.STUDENT_ID]].lost_at is None
        or row[names.TIMESTAMP] <= life.lives[row[names.STUDENT_ID]].lost_at
        for row in TABLES[names.STAGE_CHANGES]
    )
    assert summary["events"] == kept
    left_out = len(TABLES[names.EVENTS]) - kept + rows_of_changes - kept_changes
    assert summary["rows_after_loss"] == left_out > 0


def test_the_catalogue_has_what_is_open_to_each_audience(made: Made) -> None:
    life = BruteForce(TABLES, CONFIG, AS_OF)
    expected = []
    for audience in ("north", "south"):
        for key, row in sorted(life.engagements.items()):
            if audience in (row[names.AUDIENCE] or "north|south").split("|"):
                of_day = life.popularity(audience, key, AS_OF)
                dates = (names.AVAILABLE_FROM, names.AVAILABLE_TO, names.DUE)
                expected.append(
                    {
                        names.AUDIENCE: audience,
                        names.C_ID: key,
                        names.C_TYPE: row[names.ENGAGEMENT_TYPE],
                        **{name: pytest.approx(value, rel=1e-6) for name, value in of_day.items()},
                        "candidate_attribute_topic": row["topic"] or "",
                        "candidate_attribute_minutes": row["minutes"] or 0,
                        "candidate_attribute_minutes_known": row["minutes"] is not None,
                        "candidate_attribute_made": pytest.approx(
                            0 if row["made"] is None else (AS_OF - row["made"]) / DAY, rel=1e-6
                        ),
                        "candidate_attribute_made_known": row["made"] is not None,
                        **{date: row[date] for date in dates},
                    }
                )
    assert made.read_catalogue() == expected
    assert any(row[names.C_POPULARITY_28] > 0 for row in made.read_catalogue())


def test_nothing_else_is_left(made: Made) -> None:
    assert sorted(path.name for path in made.examples.iterdir()) == [
        "Split-calibration",
        "Split-eval",
        "Split-serving",
        "Split-train",
        "summary.json",
    ]
    assert {path.name for split in made.split_names for path in made.files(split)} == {
        "data_tfrecord-00000-of-00001"
    }
    assert {path.name for path in made.states.iterdir()} == {
        "states.parquet",
        "histories.parquet",
        "engagements.parquet",
        "cohorts.parquet",
    }
    catalogue = sorted(path.name for path in made.catalogue.iterdir())
    assert catalogue == ["catalogue.json", "catalogue.parquet"]


def test_a_second_run_writes_the_same_bytes(sample: Sample, made: Made, tmp_path: Path) -> None:
    again = execute(sample.folder, CONFIG, tmp_path)
    for folder, other in (
        (made.examples, again.examples),
        (made.states, again.states),
        (made.catalogue, again.catalogue),
    ):
        written = {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        repeated = {
            path.relative_to(other): path.read_bytes()
            for path in other.rglob("*")
            if path.is_file()
        }
        assert written == repeated


def test_several_partitions_give_what_one_gives(
    sample: Sample, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STUDENTS_A_PARTITION, 9)
    parted = execute(sample.folder, CONFIG, tmp_path)
    assert len(parted.files("train")) == 5
    assert parted.all_records() == made.all_records()
    assert by_name(parted.read_states()) == by_name(made.read_states())
    assert parted.read_catalogue() == made.read_catalogue()
    assert parted.summary == {**made.summary, "partitions": 5}


def test_a_window_leaves_out_earlier_snapshots(sample: Sample, made: Made, tmp_path: Path) -> None:
    # The cohort of training ended long before, so that nothing remains to train on.
    with pytest.raises(TrainingRefusedError, match="split train: each of the splits needs"):
        execute(sample.folder, CONFIG, tmp_path, window_days=60)
    late = Made(tmp_path / "examples", tmp_path / "states", tmp_path / "catalogue", [])
    whole = by_name([parse(record, CONFIG) for record in made.records("eval")])
    found = by_name([parse(record, CONFIG) for record in late.records("eval")])
    assert found == {key: row for key, row in whole.items() if key[1] >= AS_OF - 60 * DAY}
    assert found
    assert late.records("train") == []


def test_rows_at_or_after_as_of_do_not_exist(sample: Sample, tmp_path: Path) -> None:
    cut = day(100)
    made = execute(sample.folder, CONFIG, tmp_path, as_of=clock.to_text(cut))
    assert made.summary["as_of"] == clock.to_text(cut)
    expected = run(TABLES, CONFIG, cut)
    for split in names.SPLITS:
        found = by_name([parse(record, CONFIG) for record in made.records(split)])
        assert found == by_name(expected.examples[split])
    assert by_name(made.read_states()) == by_name(expected.states)


def test_an_instant_must_be_iso_8601(sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="as_of: as-of must be a date or a time") as caught:
        execute(sample.folder, CONFIG, tmp_path, as_of="31/12/2024")
    assert caught.value.received == "'31/12/2024'"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("table", [names.STUDENTS, names.ENGAGEMENTS, names.EVENTS])
def test_a_table_that_is_missing_is_named(table: str, tmp_path: Path) -> None:
    tables = {name: rows for name, rows in TABLES.items() if name != table}
    write_tables(tmp_path / "data", CONFIG, tables)
    with pytest.raises(DataError, match=rf"must hold {table}\.parquet") as caught:
        execute(tmp_path / "data", CONFIG, tmp_path / "out")
    assert caught.value.where == str(tmp_path / "data")


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    data = write_tables(tmp_path / "data", CONFIG, TABLES).folder
    (data / "students.parquet").write_text("no table")
    with pytest.raises(DataError, match="must be a Parquet file") as caught:
        execute(data, CONFIG, tmp_path / "out")
    assert caught.value.where == str(data / "students.parquet")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (names.STUDENT_ID, "every row must belong to a student of the students table"),
        (names.ENGAGEMENT_ID, "every event must be with an engagement of the engagements table"),
    ],
)
def test_an_event_of_nobody_or_nothing_stops_the_run(
    column: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In so many partitions that the unknown student is alone in its own.
    monkeypatch.setattr(STUDENTS_A_PARTITION, 1)
    students = TABLES[names.STUDENTS][:3]
    chosen = {row[names.STUDENT_ID] for row in students}
    events = [row for row in TABLES[names.EVENTS] if row[names.STUDENT_ID] in chosen][:20]
    tables = {
        **TABLES,
        names.STUDENTS: students,
        names.STAGE_CHANGES: [],
        names.EVENTS: [*events, {**events[0], column: "nobody"}],
    }
    write_tables(tmp_path / "data", CONFIG, tables)
    with pytest.raises(Exception, match=message) as caught:
        execute(tmp_path / "data", CONFIG, tmp_path / "out")
    # Beam gives a worker's error back as text, which `pipeline.failures` reads.
    assert "schemas.errors.DataError" in str(caught.value) or isinstance(caught.value, DataError)
    assert "'nobody'" in str(caught.value)
    assert not (tmp_path / "out" / "examples" / ".work").exists()


def test_progress_is_logged(sample: Sample, tmp_path: Path, caplog: Any) -> None:
    with caplog.at_level(logging.INFO):
        made = execute(sample.folder, CONFIG, tmp_path)
    snapshots = made.summary["splits"]["train"]["snapshots"]
    assert f"Split train: {{'snapshots': {snapshots}" in caplog.text
    assert "Examples written in" in caplog.text


def test_a_wider_table_than_the_contract_is_read(tmp_path: Path, made: Made) -> None:
    data = write_tables(tmp_path / "data", CONFIG, TABLES).folder
    wide = canonical_table(CONFIG, names.STUDENTS, TABLES[names.STUDENTS])
    wide = wide.append_column("e_mail", [["someone@example.org"] * STUDENTS])
    pq.write_table(wide, data / "students.parquet")
    found = execute(data, CONFIG, tmp_path / "out")
    assert found.all_records() == made.all_records()
    assert b"example.org" not in b"".join(found.records("train"))


def test_histories_are_rows_from_which_the_states_can_be_made_again(made: Made) -> None:
    histories = pq.read_table(made.states / names.HISTORIES_FILE)
    tables = {
        table: pq.read_table(made.states / file) for table, file in names.REFERENCE_FILES.items()
    }
    audiences = sorted(set(histories[names.AUDIENCE].fill_null("").to_pylist()))
    engagements = engagements_from_table(tables[names.ENGAGEMENTS], CONFIG, audiences)
    cohorts = cohorts_from_table(tables[names.COHORTS])
    reference = partition.Reference(CONFIG, engagements, cohorts, AS_OF)
    stored = {row[names.STUDENT_ID]: row for row in made.read_states()}
    assert histories.num_rows == len(stored) == STUDENTS
    for place in range(histories.num_rows):
        one = student_tables(histories.slice(place, 1))
        source = StateSource(partition.build_histories(*one, reference), reference)
        at = Snapshots(np.array([0]), np.array([AS_OF]))
        columns = {**compute_states(source, at), **compute_used(source, at)}
        [row] = columns_to_table(columns, state_features(CONFIG)).to_pylist()
        expected = stored[row[names.STUDENT_ID]]
        assert row == {key: value for key, value in expected.items() if key != "ended"}
