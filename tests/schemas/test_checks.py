from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from schemas import event_parts
from schemas.checks import check_data
from schemas.config import load_config
from schemas.errors import DataError
from schemas.problems import Problem
from schemas.report import CheckReport
from schemas.rules import Severity

WriteFolder = Callable[..., Path]
NOW = dt.datetime(2024, 6, 1, tzinfo=dt.timezone.utc)
CONFIG = "name: small\nstages: [Inquired, Applied]\ndefault_goal: Applied\n"
EVENTS_HEADER = "student_id,engagement_id,timestamp,response,value,stage_after\n"
# Reaches the last stage, so that no warning about stages hides another.
REACHED = "s1,e1,2024-01-01,,,Applied\n"


def check(folder: Path, **options: object) -> CheckReport:
    return check_data(folder, load_config(folder), now=NOW, **options)  # type: ignore[arg-type]


def found(report: CheckReport, rule: str) -> Problem:
    matching = [problem for problem in report.problems if problem.rule == rule]
    assert len(matching) == 1, [problem.rule for problem in report.problems]
    return matching[0]


def rows_of(problem: Problem) -> list[int]:
    return [ref.row for ref in problem.rows]


def test_a_sound_folder_has_no_problem(write_folder: WriteFolder) -> None:
    report = check(write_folder())
    assert report.ok
    assert report.problems == ()
    assert [(t.table, t.rows, t.set_aside) for t in report.tables] == [
        ("students", 2, 0),
        ("engagements", 2, 0),
        ("events", 2, 0),
    ]
    assert report.tables[0].ignored == ("major",)
    assert report.first_event == "2024-01-01T10:00:00+00:00"
    assert report.last_event == "2024-01-02T00:00:00+00:00"


@pytest.mark.parametrize(
    ("row", "rule", "column", "sample"),
    [
        (",e1,2024-01-01,,,", "missing_value", "student_id", None),
        ("s1,,2024-01-01,,,", "missing_value", "engagement_id", None),
        ("s1,e1,,,,", "missing_value", "timestamp", None),
        ("s1,e1,31/12/2023,,,", "bad_date", "timestamp", "31/12/2023"),
        ("s1,e1,2024-01-01,,many,", "bad_number", "value", "many"),
        ("s1,e1,2024-01-01,,,Enroled", "unknown_stage", "stage_after", "Enroled"),
        ("s9,e1,2024-01-01,,,", "unknown_student", "student_id", "s9"),
        ("s1,e9,2024-01-01,,,", "unknown_engagement", "engagement_id", "e9"),
        ("s1,e1,2024-06-01,,,", "in_the_future", "timestamp", "2024-06-01T00:00:00Z"),
        ("s1,e1,2024-01-01,,,Applied", "duplicate_event", "timestamp", "2024-01-01T00:00:00Z"),
        ("s1,e1,2024-01-01", "field_count", None, "3 fields, not 6"),
    ],
)
def test_a_bad_event_is_named_and_set_aside(
    write_folder: WriteFolder, row: str, rule: str, column: str | None, sample: str | None
) -> None:
    folder = write_folder(events=f"{EVENTS_HEADER}{REACHED}s2,e2,2024-01-02,,,\n{row}\n")
    report = check(folder)
    problem = found(report, rule)
    assert (problem.table, problem.column, problem.count) == ("events", column, 1)
    assert rows_of(problem) == [3]
    assert problem.rows[0].file == "events.csv"
    assert list(problem.samples) == ([] if sample is None else [sample])
    assert problem.severity is Severity.ERROR
    assert problem.remedy
    assert not report.ok
    assert not report.blocked
    assert report.rows_set_aside == 1
    assert check(folder, max_bad_rows=1).ok


def test_the_instant_before_now_is_not_in_the_future(write_folder: WriteFolder) -> None:
    report = check(write_folder(events=f"{EVENTS_HEADER}s1,e1,2024-05-31 23:59:59,,,Applied\n"))
    assert report.ok


