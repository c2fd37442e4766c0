"""A data folder appears whole or not at all."""

from __future__ import annotations

import pytest

from datasets.data_folder import new_data_folder
from schemas import names
from schemas.errors import InputError


def _fill(out, text="new", **options):
    with new_data_folder(out, **options) as folder:
        (folder / names.CONFIG_FILE).write_text(text)


def _fail_in(folder):
    (folder / "half").write_text("")
    raise OSError("half way")


def test_creates_the_folder_and_its_parents(tmp_path):
    out = tmp_path / "a" / "b"
    _fill(out)
    assert [path.name for path in out.iterdir()] == [names.CONFIG_FILE]
    assert [path.name for path in out.parent.iterdir()] == ["b"]


def test_an_empty_folder_is_taken(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    _fill(out)
    assert (out / names.CONFIG_FILE).read_text() == "new"


def test_failure_leaves_nothing_behind(tmp_path):
    with pytest.raises(OSError, match="half"), new_data_folder(tmp_path / "out") as folder:
        _fail_in(folder)
    assert list(tmp_path.iterdir()) == []


def test_failure_leaves_the_old_folder_as_it_was(tmp_path):
    out = tmp_path / "out"
    _fill(out, "old")
    with pytest.raises(OSError, match="half"), new_data_folder(out, force=True) as folder:
        _fail_in(folder)
    assert (out / names.CONFIG_FILE).read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_data_folder_is_replaced_with_force_only(tmp_path):
    out = tmp_path / "out"
    _fill(out, "old")
    (out / "stale").write_text("")
    with pytest.raises(InputError, match="--force"):
        _fill(out)
    assert (out / names.CONFIG_FILE).read_text() == "old"
    _fill(out, force=True)
    assert [path.name for path in out.iterdir()] == [names.CONFIG_FILE]
    assert list(tmp_path.iterdir()) == [out]


def test_force_spares_folders_that_hold_no_data(tmp_path):
    (tmp_path / "diary.txt").write_text("dear diary")
    with pytest.raises(InputError, match="replaces data folders only"):
        _fill(tmp_path, force=True)
    assert (tmp_path / "diary.txt").read_text() == "dear diary"


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="must name a folder"):
        _fill(tmp_path / "out", force=True)
