from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from schemas import names, tables
from schemas.config import load_config
from schemas.errors import DataError
from schemas.prepare import PreparedData, prepare_data

WriteFolder = Callable[..., Path]
NOW = dt.datetime(2024, 6, 1, tzinfo=dt.timezone.utc)
CONFIG = "name: small\nstages: [Inquired, Applied]\ndefault_goal: Applied\n"
HEADER = "student_id,engagement_id,timestamp,stage_after\n"


def prepare(folder: Path, out: Path, now: dt.datetime = NOW, allowed: int = 0) -> PreparedData:
    return prepare_data(folder, load_config(folder), out, now=now, max_bad_rows=allowed)


def contents(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_prepared_tables_are_those_of_the_folder(write_folder: WriteFolder, tmp_path: Path) -> None:
    folder = write_folder(
        CONFIG + "timezone: Europe/Berlin\n"
        "tables:\n  students: {features: {major: categorical}}\n"
        "  events: {path: log.csv, rename: {item: engagement_id}}\n"
        "  stage_changes: {}\n  cohorts: {}\n",
        students="student_id,major,cohort\ns1,math,c1\ns2,,c1\n",
        stage_changes="student_id,timestamp,stage\ns1,2024-02-01,Applied\n",
        cohorts="cohort,starts,closes\nc1,2024-01-01,2024-05-01\n",
        files={"log.csv": "student_id,item,timestamp\ns1,e1,2024-01-01\ns2,e2,2024-01-02\n"},
    )
    config = load_config(folder)
    prepared = prepare(folder, tmp_path / "out")
    raw, canonical = (tables.read_tables(place, config) for place in (folder, prepared.folder))
    assert canonical.students.equals(raw.students)
    assert canonical.engagements.equals(raw.engagements)
    assert canonical.events.equals(raw.events.sort("student_id", "timestamp"))
    assert raw.stage_changes is not None
    assert canonical.stage_changes is not None
    assert canonical.stage_changes.equals(raw.stage_changes)
    assert raw.cohorts is not None
    assert canonical.cohorts is not None
    assert canonical.cohorts.equals(raw.cohorts)
    assert contents(prepared.folder) == [
        "cohorts.parquet",
        "engagements.parquet",
        "events/part-00000.parquet",
        "prepared.json",
        "report.json",
        "stage_changes.parquet",
        "students.parquet",
    ]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


def test_rejected_rows_never_reach_the_prepared_tables(
    write_folder: WriteFolder, tmp_path: Path
) -> None:
    folder = write_folder(
        events=HEADER + "s2,e1,2024-01-05,\ns1,e1,soon,\ns9,e1,2024-01-03,\ns1,e1,2024-01-01,\n"
    )
    prepared = prepare(folder, tmp_path / "out", allowed=2)
    events = tables.read_table(prepared.folder, load_config(folder), names.EVENTS)
    assert events["student_id"].to_list() == ["s1", "s2"]
    assert prepared.report.rows_set_aside == 2
    assert "quarantine/events.csv" in contents(prepared.folder)
    assert prepared.report.quarantine == str(tmp_path / "out" / "quarantine")


def test_each_part_holds_all_events_of_its_students_in_order(
    write_folder: WriteFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schemas.event_checks.part_count", lambda files: 4)
    lines = [f"s{i % 9},e1,2024-01-{28 - i:02d},\n" for i in range(27)]
    folder = write_folder(
        students="student_id\n" + "".join(f"s{i}\n" for i in range(9)),
        events=HEADER + "".join(lines),
    )
    prepared = prepare(folder, tmp_path / "out")
    config = load_config(folder)
    files = tables.list_table_files(prepared.folder, config, names.EVENTS)
    parts = [tables.read_events_file(path, config) for path in files]
    assert len(parts) > 1
    students = [set(part["student_id"]) for part in parts]
    assert sum(map(len, students)) == len(set().union(*students)) == 9
    assert sum(part.height for part in parts) == 27
    for part in parts:
        assert part.equals(part.sort("student_id", "timestamp"))
    batches = tables.iter_event_batches(prepared.folder, config, batch_rows=5)
    assert sum(batch.num_rows for batch in batches) == 27


def test_events_of_one_instant_keep_the_order_of_the_file(
    write_folder: WriteFolder, tmp_path: Path
) -> None:
    same = "".join(f"s1,{engagement},2024-01-01,\n" for engagement in ("e2", "e1", "e2", "e1"))
    folder = write_folder(CONFIG + "tables: {events: {duplicates: keep}}\n", events=HEADER + same)
    prepared = prepare(folder, tmp_path / "out")
    events = tables.read_table(prepared.folder, load_config(folder), names.EVENTS)
    assert events["engagement_id"].to_list() == ["e2", "e1", "e2", "e1"]


def test_refused_data_leave_a_report_and_no_tables(
    write_folder: WriteFolder, tmp_path: Path
) -> None:
    folder = write_folder(events=HEADER + "s1,e1,soon,\ns2,e1,2024-01-02,\n")
    with pytest.raises(DataError, match=r"1 row would be set aside.*--max-bad-rows 1") as caught:
        prepare(folder, tmp_path / "out")
    assert "row 1" in caught.value.received
    assert "found 'soon'" in caught.value.received
    assert contents(tmp_path / "out") == ["quarantine/events.csv", "report.json"]
    assert json.loads((tmp_path / "out" / "report.json").read_text())["ok"] is False


def test_blocked_data_are_not_said_to_be_mended_by_leaving_rows_out(
    write_folder: WriteFolder, tmp_path: Path
) -> None:
    folder = write_folder(students="name\nx\n", events=HEADER + "s1,e1,soon,\n")
    with pytest.raises(DataError) as caught:
        prepare(folder, tmp_path / "out", allowed=1000)
    assert "--max-bad-rows" not in caught.value.remedy


def test_the_same_data_are_not_prepared_twice(write_folder: WriteFolder, tmp_path: Path) -> None:
    folder = write_folder()
    first = prepare(folder, tmp_path / "out")
    stamp = (tmp_path / "out" / "students.parquet").stat().st_mtime_ns
    second = prepare(folder, tmp_path / "out", now=NOW + dt.timedelta(days=1))
    assert (first.reused, second.reused) == (False, True)
    assert first.fingerprint == second.fingerprint
    assert (tmp_path / "out" / "students.parquet").stat().st_mtime_ns == stamp
    assert second.report.tables == first.report.tables


def test_changed_data_replace_the_earlier_ones(write_folder: WriteFolder, tmp_path: Path) -> None:
    prepare(write_folder(), tmp_path / "out")
    folder = write_folder(students="student_id\ns1\ns2\ns3\n")
    prepared = prepare(folder, tmp_path / "out")
    assert not prepared.reused
    students = tables.read_table(prepared.folder, load_config(folder), names.STUDENTS)
    assert students.height == 3


def test_events_that_were_in_the_future_are_looked_at_again(
    write_folder: WriteFolder, tmp_path: Path
) -> None:
    folder = write_folder(events=HEADER + "s1,e1,2024-01-01,\ns2,e1,2024-06-10,\n")
    assert prepare(folder, tmp_path / "out", allowed=1).report.rows_set_aside == 1
    later = prepare(folder, tmp_path / "out", now=dt.datetime(2024, 7, 1, tzinfo=dt.timezone.utc))
    assert not later.reused
    assert later.report.rows_set_aside == 0


def test_an_earlier_preparation_is_not_reused_where_fewer_bad_rows_are_allowed(
    write_folder: WriteFolder, tmp_path: Path
) -> None:
    folder = write_folder(events=HEADER + "s1,e1,soon,\ns2,e1,2024-01-02,\n")
    prepare(folder, tmp_path / "out", allowed=1)
    with pytest.raises(DataError):
        prepare(folder, tmp_path / "out", allowed=0)
    assert not prepare(folder, tmp_path / "out", allowed=1).reused


def test_a_foreign_folder_is_not_overwritten(write_folder: WriteFolder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match=r"thesis\.txt"):
        prepare(write_folder(), out)
    assert contents(out) == ["thesis.txt"]


def test_a_canonical_file_is_known_by_its_metadata_not_its_columns(
    write_folder: WriteFolder, tmp_path: Path
) -> None:
    folder = write_folder()
    prepared = prepare(folder, tmp_path / "out")
    path = prepared.folder / "students.parquet"
    pl.read_parquet(path).write_parquet(tmp_path / "copy.parquet")
    config = load_config(folder)
    assert tables.read_table_file(path, config, names.STUDENTS).height == 2
    events = prepared.folder / "events" / "part-00000.parquet"
    pl.read_parquet(events).write_parquet(tmp_path / "copy.parquet")
    with pytest.raises(DataError, match="timestamp"):
        tables.read_events_file(tmp_path / "copy.parquet", config)


def test_what_other_code_prepared_is_not_reused(
    write_folder: WriteFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder()
    prepare(folder, tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr("schemas.prepare.code_identity", lambda *_: "other code")
        assert not prepare(folder, tmp_path / "out").reused
        assert prepare(folder, tmp_path / "out").reused
    assert not prepare(folder, tmp_path / "out").reused


@pytest.mark.parametrize("renames", [0, 1])
def test_a_preparation_that_was_killed_is_made_anew_and_leaves_nothing(
    write_folder: WriteFolder, tmp_path: Path, renames: int
) -> None:
    place = tmp_path / "run" / "out"
    prepare(write_folder(), place)
    folder = write_folder(students="student_id\ns1\ns2\ns3\n")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, folder, place, str(renames)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert len(list(place.parent.iterdir())) > renames, "the killed one left something"
    prepared = prepare(folder, place)
    assert pl.read_parquet(place / "students.parquet").height == 3
    assert not prepared.reused
    assert list(place.parent.iterdir()) == [place]


KILLED = """
import os, signal, sys
from pathlib import Path
from schemas.config import load_config
from schemas.prepare import prepare_data
import datetime as dt
real, left = Path.rename, int(sys.argv[3])
def dying(self, target):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, target)
Path.rename = dying
now = dt.datetime(2024, 6, 1, tzinfo=dt.timezone.utc)
prepare_data(sys.argv[1], load_config(sys.argv[1]), sys.argv[2], now=now)
"""