@pytest.mark.parametrize(
    ("table", "text", "rule", "column"),
    [
        ("students", "student_id\ns1\ns2\ns1\n", "duplicate_id", "student_id"),
        ("students", 'student_id\ns1\ns2\n""\n', "blank_row", None),
        (
            "engagements",
            "engagement_id,engagement_type\ne1,a\ne2,b\ne1,c\n",
            "duplicate_id",
            "engagement_id",
        ),
        (
            "engagements",
            "engagement_id,engagement_type\ne1,a\ne2,b\ne3,\n",
            "missing_value",
            "engagement_type",
        ),
        (
            "engagements",
            "engagement_id,engagement_type,available_from,available_to\ne1,a,,2024-01-01\n"
            "e2,b,2024-01-01,\ne3,c,2024-01-02,2024-01-02\n",
            "ends_before_available",
            "available_to",
        ),
    ],
)
def test_bad_rows_of_the_small_tables(
    write_folder: WriteFolder, table: str, text: str, rule: str, column: str | None
) -> None:
    problem = found(check(write_folder(**{table: text})), rule)
    assert (problem.table, problem.column, rows_of(problem)) == (table, column, [3])


def test_events_of_a_rejected_student_follow_it(write_folder: WriteFolder) -> None:
    folder = write_folder(
        CONFIG + "tables: {students: {features: {age: numeric}}}\n",
        students="student_id,age\ns1,20\ns2,old\n",
        events=f"{EVENTS_HEADER}{REACHED}s2,e1,2024-01-02,,,\ns2,e2,2024-01-03,,,\n",
    )
    report = check(folder)
    assert found(report, "student_set_aside").count == 2
    assert [t.set_aside for t in report.tables] == [1, 0, 2]
    assert report.rows_set_aside == 3
    assert not check(folder, max_bad_rows=2).ok
    assert check(folder, max_bad_rows=3).ok


def test_a_repeated_student_loses_no_events(write_folder: WriteFolder) -> None:
    report = check(write_folder(students="student_id\ns1\ns2\ns2\n"))
    assert [t.set_aside for t in report.tables] == [1, 0, 0]


def test_rejections_follow_from_cohort_to_student_to_event(write_folder: WriteFolder) -> None:
    folder = write_folder(
        CONFIG + "tables: {cohorts: {}}\n",
        cohorts="cohort,starts,closes\nc1,2024-01-01,2024-05-01\nc2,2024-05-01,2024-01-01\n",
        students="student_id,cohort\ns1,c1\ns2,c2\n",
    )
    report = check(folder)
    assert found(report, "closes_before_starts").samples == ("2024-01-01T00:00:00Z",)
    assert found(report, "cohort_set_aside").samples == ("c2",)
    assert found(report, "student_set_aside").samples == ("s2",)
    assert report.rows_set_aside == 3


def test_a_student_of_no_cohort_is_fine_and_of_an_unknown_one_is_not(
    write_folder: WriteFolder,
) -> None:
    folder = write_folder(
        CONFIG + "tables: {cohorts: {}}\n",
        cohorts="cohort,starts,closes\nc1,2024-01-01,2024-05-01\n",
        students="student_id,cohort\ns1,c1\ns2,\ns3,C1\n",
    )
    problem = found(check(folder), "unknown_cohort")
    assert rows_of(problem) == [3]
    assert "'C1' is written 'c1' there" in problem.remedy


def test_leading_zeros_that_a_spreadsheet_dropped_are_recognised(
    write_folder: WriteFolder,
) -> None:
    folder = write_folder(
        students="student_id\n007\ns1\n", events=f"{EVENTS_HEADER}{REACHED}7,e1,2024-01-02,,,\n"
    )
    assert "'7' is written '007' there" in found(check(folder), "unknown_student").remedy


def test_stage_changes_are_checked_like_events(write_folder: WriteFolder) -> None:
    folder = write_folder(
        CONFIG + "tables: {stage_changes: {}}\n",
        stage_changes="student_id,timestamp,stage\ns1,2024-02-01,Applied\ns9,2024-02-01,Applied\n"
        "s1,2025-01-01,lost\ns1,2024-03-01,Gone\ns1,2024-03-01,\n",
    )
    report = check(folder)
    assert rows_of(found(report, "unknown_student")) == [2]
    assert rows_of(found(report, "in_the_future")) == [3]
    assert rows_of(found(report, "unknown_stage")) == [4]
    assert rows_of(found(report, "missing_value")) == [5]


