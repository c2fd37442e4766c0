"""The trainer's reading of the catalogue, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas import names
from schemas.config import GoalpathConfig, parse_config
from schemas.errors import DataError
from tests.random_examples import small_config
from tests.trained_run import catalogue_table, write_catalogue
from trainer.catalogue import MISSING, catalogue_features, read_catalogue

PLAIN = parse_config("{name: x, stages: [A, B], default_goal: B}")
TEXT_TYPES = (pa.string(), pa.large_string(), pa.binary())


def write(folder: Path, table: pa.Table, as_of: str = "1970-01-02T01:00:00+01:00") -> str:
    folder.mkdir(exist_ok=True)
    pq.write_table(table, folder / names.CATALOGUE_FILE)
    (folder / names.CATALOGUE_SUMMARY_FILE).write_text(json.dumps({"as_of": as_of}))
    return str(folder)


def plain_table(text: pa.DataType = TEXT_TYPES[0]) -> pa.Table:
    shares = {key: pa.array([0.5, 0.25, None]) for key in names.FRESH_POPULARITY}
    return pa.table(
        {
            names.AUDIENCE: pa.array(["b", "a", "a"]).cast(text),
            names.C_ID: pa.array(["e1", "e2", "e1"]).cast(text),
            names.C_TYPE: pa.array(["mail", "visit", None]).cast(text),
            **shares,
            names.AVAILABLE_FROM: pa.array([None, 5, 6], pa.int64()),
            names.AVAILABLE_TO: pa.array([7, None, 8], pa.int64()),
            names.DUE: pa.array([None, None, None], pa.int64()),
        }
    )


@pytest.mark.parametrize("text", TEXT_TYPES, ids=str)
def test_rows_are_sorted_by_audience_and_id(tmp_path: Path, text: pa.DataType) -> None:
    catalogue = read_catalogue(write(tmp_path, plain_table(text)), PLAIN)
    assert catalogue.audience.tolist() == [b"a", b"a", b"b"]
    assert catalogue.features[names.C_ID].tolist() == [b"e1", b"e2", b"e1"]
    assert catalogue.features[names.C_TYPE].tolist() == [b"", b"visit", b"mail"]
    assert catalogue.features[names.C_POPULARITY_7].tolist() == [0, 0.25, 0.5]
    assert catalogue.features[names.C_POPULARITY_7].dtype == np.float32
    assert catalogue.available_from.tolist() == [6, 5, MISSING]
    assert catalogue.available_to.tolist() == [8, MISSING, 7]
    assert catalogue.due.tolist() == [MISSING] * 3
    assert catalogue.as_of == 86_400_000_000
    assert len(catalogue) == 3


def test_an_empty_catalogue_is_read(tmp_path: Path) -> None:
    assert len(read_catalogue(write(tmp_path, plain_table().slice(0, 0)), PLAIN)) == 0


def test_what_changes_with_student_or_time_is_not_stored() -> None:
    config = small_config()
    stored = {spec.key for spec in catalogue_features(config)}
    assert names.C_OWN_COUNT not in stored
    assert names.C_DAYS_TO_DUE not in stored
    assert {names.C_ID, names.C_POPULARITY_7, "candidate_attribute_made"} <= stored


def refused(folder: Path, config: GoalpathConfig = PLAIN) -> DataError:
    with pytest.raises(DataError) as error:
        read_catalogue(str(folder), config)
    assert str(folder) in error.value.where
    assert error.value.remedy
    return error.value


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    config = small_config()
    write_catalogue(config, tmp_path)
    table = catalogue_table(config).drop(["candidate_attribute_theme", names.DUE])
    pq.write_table(table, tmp_path / names.CATALOGUE_FILE)
    assert refused(tmp_path, config).received == "no column candidate_attribute_theme, due"


@pytest.mark.parametrize("gone", [names.CATALOGUE_FILE, names.CATALOGUE_SUMMARY_FILE])
def test_a_missing_file_is_named(tmp_path: Path, gone: str) -> None:
    write(tmp_path, plain_table())
    (tmp_path / gone).unlink()
    assert gone in refused(tmp_path).received


@pytest.mark.parametrize(
    ("torn", "content"),
    [
        (names.CATALOGUE_FILE, b"PAR1 torn"),
        (names.CATALOGUE_FILE, b""),
        (names.CATALOGUE_SUMMARY_FILE, b'{"as_of": "2024'),
        (names.CATALOGUE_SUMMARY_FILE, b"{}"),
        (names.CATALOGUE_SUMMARY_FILE, b'{"as_of": "yesterday"}'),
    ],
)
def test_a_torn_file_is_refused(tmp_path: Path, torn: str, content: bytes) -> None:
    write(tmp_path, plain_table())
    (tmp_path / torn).write_bytes(content)
    assert refused(tmp_path).received
