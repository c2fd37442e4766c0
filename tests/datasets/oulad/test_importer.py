"""The mapping of OULAD, on seven files worked out by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from datasets.oulad.importer import ImportSummary, import_oulad
from schemas.config import CohortSplitConfig, TimeSplitConfig, load_config
from schemas.errors import DataError, InputError
from tests.datasets.oulad import tiny_oulad as tiny

UTC = dt.timezone.utc
OCT_2013 = dt.datetime(2013, 10, 1, tzinfo=UTC)
OCT_2014 = dt.datetime(2014, 10, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ImportSummary]:
    base = tmp_path_factory.mktemp("oulad")
    source = tiny.write_tiny(base / "source")
    return base / "out", import_oulad(source, base / "out")


def _table(imported: tuple[Path, ImportSummary], name: str) -> pl.DataFrame:
    return pl.read_parquet(imported[0] / f"{name}.parquet")


def _stages_of(imported: tuple[Path, ImportSummary], student: str) -> list[tuple[object, ...]]:
    changes = _table(imported, "stage_changes").filter(pl.col("student_id") == student)
    return changes.select("timestamp", "stage").rows()


def _noon(start: dt.datetime, day: int, second: int = 0) -> dt.datetime:
    return start + dt.timedelta(days=day, hours=12, seconds=second)


CLOSE_2013 = OCT_2013 + dt.timedelta(days=40)


def test_presentations_without_clicks_are_left_out_and_named(imported):
    assert _table(imported, "cohorts")["cohort"].to_list() == ["AAA-2013J", "AAA-2014J"]
    assert imported[1].skipped == ("BBB-2013B",)


def test_a_cut_presentation_is_observed_until_the_day_before_its_last_click(imported):
    rows = _table(imported, "cohorts").rows()
    assert rows == [
        ("AAA-2013J", OCT_2013, CLOSE_2013, None),
        (
            "AAA-2014J",
            OCT_2014,
            OCT_2014 + dt.timedelta(days=40),
            OCT_2014 + dt.timedelta(days=9),
        ),
    ]


def test_students_are_enrolments_without_their_result(imported):
    students = _table(imported, "students")
    assert students.height == 11
    assert "final_result" not in students.columns
    one = students.row(by_predicate=pl.col("student_id") == "AAA-2013J-11", named=True)
    assert (one["cohort"], one["audience"], one["module"]) == ("AAA-2013J", "AAA-2013J", "AAA")
    assert (one["imd_band"], one["gender"], one["studied_credits"]) == ("10-20%", "F", 60)
    two = students.row(by_predicate=pl.col("student_id") == "AAA-2013J-12", named=True)
    assert two["imd_band"] is None


@pytest.mark.parametrize(
    ("student", "expected"),
    [
        pytest.param(
            "11",
            [
                (_noon(OCT_2013, -20), "Registered"),
                (_noon(OCT_2013, 3, 1), "Started"),
                (_noon(OCT_2013, 5, 2), "Assessed"),
                (_noon(OCT_2013, 20, 3), "Halfway"),
                (CLOSE_2013, "Completed"),
            ],
            id="clicks before day 0 start nothing, 20 + 30 of the weight is half",
        ),
        pytest.param(
            "12",
            [
                (_noon(OCT_2013, -30), "Registered"),
                (_noon(OCT_2013, 7, 1), "Started"),
                (_noon(OCT_2013, 7, 4), "lost"),
            ],
            id="lost comes after what happened on the same day",
        ),
        pytest.param(
            "13",
            [
                (_noon(OCT_2013, 2), "Registered"),
                (_noon(OCT_2013, 6, 2), "Assessed"),
                (CLOSE_2013, "lost"),
            ],
            id="failed at the close; the exam's 100 makes no half",
        ),
        pytest.param(
            "14",
            [(_noon(OCT_2013, -9), "Registered"), (CLOSE_2013, "lost")],
            id="withdrawn without a date: at the close",
        ),
        pytest.param(
            "15",
            [(_noon(OCT_2013, -9), "Registered"), (_noon(OCT_2013, 3, 4), "lost")],
            id="unregistered, though the result is Fail",
        ),
        pytest.param(
            "16",
            [
                (_noon(OCT_2013, -4), "Registered"),
                (_noon(OCT_2013, 0, 1), "Started"),
                (_noon(OCT_2013, 4, 2), "Assessed"),
                (CLOSE_2013, "Completed"),
            ],
            id="no registration date: first record; banked 30 makes no half",
        ),
        pytest.param(
            "17",
            [(_noon(OCT_2013, -1), "Registered"), (_noon(OCT_2013, -1, 4), "lost")],
            id="no registration date, and gone before the start",
        ),
        pytest.param(
            "18",
            [(_noon(OCT_2013, -9), "Registered"), (CLOSE_2013, "lost")],
            id="unregistered after the close: at the close",
        ),
    ],
)
def test_stages_of_a_whole_presentation(imported, student, expected):
    assert _stages_of(imported, f"AAA-2013J-{student}") == expected


@pytest.mark.parametrize(
    ("student", "expected"),
    [
        (
            "11",
            [
                (_noon(OCT_2014, -5), "Registered"),
                (_noon(OCT_2014, 0, 1), "Started"),
                (_noon(OCT_2014, 8, 2), "Assessed"),
                (_noon(OCT_2014, 8, 3), "Halfway"),
            ],
        ),
        ("22", [(_noon(OCT_2014, -5), "Registered")]),
        ("23", [(_noon(OCT_2014, -5), "Registered"), (_noon(OCT_2014, 8, 4), "lost")]),
    ],
)
def test_nothing_after_the_end_of_observation_is_known(imported, student, expected):
    assert _stages_of(imported, f"AAA-2014J-{student}") == expected


def test_events_are_clicks_and_submissions_at_noon(imported):
    events = _table(imported, "events")
    expected = [
        ("AAA-2013J-11", "vle-1", _noon(OCT_2013, -2), 4.0),
        ("AAA-2013J-11", "vle-1", _noon(OCT_2013, 3), 1.0),
        ("AAA-2013J-11", "vle-1", _noon(OCT_2013, 3), 1.0),
        ("AAA-2013J-11", "assessment-101", _noon(OCT_2013, 5), 80.0),
        ("AAA-2013J-11", "assessment-102", _noon(OCT_2013, 20), 70.0),
        ("AAA-2013J-11", "vle-2", _noon(OCT_2013, 39), 9.0),
        ("AAA-2013J-12", "vle-1", _noon(OCT_2013, 7), 2.0),
        ("AAA-2013J-13", "assessment-101", _noon(OCT_2013, 6), None),
        ("AAA-2013J-13", "assessment-103", _noon(OCT_2013, 39), 10.0),
        ("AAA-2013J-16", "vle-1", _noon(OCT_2013, -4), 1.0),
        ("AAA-2013J-16", "vle-1", _noon(OCT_2013, 0), 1.0),
        ("AAA-2013J-16", "assessment-101", _noon(OCT_2013, 4), 55.5),
        ("AAA-2014J-11", "vle-3", _noon(OCT_2014, 0), 5.0),
        ("AAA-2014J-11", "assessment-201", _noon(OCT_2014, 8), 60.0),
        ("AAA-2014J-11", "vle-3", _noon(OCT_2014, 8), 5.0),
    ]
    assert events.rows() == expected


def test_engagements_are_sites_and_assessments_with_due_dates(imported):
    engagements = _table(imported, "engagements")
    columns = ("engagement_id", "engagement_type", "audience", "due", "weight", "week_from")
    end_of_day = dt.timedelta(hours=23, minutes=59, seconds=59)
    assert engagements.select(columns).rows() == [
        (
            "assessment-101",
            "assessment-TMA",
            "AAA-2013J",
            OCT_2013 + dt.timedelta(days=5) + end_of_day,
            20.0,
            None,
        ),
        (
            "assessment-102",
            "assessment-CMA",
            "AAA-2013J",
            OCT_2013 + dt.timedelta(days=20) + end_of_day,
            30.0,
            None,
        ),
        (
            "assessment-103",
            "assessment-Exam",
            "AAA-2013J",
            OCT_2013 + dt.timedelta(days=39) + end_of_day,
            100.0,
            None,
        ),
        (
            "assessment-201",
            "assessment-TMA",
            "AAA-2014J",
            OCT_2014 + dt.timedelta(days=8) + end_of_day,
            50.0,
            None,
        ),
        ("vle-1", "homepage", "AAA-2013J", None, None, None),
        ("vle-2", "resource", "AAA-2013J", None, None, 3),
        ("vle-3", "homepage", "AAA-2014J", None, None, None),
    ]


def test_every_row_read_is_accounted_for(imported):
    accounts = {a.source: (a.read, a.used, dict(a.left_out)) for a in imported[1].accounts}
    not_imported = "of a presentation that is not imported"
    no_student = "of no enrolment in studentInfo"
    unobserved = "at or after the end of its presentation's observation"
    assert accounts == {
        "courses": (3, 2, {"presentation that is not imported": 1}),
        "vle": (4, 3, {not_imported: 1}),
        "assessments": (5, 4, {not_imported: 1}),
        "studentInfo": (12, 11, {not_imported: 1}),
        "studentRegistration": (13, 11, {not_imported: 1, no_student: 1}),
        "studentAssessment": (
            11,
            6,
            {
                "of no assessment in assessments": 1,
                not_imported: 1,
                no_student: 1,
                "banked: carried over from an earlier presentation": 1,
                unobserved: 1,
            },
        ),
        "studentVle": (13, 9, {no_student: 1, "of no site in vle": 1, unobserved: 2}),
    }


def test_summary_counts_students_by_stage(imported):
    assert imported[1].stage_counts == {
        "Registered": 11,
        "Started": 4,
        "Assessed": 4,
        "Halfway": 2,
        "Completed": 2,
        "lost": 7,
    }


def test_configuration_holds_out_the_last_presentation_of_a_module(imported):
    config = load_config(imported[0])
    assert config.stages == ("Registered", "Started", "Assessed", "Halfway", "Completed")
    assert config.default_goal == "Completed"
    assert config.horizons.model_dump() == {
        "likelihood_days": 28,
        "risk_days": 28,
        "goal_days": 120,
    }
    assert isinstance(config.split, CohortSplitConfig)
    assert (config.split.train, config.split.eval) == (("AAA-2013J",), ("AAA-2014J",))
    assert config.evaluation.slices == ("gender", "age_band", "disability")
    assert config.tables.events.duplicates == "keep"
    assert config.tables.cohorts is not None


def test_chosen_presentations_are_imported_even_without_clicks(tmp_path):
    source = tiny.write_tiny(tmp_path / "source")
    summary = import_oulad(source, tmp_path / "out", wanted=["BBB-2013B"])
    assert summary.skipped == ("AAA-2013J", "AAA-2014J")
    assert summary.cohorts["starts"].to_list() == [dt.datetime(2013, 2, 1, tzinfo=UTC)]
    assert isinstance(load_config(tmp_path / "out").split, TimeSplitConfig)


def test_observation_can_be_given(tmp_path):
    source = tiny.write_tiny(tmp_path / "source")
    summary = import_oulad(source, tmp_path / "out", observed_days={"AAA-2014J": 4})
    until = dict(summary.cohorts.select("cohort", "observed_until").iter_rows())
    assert until == {"AAA-2013J": None, "AAA-2014J": OCT_2014 + dt.timedelta(days=4)}
    assert dict(summary.cohorts.select("cohort", "events").iter_rows())["AAA-2014J"] == 1


def test_a_week_of_silence_before_the_close_is_no_cut(tmp_path):
    clicks = tiny.TINY["studentVle"]
    on_day_33 = clicks + "AAA,2014J,11,3,33,1\n"
    source = tiny.write_tiny(tmp_path / "source", studentVle=on_day_33)
    summary = import_oulad(source, tmp_path / "out")
    assert summary.cohorts["observed_until"].to_list() == [None, None]


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        pytest.param({"vle": None}, ["vle.csv or vle.csv.gz", "courses.csv"], id="no file"),
        pytest.param(
            {"courses": "code_module,code_presentation\nAAA,2013J\n"},
            ["courses.csv", "module_presentation_length", "Received: code_module"],
            id="no column",
        ),
        pytest.param(
            {"courses": tiny.TINY["courses"].replace("AAA,2014J,40", "AAA,2014J,forty")},
            ["courses.csv, line 3", "module_presentation_length", "'forty'"],
            id="no number",
        ),
        pytest.param(
            {"courses": tiny.TINY["courses"] + "AAA,2013J,41\n"},
            ["courses.csv, line 5", "must not repeat", "AAA 2013J"],
            id="repeated key",
        ),
        pytest.param(
            {"courses": tiny.TINY["courses"].replace("2014J", "2014X")},
            ["presentation code", "'2014X'"],
            id="odd presentation",
        ),
        pytest.param(
            {"studentVle": tiny.TINY["studentVle"] + "AAA,2013J,11,1,?,1\n"},
            ["studentVle.csv, line 15", "`date` must not be missing"],
            id="click without a day",
        ),
        pytest.param(
            {"studentInfo": tiny.TINY["studentInfo"].replace(",Distinction", ",Superb")},
            ["studentInfo, line 7", "'Superb'", "Pass, Distinction, Fail, Withdrawn"],
            id="unknown result",
        ),
    ],
)
def test_a_broken_file_is_named_with_line_and_remedy(tmp_path, changed, parts):
    source = tiny.write_tiny(tmp_path / "source", **changed)
    with pytest.raises(DataError) as caught:
        import_oulad(source, tmp_path / "out")
    message = str(caught.value)
    assert "Remedy:" in message
    assert [part for part in parts if part not in message] == []
    assert not (tmp_path / "out").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def test_a_truncated_gzip_is_refused(tmp_path):
    source = tiny.write_tiny(tmp_path / "source")
    path = source / "assessments.csv.gz"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=r"assessments\.csv\.gz.*plain or gzipped"):
        import_oulad(source, tmp_path / "out")


@pytest.mark.parametrize("option", ["wanted", "observed"])
def test_an_unknown_presentation_is_refused(tmp_path, option):
    source = tiny.write_tiny(tmp_path / "source")
    wanted = ["CCC-2013J"] if option == "wanted" else None
    observed = {"CCC-2013J": 3} if option == "observed" else None
    with pytest.raises(InputError, match=r"CCC-2013J.*AAA-2013J, AAA-2014J, BBB-2013B"):
        import_oulad(source, tmp_path / "out", wanted=wanted, observed_days=observed)
