"""Which versions count as pushed: whole ones only."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from serving import versions

MODEL = "goalpath"


def push(out: Path, number: int, *, states: bool = True, claimed: int | None = None) -> Path:
    folder = versions.serving_dir(out, MODEL) / str(number)
    (folder / "assets.extra").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    manifest = {
        "version": number if claimed is None else claimed,
        "as_of": "2024-01-01T00:00:00Z",
        "files": {"saved_model.pb": {"sha256": hashlib.sha256(b"graph").hexdigest(), "bytes": 5}},
    }
    versions.manifest_path(folder).write_text(json.dumps(manifest))
    if states:
        path = versions.states_path(out, number)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"rows")
    return folder


def numbers(out: Path) -> list[int]:
    return [version.number for version in versions.list_versions(out, MODEL)]


def test_versions_are_ordered_as_numbers(tmp_path: Path) -> None:
    push(tmp_path, 10)
    push(tmp_path, 9)
    assert numbers(tmp_path) == [9, 10]
    newest = versions.newest_version(tmp_path, MODEL)
    assert (newest.number, newest.as_of) == (10, "2024-01-01T00:00:00Z")


def test_a_version_without_states_does_not_count(tmp_path: Path) -> None:
    push(tmp_path, 1)
    push(tmp_path, 2, states=False)
    assert numbers(tmp_path) == [1]


def test_a_version_without_or_with_a_torn_manifest_does_not_count(tmp_path: Path) -> None:
    push(tmp_path, 1)
    versions.manifest_path(push(tmp_path, 2)).unlink()
    versions.manifest_path(push(tmp_path, 3)).write_text('{"version": 3')
    assert numbers(tmp_path) == [1]


def test_a_folder_that_claims_another_number_does_not_count(tmp_path: Path) -> None:
    push(tmp_path, 5, claimed=4)
    assert numbers(tmp_path) == []


def test_folders_that_are_no_numbers_are_passed_over(tmp_path: Path) -> None:
    push(tmp_path, 1)
    (versions.serving_dir(tmp_path, MODEL) / ".2.partial").mkdir()
    assert numbers(tmp_path) == [1]


def test_nothing_pushed_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(versions.NoVersionError, match="goalpath run"):
        versions.newest_version(tmp_path, MODEL)


def test_untouched_files_verify(tmp_path: Path) -> None:
    assert versions.verify_files(push(tmp_path, 1)) == ()


def test_changed_missing_and_extra_files_are_each_named(tmp_path: Path) -> None:
    folder = push(tmp_path, 1)
    (folder / "saved_model.pb").write_bytes(b"grapf")
    (folder / "extra").write_bytes(b"")
    assert versions.verify_files(folder) == (
        "extra: is not in the manifest",
        "saved_model.pb: its SHA-256 is not the manifest's",
    )
    (folder / "saved_model.pb").unlink()
    assert versions.verify_files(folder)[0] == "saved_model.pb: is missing"
