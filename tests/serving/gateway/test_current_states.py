"""Replay: states after posted events are those that the batch pipeline makes, value by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from schemas import names
from schemas.features import key_features, query_features, state_features
from serving.gateway.event_store import PostedEvent
from serving.gateway.posted_rows import StateRows
from serving.gateway.state_table import StudentRows
from tests.components.event_example_gen.in_memory import Tables, run
from tests.sample_data import DAY, SECOND, START, sample_config, sample_tables
from tests.serving.gateway.real_version import write_pushed

PUSHED = START + 40 * DAY
LATER = START + 100 * DAY
END = START + 150 * DAY  # the cohorts have closed
CONFIG = sample_config(cohorts=True, cadence="every_event")


def tables() -> Tables:
    """As the sample's, with no stage change that nobody could post as an event."""
    found = dict(sample_tables(cohorts=True, students=40))
    found[names.STAGE_CHANGES] = [
        row for row in found[names.STAGE_CHANGES] if int(str(row[names.TIMESTAMP])) < PUSHED
    ]
    return found


@pytest.fixture(name="pushed_folder", scope="module")
def _pushed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay")
    return write_pushed(folder, tables(), CONFIG, PUSHED)[0]


@pytest.fixture(name="histories", scope="module")
def _histories(pushed_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> StudentRows:
    return StudentRows(pushed_folder / names.HISTORIES_FILE, tmp_path_factory.mktemp("imported"))


@pytest.fixture(name="rows", scope="module")
def _rows(pushed_folder: Path) -> StateRows:
    return StateRows(pushed_folder, CONFIG, ["north", "south"])


def posted_since(student: str) -> list[PostedEvent]:
    return [
        PostedEvent(
            f"p{number}",
            str(row[names.STUDENT_ID]),
            str(row[names.ENGAGEMENT_ID]),
            int(str(row[names.TIMESTAMP])),
            str(row.get(names.RESPONSE) or ""),
            row.get(names.VALUE),  # type: ignore[arg-type]
            str(row.get(names.STAGE_AFTER) or ""),
        )
        for number, row in enumerate(tables()[names.EVENTS])
        if row[names.STUDENT_ID] == student and int(str(row[names.TIMESTAMP])) >= PUSHED
    ]


def replayed(
    rows: StateRows, histories: StudentRows, student: str, as_of: int, seed: int = 0
) -> dict[str, Any]:
    """The gateway's state as of an instant, events having come in any order."""
    posted = [event for event in posted_since(student) if event.timestamp < as_of]
    order = np.random.default_rng(seed).permutation(len(posted))
    place = histories.place(student)
    assert place is not None
    table = rows.row(histories.row(place), [posted[i] for i in order], as_of=as_of)
    [row] = table.to_pylist()
    return dict(row)


def batch_examples() -> Iterator[Mapping[str, Any]]:
    for _, row in run(tables(), CONFIG, END).all_examples():
        if row[names.SNAPSHOT_TIME] > PUSHED:
            yield row


def test_every_feature_of_every_later_example_is_equal(
    rows: StateRows, histories: StudentRows
) -> None:
    keys = [spec.key for spec in (*key_features(), *query_features(CONFIG))]
    compared = 0
    for example in batch_examples():
        student, at = example[names.STUDENT_ID], example[names.SNAPSHOT_TIME]
        state = replayed(rows, histories, student, at)
        assert {key: state[key] for key in keys} == {key: example[key] for key in keys}
        compared += 1
    assert compared > 200


@pytest.mark.parametrize("as_of", [LATER, END])
def test_states_are_those_of_a_later_push(
    rows: StateRows, histories: StudentRows, tmp_path: Path, as_of: int
) -> None:
    later, _ = write_pushed(tmp_path, tables(), CONFIG, as_of)
    expected = {
        row[names.STUDENT_ID]: row for row in pq.read_table(later / names.STATES_FILE).to_pylist()
    }
    assert {row["ended"] for row in expected.values()} == ({True, False} if as_of < END else {True})
    assert set(expected) == {f"s{number:04d}" for number in range(40)}
    for student, state in expected.items():
        assert replayed(rows, histories, student, as_of, seed=1) == state


def test_without_events_a_state_made_again_is_the_stored_one(
    rows: StateRows, histories: StudentRows, pushed_folder: Path
) -> None:
    for state in pq.read_table(pushed_folder / names.STATES_FILE).to_pylist():
        place = histories.place(state[names.STUDENT_ID])
        assert place is not None
        [row] = rows.row(histories.row(place), [], as_of=PUSHED).to_pylist()
        assert row == state


def test_a_loss_that_is_posted_ends_the_student(rows: StateRows, histories: StudentRows) -> None:
    student = "s0003"
    place = histories.place(student)
    assert place is not None
    lost = PostedEvent("x", student, "e000", PUSHED + 5, "unsubscribed")
    after = PostedEvent("y", student, "e001", PUSHED + DAY, "clicked")
    [row] = rows.row(histories.row(place), [after, lost], as_of=PUSHED + 2 * DAY).to_pylist()
    [alone] = rows.row(histories.row(place), [lost], as_of=PUSHED + 2 * DAY).to_pylist()
    assert row["ended"] is True
    assert row == alone  # what comes after a loss is no input


def test_the_schema_is_that_of_the_states(
    rows: StateRows, histories: StudentRows, pushed_folder: Path
) -> None:
    stored = pq.read_schema(pushed_folder / names.STATES_FILE)
    made = rows.row(histories.row(0), [], as_of=PUSHED + SECOND).schema
    assert made.names == stored.names == [*(s.key for s in state_features(CONFIG)), "ended"]
    assert made.types == stored.types
