"""The export of a recruitment CRM passes with nothing but its goalpath.yaml."""

from __future__ import annotations

import csv
import datetime as dt
import random
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

from schemas import names, tables
from schemas.checks import check_data
from schemas.config import GoalpathConfig, load_config
from schemas.rules import Severity

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "crm-export" / "goalpath.yaml"
NOW = dt.datetime(2024, 6, 1, tzinfo=dt.timezone.utc)
STUDENT_COLUMNS = (
    "student_id,first_name,last_name,email,phone,location,intended_major,application_status,"
    "funnel_stage,first_interaction_date,last_interaction_date,recruiter_id,birthdate,"
    "interaction_count,gpa,sat_score,act_score"
)
CONTENT_COLUMNS = (
    "content_id,engagement_type,content_category,content_description,success_rate,"
    "target_funnel_stage"
)
ENGAGEMENT_COLUMNS = (
    "engagement_id,student_id,engagement_type,engagement_content_id,timestamp,"
    "engagement_response,open_time,click_through,time_spent,funnel_stage_before,"
    "funnel_stage_after"
)
STAGES = ("awareness", "Interest", "consideration", "Decision", "Application", "Enrolled")
RESPONSES = ("ignored", "clicked", "replied", "booked", "joined", "unsubscribed")


def write(path: Path, header: str, rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([header.split(","), *rows])


def student_row(student: str) -> list[object]:
    personal = ["Ann", "O'Neil, jr.", "a@example.org", "555 1234", "Boston", "Biology"]
    stages = ["open", "interest", "15/01/2024", "20/03/2024", "r1", "02/05/2006"]
    return [student, *personal, *stages, "", "", "", ""]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    rng = random.Random(5)
    ids = [str(uuid.UUID(int=rng.getrandbits(128))) for _ in range(200)]
    students, contents, event_ids = ids[:20], ids[20:26], ids[26:]
    shutil.copy(EXAMPLE, tmp_path)
    write(tmp_path / "students.csv", STUDENT_COLUMNS, [student_row(s) for s in students])
    content = [[c, "email", "Aid", "What aid covers, and how", 0.4, "Interest"] for c in contents]
    write(tmp_path / "content.csv", CONTENT_COLUMNS, content)
    start = dt.datetime(2024, 1, 20, 9)
    events = [
        [
            event_ids[i],
            students[i % 20],
            "email",
            rng.choice(contents),
            (start + dt.timedelta(hours=i)).strftime("%Y-%m-%d %H:%M:%S"),
            RESPONSES[i % len(RESPONSES)],
            "",
            rng.choice(["TRUE", "FALSE"]),
            rng.randint(0, 300),
            "awareness",
            STAGES[i % len(STAGES)],
        ]
        for i in range(120)
    ]
    write(tmp_path / "engagements.csv", ENGAGEMENT_COLUMNS, events)
    return tmp_path


@pytest.fixture
def config(export: Path) -> GoalpathConfig:
    return load_config(export)


def test_it_passes_as_it_is(export: Path, config: GoalpathConfig) -> None:
    report = check_data(export, config, now=NOW)
    assert report.ok
    assert report.of_severity(Severity.ERROR) == ()
    assert report.of_severity(Severity.WARNING) == ()
    assert [(t.table, t.files, t.rows) for t in report.tables] == [
        ("students", ("students.csv",), 20),
        ("engagements", ("content.csv",), 6),
        ("events", ("engagements.csv",), 120),
    ]


def test_nothing_personal_is_read(export: Path, config: GoalpathConfig) -> None:
    students = check_data(export, config, now=NOW).tables[0]
    personal = {"first_name", "last_name", "email", "phone", "funnel_stage"}
    assert personal <= set(students.ignored)
    frame = tables.read_table(export, config, names.STUDENTS)
    assert frame.columns == [
        "student_id",
        "audience",
        "cohort",
        "entered_at",
        "location",
        "intended_major",
        "birthdate",
    ]


def test_values_mean_what_the_export_means(export: Path, config: GoalpathConfig) -> None:
    got = tables.read_tables(export, config)
    # 15 January 2024 begins in New York at 05:00 UTC.
    entered = dt.datetime(2024, 1, 15, 5, tzinfo=dt.timezone.utc)
    assert got.students["entered_at"][0] == int(entered.timestamp()) * 1_000_000
    content = {row[0] for row in csv.reader((export / "content.csv").open())} - {"content_id"}
    assert set(got.events["engagement_id"]) <= content
    assert set(got.events["stage_after"]) == set(config.stages)
    assert got.events["value"].null_count() == 0


def test_true_and_false_can_be_the_value(export: Path) -> None:
    text = (export / "goalpath.yaml").read_text()
    (export / "goalpath.yaml").write_text(text.replace("time_spent: value", "click_through: value"))
    events = tables.read_table(export, load_config(export), names.EVENTS)
    assert set(events["value"]) == {0.0, 1.0}
