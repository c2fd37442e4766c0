from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import polars as pl

from schemas.checks import check_data
from schemas.config import load_config

WriteFolder = Callable[..., Path]
NOW = dt.datetime(2024, 6, 1, tzinfo=dt.timezone.utc)
HEADER = "student_id,engagement_id,timestamp,reason,note\n"


def quarantine(folder: Path, out: Path, table: str) -> list[dict[str, str]]:
    report = check_data(folder, load_config(folder), now=NOW, quarantine_dir=out)
    assert report.quarantine == str(out)
    with (out / f"{table}.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_a_rejected_row_stands_as_in_its_file_with_all_reasons(
    write_folder: WriteFolder, tmp_path: Path
) -> None:
    folder = write_folder(
        events=HEADER
        + 's1,e1,2024-01-01,why,"said ""no"", left"\n'
        + ' s9 ,e9,soon,because,"two\nlines"\n'
    )
    assert quarantine(folder, tmp_path / "q", "events") == [
        {
            "file": "events.csv",
            "row": "2",
            "reason": "timestamp: bad_date",
            "text": "",
            "student_id": " s9 ",
            "engagement_id": "e9",
            "timestamp": "soon",
            "source_reason": "because",
            "note": "two\nlines",
        }
    ]


def test_a_malformed_row_is_there_as_text(write_folder: WriteFolder, tmp_path: Path) -> None:
    folder = write_folder(events=HEADER + "s1,e1,2024-01-01,a,b\ns1,e1,2024-01-02,a,b,c\n")
    (row,) = quarantine(folder, tmp_path / "q", "events")
    assert row["text"] == "s1,e1,2024-01-02,a,b,c"
    assert row["reason"] == "field_count"
    assert row["row"] == "2"
    assert row["student_id"] == ""


def test_files_with_different_columns_share_one_quarantine(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "events").mkdir(parents=True)
    (folder / "goalpath.yaml").write_text("name: t\nstages: [A, B]\ndefault_goal: B\n")
    (folder / "students.csv").write_text("student_id\ns1\n")
    (folder / "engagements.csv").write_text("engagement_id,engagement_type\ne1,a\n")
    (folder / "events" / "a.csv").write_text(
        "student_id,engagement_id,timestamp,x\ns1,e1,soon,1\ns1,e1,2024-01-01,2\n"
    )
    pl.DataFrame(
        {
            "y": [3],
            "timestamp": [dt.datetime(2030, 1, 1)],
            "engagement_id": ["e1"],
            "student_id": ["s1"],
        }
    ).write_parquet(folder / "events" / "b.parquet")
    rows = quarantine(folder, tmp_path / "q", "events")
    assert [(row["file"], row["row"], row["x"], row["y"]) for row in rows] == [
        ("events/a.csv", "1", "1", ""),
        ("events/b.parquet", "1", "", "3"),
    ]


def test_every_rejected_row_is_there_once(write_folder: WriteFolder, tmp_path: Path) -> None:
    folder = write_folder(
        students="student_id\ns1\ns1\ns1\n",
        events=HEADER + "s1,e1,2024-01-01,,\n" * 5 + "s2,e1,2024-01-01,,\n",
    )
    rows = quarantine(folder, tmp_path / "q", "events")
    assert [row["row"] for row in rows] == ["2", "3", "4", "5", "6"]
    assert {row["reason"] for row in rows[:4]} == {"timestamp: duplicate_event"}
    assert rows[4]["reason"] == "student_id: unknown_student"
    assert sorted(path.name for path in (tmp_path / "q").iterdir()) == [
        "events.csv",
        "students.csv",
    ]


def test_nothing_is_written_where_nothing_is_rejected(
    write_folder: WriteFolder, tmp_path: Path
) -> None:
    folder = write_folder()
    report = check_data(folder, load_config(folder), now=NOW, quarantine_dir=tmp_path / "q")
    assert report.quarantine is None
    assert not (tmp_path / "q").exists()
