"""What is planned from the files of a prepared folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from components.event_example_gen import beam_files, clock
from components.event_example_gen.beam_job import EVENTS_A_PARTITION, Job, plan_job
from schemas import names
from schemas.errors import DataError
from tests.components.event_example_gen.hand_made import (
    Row,
    change,
    day,
    event,
    make_tables,
    student,
)
from tests.sample_data import DAY, SECOND, canonical_table, sample_config, write_tables

CONFIG = sample_config(cohorts=True)
COHORT = {names.COHORT: "c", names.STARTS: day(0), names.CLOSES: day(300)}


def plan(folder: Path, tables: Mapping[str, Any], **options: Any) -> Job:
    write_tables(folder, CONFIG, tables)
    return plan_job(
        CONFIG,
        data_dir=str(folder),
        work_dir=str(folder / "work"),
        examples_dir=str(folder / "examples"),
        **options,
    )


def tables_of(
    events: list[Row], changes: list[Row] | None = None, cohorts: list[Row] | None = None
) -> dict[str, Any]:
    students = [student("a", audience="north"), student("b")]
    return make_tables(students, events, changes=changes or [], cohorts=cohorts or [])


@pytest.mark.parametrize(
    ("tables", "latest"),
    [
        (tables_of([event(3), event(9), event(5)]), 9),
        (tables_of([event(3)], [change(11, "Visited")]), 11),
        (tables_of([event(3)], cohorts=[{**COHORT, names.OBSERVED_UNTIL: day(20)}]), 20),
        # A cohort that is still to close says nothing of how far the data reach.
        (tables_of([event(3)], cohorts=[COHORT]), 3),
    ],
    ids=["events", "stage changes", "observed until", "open cohort"],
)
def test_the_data_reach_to_a_second_after_the_latest_row(
    tables: dict[str, Any], latest: float, tmp_path: Path
) -> None:
    assert plan(tmp_path, tables).as_of == day(latest) + SECOND


def test_the_latest_row_is_found_without_statistics_of_the_file(tmp_path: Path) -> None:
    plan(tmp_path, tables_of([event(3)]))
    events = canonical_table(CONFIG, names.EVENTS, [event(number) for number in (3, 12, 5)])
    pq.write_table(
        events,
        tmp_path / names.EVENTS / "part-00000.parquet",
        write_statistics=False,
        row_group_size=2,
    )
    assert beam_files.latest(str(tmp_path), names.EVENTS, names.TIMESTAMP) == day(12)


def test_the_end_of_the_data_may_be_given(tmp_path: Path) -> None:
    tables = tables_of([event(3)])
    assert plan(tmp_path, tables, as_of="2024-01-03").as_of == day(2)
    assert plan(tmp_path, tables, as_of="2024-01-03T06:00:00+06:00").as_of == day(2)
    assert plan(tmp_path, tables, as_of="2024-01-03T12:00:00Z").as_of == day(2.5)


def test_a_window_is_counted_back_from_the_end(tmp_path: Path) -> None:
    tables = tables_of([event(3)])
    assert plan(tmp_path, tables).since == clock.MISSING
    job = plan(tmp_path, tables, as_of="2024-01-31", window_days=10)
    assert job.since == job.as_of - 10 * DAY


def test_the_audiences_are_those_of_the_students(tmp_path: Path) -> None:
    assert plan(tmp_path, tables_of([event(3)])).audiences == ("", "north")


def test_a_student_more_than_fits_makes_another_partition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = tables_of([event(3)] * 5)
    assert plan(tmp_path, tables).partitions == 1
    here = "components.event_example_gen.beam_job"
    monkeypatch.setattr(f"{here}.STUDENTS_A_PARTITION", 1)
    assert plan(tmp_path, tables).partitions == 2
    monkeypatch.setattr(f"{here}.EVENTS_A_PARTITION", 2)
    assert plan(tmp_path, tables).partitions == 3
    assert EVENTS_A_PARTITION > 5


def test_row_groups_are_read_together_up_to_a_number_of_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(tmp_path, tables_of([event(3)]))
    events = canonical_table(CONFIG, names.EVENTS, [event(number) for number in range(10)])
    path = tmp_path / names.EVENTS / "part-00000.parquet"
    pq.write_table(events, path, row_group_size=3)
    monkeypatch.setattr("components.event_example_gen.beam_files.READ_ROWS", 6)
    tasks, rows = beam_files.read_tasks(str(tmp_path), names.EVENTS)
    assert rows == 10
    assert [task.row_groups for task in tasks] == [(0, 1), (2, 3)]
    read = [beam_files.read_task(task)[names.TIMESTAMP].to_pylist() for task in tasks]
    assert read == [[day(number) for number in part] for part in (range(6), range(6, 10))]


def test_students_and_a_time_are_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"students of .*: there must be students"):
        plan(tmp_path / "nobody", make_tables([], [event(1)], changes=[], cohorts=[]))
    with pytest.raises(DataError, match="--as-of") as caught:
        plan(tmp_path / "no time", tables_of([]))
    assert caught.value.received == "no rows"
