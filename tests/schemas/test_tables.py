from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from schemas import names, tables
from schemas.config import GoalpathConfig, load_config, parse_config
from schemas.errors import ConfigError, DataError

WriteFolder = Callable[..., Path]
DAY = 24 * 3600 * 1_000_000
JAN_1_2024 = 19_723 * DAY  # days from 1970-01-01 to 2024-01-01: 54 years, 13 leap days


def config_of(tables_yaml: str = "", more: str = "") -> GoalpathConfig:
    return parse_config(
        "name: t\nstages: [Inquired, Applied]\ndefault_goal: Applied\n"
        + (f"tables:\n{tables_yaml}\n" if tables_yaml else "")
        + more
    )


def test_reads_a_sound_folder(write_folder: WriteFolder) -> None:
    folder = write_folder()
    got = tables.read_tables(folder, load_config(folder))
    assert got.students.to_dict(as_series=False) == {
        "student_id": ["s1", "s2"],
        "audience": [None, None],
        "cohort": [None, None],
        "entered_at": [None, None],
    }
    assert got.events.to_dict(as_series=False) == {
        "student_id": ["s1", "s2"],
        "engagement_id": ["e1", "e2"],
        "timestamp": [JAN_1_2024 + 10 * DAY // 24, JAN_1_2024 + DAY],
        "response": ["opened", "opened"],
        "value": [1.5, None],
        "stage_after": ["Applied", None],
    }
    assert got.events.schema["timestamp"] == pl.Int64
    assert got.events.schema["value"] == pl.Float64
    assert got.stage_changes is None
    assert got.cohorts is None


def test_renames_apply_at_once_so_names_can_be_swapped(write_folder: WriteFolder) -> None:
    folder = write_folder(
        events="engagement_id,student_id,when\ns1,e1,2024-01-01\n",
    )
    config = config_of(
        "  events: {rename: {engagement_id: student_id, student_id: engagement_id, "
        "when: timestamp}}"
    )
    events = tables.read_table(folder, config, names.EVENTS)
    assert events.select("student_id", "engagement_id").rows() == [("s1", "e1")]


def test_a_renamed_away_column_is_not_its_old_name_too(write_folder: WriteFolder) -> None:
    folder = write_folder(events="student_id,engagement_id,timestamp,value\ns1,e1,2024-01-01,7\n")
    config = config_of("  events: {rename: {value: response}}")
    events = tables.read_table(folder, config, names.EVENTS)
    assert events.select("value", "response").rows() == [(None, "7")]


def test_features_come_by_kind_and_other_columns_do_not(write_folder: WriteFolder) -> None:
    folder = write_folder(
        students="student_id,gpa,major,born,email\ns1, 3.5 ,math,02/05/2006,a@x.org\ns2,?,,,\n"
    )
    config = config_of(
        "  students:\n    features: {gpa: numeric, major: categorical, born: date}\n"
        '    date_formats: {born: "%d/%m/%Y"}\n    null_values: ["?"]'
    )
    students = tables.read_table(folder, config, names.STUDENTS)
    born = (dt.date(2006, 5, 2) - dt.date(1970, 1, 1)).days * DAY
    assert students.columns[4:] == ["gpa", "major", "born"]
    assert students.select("gpa", "major", "born").rows() == [
        (3.5, "math", born),
        (None, None, None),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("TRUE", 1.0), ("false", 0.0), ("1e3", 1000.0), ("nan", None), ("-0.5", -0.5), ("", None)],
)
def test_numbers_are_read_from_text(
    write_folder: WriteFolder, text: str, value: float | None
) -> None:
    folder = write_folder(students=f"student_id,n\ns1,{text}\n")
    config = config_of("  students: {features: {n: numeric}}")
    assert tables.read_table(folder, config, names.STUDENTS)["n"].to_list() == [value]


@pytest.mark.parametrize("text", ["12,5", "inf", "-inf", "a lot"])
def test_what_is_no_finite_number_is_an_error(write_folder: WriteFolder, text: str) -> None:
    folder = write_folder(students=f'student_id,n\ns1,"{text}"\n')
    config = config_of("  students: {features: {n: numeric}}")
    with pytest.raises(DataError, match=r"students \(students.csv\), column n, row 1"):
        tables.read_table(folder, config, names.STUDENTS)


def test_stages_are_aliased_and_lost_is_a_stage(write_folder: WriteFolder) -> None:
    folder = write_folder(
        events="student_id,engagement_id,timestamp,stage_after\n"
        "s1,e1,2024-01-01,APPLIED\ns1,e1,2024-01-02,lost\ns1,e1,2024-01-03,\n"
    )
    config = config_of(more="stage_aliases: {APPLIED: Applied}\n")
    events = tables.read_table(folder, config, names.EVENTS)
    assert events["stage_after"].to_list() == ["Applied", "lost", None]