def test_all_reasons_of_a_row_are_given_and_it_counts_once(write_folder: WriteFolder) -> None:
    report = check(write_folder(events=f"{EVENTS_HEADER}{REACHED}s1,e1,soon,,many,Gone\n"))
    assert {problem.rule for problem in report.problems if problem.sets_aside} == {
        "bad_date",
        "bad_number",
        "unknown_stage",
    }
    assert report.rows_set_aside == 1


def test_rows_of_several_files_are_named_with_their_file(tmp_path: Path) -> None:
    (tmp_path / "goalpath.yaml").write_text(CONFIG)
    (tmp_path / "students.csv").write_text("student_id\ns1\n")
    (tmp_path / "engagements.csv").write_text("engagement_id,engagement_type\ne1,a\n")
    (tmp_path / "events").mkdir()
    header = "student_id,engagement_id,timestamp\n"
    (tmp_path / "events" / "a.csv").write_text(header + "s1,e1,2024-01-01\ns1,e1,x\n")
    (tmp_path / "events" / "b.csv").write_text(header + "s1,e1,y\n")
    problem = found(check(tmp_path), "bad_date")
    assert [(ref.file, ref.row) for ref in problem.rows] == [
        ("events/a.csv", 2),
        ("events/b.csv", 1),
    ]


def test_a_repeat_in_another_file_is_found_and_the_first_one_stays(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "goalpath.yaml").write_text(CONFIG)
    (folder / "students.csv").write_text("student_id\ns1\n")
    (folder / "engagements.csv").write_text("engagement_id,engagement_type\ne1,a\n")
    (folder / "events").mkdir()
    for name in ("a.csv", "b.csv"):
        (folder / "events" / name).write_text(
            "student_id,engagement_id,timestamp\ns1,e1,2024-01-01\n"
        )
    problem = found(check(folder), "duplicate_event")
    assert [(ref.file, ref.row) for ref in problem.rows] == [("events/b.csv", 1)]


