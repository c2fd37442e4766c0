"""Reading stored states and the catalogue back."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas import names
from schemas.errors import DataError, UnknownStudentError
from serving.catalogue import read_catalogue
from serving.state_candidates import CatalogueRows
from serving.states import EndedStudentError, first_student, read_state, require_open

TEXT_TYPES = [pa.string(), pa.large_string(), pa.binary()]


def write_states(path: Path, text: pa.DataType = TEXT_TYPES[0]) -> Path:
    table = pa.table(
        {
            names.STUDENT_ID: pa.array(["s1", "s2"]).cast(text),
            names.AUDIENCE: pa.array(["", "a"]).cast(text),
            names.SNAPSHOT_TIME: pa.array([5, 7], pa.int64()),
            names.Q_STAGE: pa.array(["Last", "First"]).cast(text),
            names.TYPE_ACTIVE_ALL: pa.array([[], [1.0, 2.0]], pa.list_(pa.float32())),
            "ended": [True, False],
        }
    )
    pq.write_table(table, path)
    return path


@pytest.mark.parametrize("text", TEXT_TYPES, ids=str)
def test_a_student_is_found_whatever_text_type_the_file_has(
    tmp_path: Path, text: pa.DataType
) -> None:
    state = read_state(write_states(tmp_path / "states.parquet", text), "s2")
    assert (state.student_id, state.audience, state.snapshot_time) == ("s2", b"a", 7)
    assert state.values[names.TYPE_ACTIVE_ALL] == [1.0, 2.0]
    assert not state.ended


def test_an_unknown_student_is_an_error_and_not_a_number(tmp_path: Path) -> None:
    path = write_states(tmp_path / "states.parquet")
    with pytest.raises(UnknownStudentError, match="Received: 's3'"):
        read_state(path, "s3")


def test_the_first_student_is_one_who_has_not_ended(tmp_path: Path) -> None:
    assert first_student(write_states(tmp_path / "states.parquet")).student_id == "s2"


def test_without_an_open_student_the_first_is_an_error(tmp_path: Path) -> None:
    path = write_states(tmp_path / "states.parquet")
    table = pq.read_table(path).slice(0, 1)
    pq.write_table(table, path)
    with pytest.raises(DataError, match="at least one student"):
        first_student(path)


def test_nothing_is_predicted_for_a_student_who_has_ended(tmp_path: Path) -> None:
    path = write_states(tmp_path / "states.parquet")
    require_open(read_state(path, "s2"))
    with pytest.raises(EndedStudentError, match="stage Last"):
        require_open(read_state(path, "s1"))


@pytest.mark.parametrize("content", [b"", b"PAR1 torn"])
def test_a_torn_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "states.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"states\.parquet"):
        read_state(path, "s1")


def test_states_without_the_column_that_says_who_has_ended_are_refused(tmp_path: Path) -> None:
    path = write_states(tmp_path / "states.parquet")
    pq.write_table(pq.read_table(path).drop(["ended"]), path)
    with pytest.raises(DataError, match="ended"):
        read_state(path, "s2")


def write_catalogue(path: Path) -> Path:
    table = pa.table(
        {
            names.AUDIENCE: ["", "a", "a"],
            names.C_ID: ["e1", "e1", "e2"],
            names.C_TYPE: ["mail", "mail", "visit"],
            names.C_POPULARITY_7: pa.array([0.5, 0.25, 0.75], pa.float32()),
            names.AVAILABLE_FROM: pa.array([None, None, 3], pa.int64()),
            names.AVAILABLE_TO: pa.array([None, 9, None], pa.int64()),
            names.DUE: pa.array([None, None, None], pa.int64()),
        }
    )
    pq.write_table(table, path)
    return path


def test_the_catalogue_of_an_audience_has_its_own_popularity(tmp_path: Path) -> None:
    rows = read_catalogue(write_catalogue(tmp_path / "catalogue.parquet"), b"a")
    assert rows.features[names.C_ID].tolist() == [b"e1", b"e2"]
    assert rows.features[names.C_POPULARITY_7].tolist() == [0.25, 0.75]
    assert rows.available_from.tolist() == [CatalogueRows.MISSING, 3]
    assert rows.available_to.tolist() == [9, CatalogueRows.MISSING]
    assert rows.due.tolist() == [CatalogueRows.MISSING] * 2


def test_an_audience_of_no_student_has_what_is_open_to_everybody(tmp_path: Path) -> None:
    path = write_catalogue(tmp_path / "catalogue.parquet")
    rows = read_catalogue(path, b"z")
    assert rows.features[names.C_ID].tolist() == [b"e1"]
    assert rows.features[names.C_POPULARITY_7].tolist() == [0.5]
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    assert len(read_catalogue(path, b"z")) == 0


def test_a_missing_catalogue_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.parquet"):
        read_catalogue(tmp_path / "nowhere.parquet", b"a")
