from __future__ import annotations

from pathlib import Path

import pytest

from schemas.config import TableConfig
from schemas.errors import DataError
from schemas.table_files import list_files


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def found(folder: Path, path: str | None = None) -> list[str]:
    files = list_files(folder, "events", TableConfig(path=path))
    return [file.relative_to(folder).as_posix() for file in files]


@pytest.mark.parametrize("name", ["events.csv", "events.csv.gz", "events.parquet"])
def test_the_default_file_is_found(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name, "students.csv")
    assert found(tmp_path) == [name]


def test_a_folder_is_read_whole_but_for_markers(tmp_path: Path) -> None:
    touch(tmp_path, "events/b.csv", "events/a.csv.gz", "events/_SUCCESS", "events/.a.csv.crc")
    touch(tmp_path, "events/notes.md")
    assert found(tmp_path) == ["events/a.csv.gz", "events/b.csv"]


def test_a_path_may_be_a_file_a_folder_or_a_pattern(tmp_path: Path) -> None:
    touch(tmp_path, "log/2024/a.csv", "log/2024/b.csv", "log/2025/c.csv", "events[1].csv")
    assert found(tmp_path, "log/2024/b.csv") == ["log/2024/b.csv"]
    assert found(tmp_path, "log/2024") == ["log/2024/a.csv", "log/2024/b.csv"]
    assert found(tmp_path, "log/*/*.csv") == ["log/2024/a.csv", "log/2024/b.csv", "log/2025/c.csv"]
    assert found(tmp_path, "events[1].csv") == ["events[1].csv"]


def test_two_places_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "events.csv", "events.parquet")
    with pytest.raises(DataError, match=r"one place.*events.csv and events.parquet"):
        found(tmp_path)


def test_a_missing_table_names_what_is_there(tmp_path: Path) -> None:
    touch(tmp_path, "Events.CSV", "students.csv")
    with pytest.raises(DataError, match=r"table events is missing.*students.csv") as caught:
        found(tmp_path)
    assert "tables.events.path" in caught.value.remedy


@pytest.mark.parametrize("path", ["no/such.csv", "*.none"])
def test_a_configured_path_that_matches_nothing_is_an_error(tmp_path: Path, path: str) -> None:
    touch(tmp_path, "events.csv")
    with pytest.raises(DataError, match="is missing"):
        found(tmp_path, path)


def test_an_empty_folder_and_a_missing_folder_are_errors(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    with pytest.raises(DataError, match="CSV or Parquet files in events/"):
        found(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        found(tmp_path / "none")