@pytest.mark.parametrize("parts", [1, 3, 64])
def test_the_number_of_parts_changes_nothing(
    write_folder: WriteFolder, monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    monkeypatch.setattr("schemas.event_checks.part_count", lambda files: parts)
    students = [f"s{i}" for i in range(40)]
    lines = [f"{s},e1,2024-01-01,,,Applied\n" for s in students]
    folder = write_folder(
        students="student_id\n" + "\n".join(students) + "\n",
        events=EVENTS_HEADER + "".join(lines + lines[5:8] + ["s77,e1,2024-01-01,,,\n"]),
    )
    report = check(folder)
    assert rows_of(found(report, "duplicate_event")) == [41, 42, 43]
    assert rows_of(found(report, "unknown_student")) == [44]
    assert report.rows_set_aside == 4


def test_parts_grow_with_the_events(tmp_path: Path) -> None:
    path = tmp_path / "e.parquet"
    pl.DataFrame({"x": range(1_000_001)}).write_parquet(path)
    assert event_parts.part_count((path,)) == 3
    assert event_parts.part_count((path,) * 100) == 64
    (tmp_path / "small.csv").write_text("a\n")
    assert event_parts.part_count((tmp_path / "small.csv",)) == 1


def test_events_that_differ_in_value_are_two(write_folder: WriteFolder) -> None:
    folder = write_folder(
        events=f"{EVENTS_HEADER}{REACHED}s2,e1,2024-01-01,,1,\ns2,e1,2024-01-01,,2,\n"
    )
    assert check(folder).ok


def test_repeats_can_be_kept(write_folder: WriteFolder) -> None:
    folder = write_folder(
        CONFIG + "tables: {events: {duplicates: keep}}\n",
        events=EVENTS_HEADER + REACHED + REACHED + "s2,e1,2024-01-01,,,\n",
    )
    assert check(folder).problems == ()


@pytest.mark.parametrize(
    ("tables", "files", "rule", "text"),
    [
        ("students: {path: none.csv}", {}, "missing_table", "none.csv"),
        ("students: {features: {gpa: numeric}}", {}, "unknown_configured_column", "gpa"),
        ("students: {rename: {Maior: program}}", {}, "unknown_configured_column", "'major'"),
        (
            "students: {rename: {major: cohort, student_id: cohort}}",
            {},
            "duplicate_column",
            "2 columns",
        ),
        ("students: {date_formats: {major: '%Y'}}", {}, "unknown_configured_column", "entered_at"),
        ("students: {features: {entered_at: text}}", {}, "conflicting_kind", "instant"),
        ("cohorts: {}", {"cohorts.csv": "cohort,starts,closes\n"}, "missing_column", "cohort"),
    ],
)
def test_what_the_configuration_gets_wrong_stops_the_run(
    write_folder: WriteFolder, tables: str, files: dict[str, str], rule: str, text: str
) -> None:
    report = check(write_folder(f"{CONFIG}tables: {{{tables}}}\n", files=files), max_bad_rows=1000)
    matching = [problem for problem in report.problems if problem.rule == rule]
    assert matching, report.problems
    assert text in matching[0].message + matching[0].remedy + str(matching[0].column)
    assert report.blocked
    assert not report.ok


@pytest.mark.parametrize(
    ("table", "text", "rule"),
    [
        ("students", "student_id\n", "empty_table"),
        ("events", EVENTS_HEADER, "empty_table"),
        ("events", EVENTS_HEADER + "s9,e1,2024-01-01,,,\n", "nothing_left"),
        ("students", "", "unreadable_table"),
        ("students", "id,name\n1,x\n", "missing_column"),
        ("events", "student_id;engagement_id;timestamp\ns1;e1;2024-01-01\n", "missing_column"),
        ("students", "student_id,student_id\ns1,s1\n", "duplicate_column"),
    ],
)
def test_tables_that_cannot_be_used_stop_the_run(
    write_folder: WriteFolder, table: str, text: str, rule: str
) -> None:
    report = check(write_folder(**{table: text}), max_bad_rows=1000)
    problems = [p for p in report.problems if p.rule == rule]
    assert problems
    assert problems[0].table == table
    assert problems[0].blocks
    assert not report.ok


def test_one_unreadable_table_does_not_hide_the_problems_of_another(
    write_folder: WriteFolder,
) -> None:
    report = check(write_folder(students="", events=f"{EVENTS_HEADER}s1,e1,soon,,,\n"))
    assert {"unreadable_table", "bad_date"} <= {problem.rule for problem in report.problems}
    assert "unknown_student" not in {problem.rule for problem in report.problems}


def test_a_semicolon_is_recognised(write_folder: WriteFolder) -> None:
    report = check(write_folder(students="student_id;major\ns1;math\n"))
    assert "';'" in found(report, "missing_column").remedy


def test_a_date_format_is_proposed_that_reads_the_values(write_folder: WriteFolder) -> None:
    folder = write_folder(events=f"{EVENTS_HEADER}{REACHED}s1,e1,31/12/2023 09:30,,,\n")
    remedy = found(check(folder), "bad_date").remedy
    assert 'tables.events.date_formats: {timestamp: "%d/%m/%Y %H:%M"}' in remedy


def test_an_alias_is_proposed_for_a_misspelt_stage(write_folder: WriteFolder) -> None:
    folder = write_folder(events=f"{EVENTS_HEADER}{REACHED}s1,e1,2024-01-02,,,APPLIED\n")
    assert 'stage_aliases: {"APPLIED": Applied}' in found(check(folder), "unknown_stage").remedy


def test_a_time_that_clocks_skip_is_set_aside_and_one_that_occurs_twice_is_not(
    write_folder: WriteFolder,
) -> None:
    folder = write_folder(
        CONFIG + "timezone: Europe/Berlin\n",
        events=f"{EVENTS_HEADER}{REACHED}s1,e1,2024-03-31 02:30:00,,,\n"
        "s2,e1,2023-10-29 02:30:00,,,\n",
    )
    report = check(folder)
    assert rows_of(found(report, "time_in_gap")) == [2]
    assert rows_of(found(report, "ambiguous_time")) == [3]
    assert found(report, "ambiguous_time").severity is Severity.INFO
    assert report.rows_set_aside == 1


@pytest.mark.parametrize(
    ("config", "tables", "rule", "samples"),
    [
        ("responses: {active: [opened, clicked]}", {}, "response_never_occurs", ("clicked",)),
        ("responses: {active: [clicked]}", {}, "response_not_listed", ("opened",)),
        ("responses: {grades: {clicked: 2}}", {}, "response_never_occurs", ("clicked",)),
        (
            "responses: {lost: [left]}",
            {"events": EVENTS_HEADER + REACHED},
            "no_response_column",
            (),
        ),
        ("", {"events": EVENTS_HEADER + "s1,e1,2024-01-01,,,\n"}, "no_stages", ()),
        ("", {"events": EVENTS_HEADER + REACHED}, "students_without_events", ()),
        (
            "",
            {
                "students": "student_id,audience\ns1,a\ns2,b\n",
                "engagements": "engagement_id,engagement_type,audience\ne1,x,a|c\ne2,y,c\n",
            },
            "nothing_to_offer",
            ("b",),
        ),
        (
            "tables: {students: {features: {gpa: numeric}}}",
            {"students": "student_id,gpa\ns1,\ns2,\n"},
            "empty_feature",
            (),
        ),
        ("", {"stage_changes": "student_id,timestamp,stage\n"}, "unused_table", ()),
        ("tables: {events: {features: {value: numeric}}}", {}, "unused_features", ()),
        (
            "tables: {stage_changes: {}}",
            {"stage_changes": "student_id,timestamp,stage\n"},
            "empty_optional_table",
            (),
        ),
        (
            "tables: {students: {rename: {major: cohort}}}",
            {"students": "student_id,major,cohort\ns1,m,c\ns2,m,c\n"},
            "column_replaced",
            (),
        ),
    ],
)
def test_what_may_be_a_mistake_is_said_and_stops_nothing(
    write_folder: WriteFolder,
    config: str,
    tables: dict[str, str],
    rule: str,
    samples: tuple[str, ...],
) -> None:
    report = check(write_folder(f"{CONFIG}{config}\n", **tables))
    problem = found(report, rule)
    assert problem.samples == samples
    assert problem.severity is not Severity.ERROR
    assert report.ok


def test_stages_that_nobody_reached_are_named(write_folder: WriteFolder) -> None:
    folder = write_folder("name: t\nstages: [A, Applied, Paid, Sat]\ndefault_goal: Sat\n")
    assert found(check(folder), "stage_never_reached").samples == ("Paid", "Sat")


def test_cohorts_of_the_split_must_have_students(write_folder: WriteFolder) -> None:
    folder = write_folder(
        CONFIG + "split: {method: cohort, train: [c1, c3], eval: [c2]}\n",
        students="student_id,cohort\ns1,c1\ns2,c2\n",
    )
    problem = found(check(folder), "empty_split_cohort")
    assert problem.samples == ("c3",)
    assert "split.train" in problem.message
    assert problem.blocks


def test_a_missing_folder_is_an_error(tmp_path: Path, write_folder: WriteFolder) -> None:
    config = load_config(write_folder())
    with pytest.raises(DataError, match="no such folder"):
        check_data(tmp_path / "none", config, now=NOW)


def test_the_report_survives_json(write_folder: WriteFolder) -> None:
    report = check(write_folder(events=f"{EVENTS_HEADER}{REACHED}s1,e1,soon,,,\n"))
    assert CheckReport.from_json(report.to_json()) == report


def test_padded_values_and_names_are_stripped(write_folder: WriteFolder) -> None:
    folder = write_folder(students=" student_id ,major\n s1 ,math\ns2,art\n")
    assert check(folder).ok
