"""Where a run puts what, and its temporary files."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from pathlib import Path

import pytest

from pipeline.output_folder import new_run_id, temporary_files_in


def test_run_ids_sort_by_time_and_are_in_utc() -> None:
    east = dt.timezone(dt.timedelta(hours=2))
    early = new_run_id(dt.datetime(2026, 9, 1, 1, 30, tzinfo=east))
    late = new_run_id(dt.datetime(2026, 9, 1, 0, 0, tzinfo=dt.timezone.utc))
    assert early == "20260831T233000.000000Z"
    assert early < late


def test_temporary_files_are_made_in_the_folder_and_go_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    (folder / "of-a-killed-run").mkdir(parents=True)
    before = tempfile.gettempdir(), os.environ.get("TMPDIR")
    with temporary_files_in(folder):
        assert list(folder.iterdir()) == []
        assert Path(tempfile.mkdtemp()).parent == folder
        assert os.environ["TMPDIR"] == str(folder)
    assert not folder.exists()
    assert (tempfile.gettempdir(), os.environ.get("TMPDIR")) == before


def test_they_go_after_a_failure_too(tmp_path: Path) -> None:
    with pytest.raises(KeyError), temporary_files_in(tmp_path / "tmp"):
        raise KeyError
    assert not (tmp_path / "tmp").exists()
