from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.config import parse_config
from schemas.errors import DataError
from schemas.fingerprint import fingerprint_data, hash_file

WriteFolder = Callable[..., Path]
BASE = "name: t\nstages: [Inquired, Applied]\ndefault_goal: Applied\n"


def fingerprint(folder: Path, more: str = "") -> str:
    return fingerprint_data(folder, parse_config(BASE + more))


def test_content_counts_and_time_stamps_do_not(write_folder: WriteFolder) -> None:
    folder = write_folder()
    before = fingerprint(folder)
    os.utime(folder / "events.csv", (0, 0))
    assert fingerprint(folder) == before
    text = (folder / "events.csv").read_text()
    (folder / "events.csv").write_text(text.replace("s2", "s1"))  # the same size
    assert fingerprint(folder) != before


def test_names_of_files_count(write_folder: WriteFolder) -> None:
    folder = write_folder()
    more = "tables: {events: {path: 'e*.csv'}}\n"
    (folder / "engagements.csv").rename(folder / "g.csv")
    more = "tables: {events: {path: 'e*.csv'}, engagements: {path: g.csv}}\n"
    before = fingerprint(folder, more)
    (folder / "events.csv").rename(folder / "e.csv")
    assert fingerprint(folder, more) != before


@pytest.mark.parametrize(
    "more",
    [
        "timezone: Europe/Berlin\n",
        "stage_aliases: {APPLIED: Applied}\n",
        "tables: {students: {features: {major: text}}}\n",
    ],
)
def test_what_decides_how_rows_are_read_counts(write_folder: WriteFolder, more: str) -> None:
    folder = write_folder()
    assert fingerprint(folder, more) != fingerprint(folder)


@pytest.mark.parametrize("more", ["training: {epochs: 1}\n", "serving: {model_name: other}\n"])
def test_what_does_not_concern_the_tables_does_not_count(
    write_folder: WriteFolder, more: str
) -> None:
    folder = write_folder()
    assert fingerprint(folder, more) == fingerprint(folder)


def test_the_folder_may_be_moved(write_folder: WriteFolder) -> None:
    assert fingerprint(write_folder(folder="a")) == fingerprint(write_folder(folder="b"))


def test_a_missing_table_is_an_error(write_folder: WriteFolder) -> None:
    folder = write_folder()
    (folder / "events.csv").unlink()
    with pytest.raises(DataError, match="events is missing"):
        fingerprint(folder)


def test_files_are_hashed_whole(tmp_path: Path) -> None:
    content = os.urandom((1 << 20) + 17)  # more than one chunk
    (tmp_path / "f").write_bytes(content)
    assert hash_file(tmp_path / "f") == hashlib.sha256(content).hexdigest()
