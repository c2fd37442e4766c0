"""The import of the real data, against counts worked out apart.

The folder is taken from OULAD_DIR, else it is `shared/data/oulad` beside the checkout.
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from datasets.oulad.importer import ImportSummary, import_oulad

_BESIDE = Path(__file__).parents[4] / "shared" / "data" / "oulad"
SOURCE = Path(os.environ.get("OULAD_DIR", _BESIDE))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not SOURCE.is_dir(),
        reason=f"no OULAD at {SOURCE}: set OULAD_DIR to the folder with the seven files",
    ),
]
# Presentation -> days of it that are observed; None: all.
EXPECTED = {"AAA-2013J": None, "AAA-2014J": None, "BBB-2013B": None, "BBB-2013J": 132}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ImportSummary]:
    out = tmp_path_factory.mktemp("oulad") / "out"
    return out, import_oulad(SOURCE, out)


def _raw(name: str) -> pl.DataFrame:
    path = next(p for p in (SOURCE / f"{name}.csv", SOURCE / f"{name}.csv.gz") if p.is_file())
    return pl.read_csv(path, null_values=["?", ""], infer_schema_length=None)


def _of(name: str, cohort: str) -> pl.DataFrame:
    module, presentation = cohort.split("-")
    rows = _raw(name)
    if "code_module" not in rows.columns:
        rows = rows.join(_raw("assessments").drop("date"), on="id_assessment")
    return rows.filter(
        (pl.col("code_module") == module) & (pl.col("code_presentation") == presentation)
    )


def test_the_presentations_with_clicks_are_imported(imported):
    cohorts = imported[1].cohorts
    assert dict(cohorts.select("cohort", "observed_days").iter_rows()) == EXPECTED


@pytest.mark.parametrize("cohort", EXPECTED)
def test_counts_of_a_presentation(imported, cohort):
    end = EXPECTED[cohort] or 10_000
    clicks = _of("studentVle", cohort).filter(pl.col("date") < end)
    submitted = _of("studentAssessment", cohort).filter(
        (pl.col("is_banked") == 0) & (pl.col("date_submitted") < end)
    )
    counts = imported[1].cohorts.row(by_predicate=pl.col("cohort") == cohort, named=True)
    assert counts["students"] == _of("studentInfo", cohort).height
    assert counts["events"] == clicks.height + submitted.height
    changes = pl.read_parquet(imported[0] / "stage_changes.parquet").filter(
        pl.col("student_id").str.starts_with(cohort)
    )
    reached = dict(changes["stage"].value_counts().iter_rows())
    assert reached["Started"] == clicks.filter(pl.col("date") >= 0)["id_student"].n_unique()
    assert reached["Assessed"] == submitted["id_student"].n_unique()
    weight = submitted.filter(pl.col("assessment_type") != "Exam").group_by("id_student")
    half = weight.agg(pl.col("weight").sum()).filter(pl.col("weight") >= 50)
    assert reached["Halfway"] == half.height


@pytest.mark.parametrize("cohort", EXPECTED)
def test_outcomes_of_a_presentation(imported, cohort):
    info = _of("studentInfo", cohort).join(
        _of("studentRegistration", cohort), on="id_student", how="left"
    )
    changes = pl.read_parquet(imported[0] / "stage_changes.parquet").filter(
        pl.col("student_id").str.starts_with(cohort)
    )
    reached = dict(changes["stage"].value_counts().iter_rows())
    assert reached["Registered"] == info.height
    if EXPECTED[cohort] is None:
        passed = info.filter(pl.col("final_result").is_in(["Pass", "Distinction"]))
        assert reached["Completed"] == passed.height
        assert reached["lost"] == info.height - passed.height
    else:
        assert "Completed" not in reached
        gone = info.filter(pl.col("date_unregistration") < EXPECTED[cohort])
        assert reached["lost"] == gone.height