def test_parquet_of_any_types_gives_the_same_frame(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "events").mkdir(parents=True)
    pl.DataFrame({"student_id": [1, 2]}).write_parquet(folder / "students.parquet")
    pl.DataFrame({"engagement_id": [7.0, 8.0], "engagement_type": ["a", "b"]}).with_columns(
        pl.col("engagement_type").cast(pl.Categorical)
    ).write_parquet(folder / "engagements.parquet")
    base = {"student_id": [1], "engagement_id": pl.Series([7], dtype=pl.UInt8)}
    pl.DataFrame({**base, "timestamp": [dt.datetime(2024, 1, 1)], "value": [True]}).write_parquet(
        folder / "events" / "a.parquet"
    )
    pl.DataFrame({**base, "timestamp": [dt.date(2024, 1, 2)], "value": [3]}).write_parquet(
        folder / "events" / "b.parquet"
    )
    got = tables.read_tables(folder, config_of())
    assert got.students["student_id"].to_list() == ["1", "2"]
    assert got.engagements["engagement_id"].to_list() == ["7", "8"]
    assert got.engagements["engagement_type"].to_list() == ["a", "b"]
    assert got.events.select("student_id", "engagement_id", "timestamp", "value").rows() == [
        ("1", "7", JAN_1_2024, 1.0),
        ("1", "7", JAN_1_2024 + DAY, 3.0),
    ]


def test_an_integer_column_with_gaps_keeps_its_ids(tmp_path: Path) -> None:
    pl.DataFrame({"student_id": [1.0, 22.0], "cohort": [None, 3.0]}).write_parquet(
        tmp_path / "students.parquet"
    )
    students = tables.read_table(tmp_path, config_of(), names.STUDENTS)
    assert students.select("student_id", "cohort").rows() == [("1", None), ("22", "3")]


def test_a_column_of_lists_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"student_id": [["a"]]}).write_parquet(tmp_path / "students.parquet")
    with pytest.raises(DataError, match=r"column student_id: a column must hold single values"):
        tables.read_table(tmp_path, config_of(), names.STUDENTS)


def test_strict_reading_names_the_rows_and_values(write_folder: WriteFolder) -> None:
    folder = write_folder(
        events="student_id,engagement_id,timestamp\ns1,e1,2024-01-01\ns1,e1,soon\ns1,e1,later\n"
    )
    with pytest.raises(DataError) as caught:
        tables.read_table(folder, config_of(), names.EVENTS)
    assert caught.value.where == "events (events.csv), column timestamp, rows 2, 3"
    assert caught.value.received == "'soon', 'later'"


def test_a_missing_column_is_an_error_with_the_nearest_name(write_folder: WriteFolder) -> None:
    folder = write_folder(students="StudentID,major\n1,math\n")
    with pytest.raises(DataError, match=r"rename: \{StudentID: student_id\}.*Did you mean"):
        tables.read_table(folder, config_of(), names.STUDENTS)


def test_batches_are_arrow_and_no_longer_than_asked(write_folder: WriteFolder) -> None:
    rows = "".join(f"s1,e1,2024-01-01 00:00:{second:02d}\n" for second in range(10))
    folder = write_folder(events="student_id,engagement_id,timestamp\n" + rows)
    batches = list(tables.iter_event_batches(folder, config_of(), batch_rows=4))
    assert [batch.num_rows for batch in batches] == [4, 4, 2]
    assert batches[0].schema.field("student_id").type == pa.large_string()
    assert batches[0].schema.field("timestamp").type == pa.int64()
    assert batches[0].schema.field("value").type == pa.float64()
    seconds = [
        (time - JAN_1_2024) // 1_000_000
        for batch in batches
        for time in batch.column(2).to_pylist()
    ]
    assert seconds == list(range(10))


def test_scanning_gives_what_reading_gives(write_folder: WriteFolder) -> None:
    folder = write_folder()
    whole = tables.read_table(folder, config_of(), names.EVENTS)
    scan = tables.scan_table(folder, config_of(), names.EVENTS)
    assert scan.collect().equals(whole)
    assert scan.filter(pl.col("student_id") == "s2").select("engagement_id").collect().rows() == [
        ("e2",)
    ]
    assert scan.head(1).collect().equals(whole.head(1))


def test_files_can_be_shared_among_workers(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    for number in (1, 2):
        (tmp_path / "events" / f"{number}.csv").write_text(
            f"student_id,engagement_id,timestamp\ns{number},e1,2024-01-01\n"
        )
    files = tables.list_table_files(tmp_path, config_of(), names.EVENTS)
    frames = [tables.read_events_file(path, config_of()) for path in files]
    assert [frame["student_id"].to_list() for frame in frames] == [["s1"], ["s2"]]


def test_a_table_that_is_not_configured_is_not_read(write_folder: WriteFolder) -> None:
    with pytest.raises(DataError, match=r"tables.cohorts"):
        tables.read_table(write_folder(), config_of(), names.COHORTS)


def test_a_table_without_rows_is_an_empty_frame(write_folder: WriteFolder) -> None:
    folder = write_folder(students="student_id\n")
    assert tables.read_table(folder, config_of(), names.STUDENTS).shape == (0, 4)


def test_an_unknown_zone_is_refused(write_folder: WriteFolder) -> None:
    with pytest.raises(ConfigError, match="timezone"):
        tables.read_tables(write_folder(), config_of(more="timezone: Mars/Olympus\n"))
