"""Which version is the baseline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.evaluator.baseline import (
    LATEST,
    choose_baseline,
    link_baseline,
    missing_features,
)
from schemas import names
from schemas.config import parse_config
from schemas.errors import InputError


def push(serving: Path, *versions: str) -> None:
    for version in versions:
        (serving / version).mkdir(parents=True)
        (serving / version / "saved_model.pb").touch()


def test_latest_is_the_highest_number_and_not_the_last_by_name(tmp_path: Path) -> None:
    push(tmp_path, "9", "10", ".partial-11", "old")
    assert choose_baseline(tmp_path, LATEST) == tmp_path / "10"
    assert choose_baseline(tmp_path, "9") == tmp_path / "9"


def test_none_where_none_is_asked_for_or_none_is_there(tmp_path: Path) -> None:
    push(tmp_path, "9")
    assert choose_baseline(tmp_path, "") is None
    assert choose_baseline(tmp_path / "nowhere", LATEST) is None


def test_a_version_that_is_not_there_is_named(tmp_path: Path) -> None:
    push(tmp_path, "9")
    (tmp_path / "10").mkdir()
    with pytest.raises(InputError, match=r"Received: '10'.*one of \['9'\]"):
        choose_baseline(tmp_path, "10")


def test_the_baseline_is_laid_out_as_tfx_wants_it(tmp_path: Path) -> None:
    push(tmp_path / "serving", "9")
    folder = tmp_path / "artifact"
    folder.mkdir()
    assert link_baseline(tmp_path / "serving" / "9", folder) == folder
    assert (folder / "Format-Serving" / "saved_model.pb").is_file()


def test_a_version_of_another_goalpath_is_compared_by_what_it_reads(tmp_path: Path) -> None:
    config = parse_config("{name: x, stages: [A, B], default_goal: B}")
    stored = config.model_dump(mode="json")
    stored["training"]["key_of_another_goalpath"] = 8
    push(tmp_path, "9")
    manifest = tmp_path / "9" / names.ASSETS_EXTRA / names.MANIFEST_FILE
    manifest.parent.mkdir()
    manifest.write_text(json.dumps({"config": stored}))
    assert missing_features(tmp_path / "9", config) == []
    stored["tables"]["students"]["features"] = {"taken_out": "categorical"}
    manifest.write_text(json.dumps({"config": stored}))
    assert missing_features(tmp_path / "9", config) == ["profile_taken_out"]
