"""The baseline of a run follows from what the pushed versions were made from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.run_history import choose_baseline_version, inputs_digest
from schemas.config import GoalpathConfig

CONFIG = GoalpathConfig(name="a", stages=("First", "Second"), default_goal="Second")


def push(serving: Path, version: str, inputs: str = "some") -> None:
    extra = serving / version / "assets.extra"
    extra.mkdir(parents=True)
    (serving / version / "saved_model.pb").touch()
    (extra / "manifest.json").write_text(json.dumps({"inputs": inputs}))


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    return tmp_path / "serving"


def test_without_a_version_there_is_no_baseline(serving: Path) -> None:
    assert choose_baseline_version(serving, "x") == ""


def test_the_newest_version_by_number_is_the_baseline(serving: Path) -> None:
    for version in ("9", "10", "not-a-version"):
        push(serving, version)
    (serving / "11").mkdir()  # half pushed
    assert choose_baseline_version(serving, "x") == "10"


def test_the_version_that_the_same_inputs_led_to_is_no_baseline(serving: Path) -> None:
    push(serving, "1", "old")
    push(serving, "2", "new")
    assert choose_baseline_version(serving, "new") == "1"
    assert choose_baseline_version(serving, "old") == "2"
    assert choose_baseline_version(serving, "other") == "2"


def test_a_version_that_does_not_say_what_it_was_made_from_is_a_baseline(serving: Path) -> None:
    push(serving, "1")
    (serving / "1" / "assets.extra" / "manifest.json").write_text("{}")
    assert choose_baseline_version(serving, "x") == "1"


def test_a_version_without_a_manifest_is_passed_over(serving: Path) -> None:
    push(serving, "1")
    push(serving, "2")
    (serving / "2" / "assets.extra" / "manifest.json").unlink()
    assert choose_baseline_version(serving, "x") == "1"


def test_every_input_is_in_the_digest() -> None:
    other = GoalpathConfig(name="b", stages=("First", "Second"), default_goal="Second")
    digests = {
        inputs_digest("f", CONFIG, "", 0, "c"),
        inputs_digest("g", CONFIG, "", 0, "c"),
        inputs_digest("f", other, "", 0, "c"),
        inputs_digest("f", CONFIG, "2026-01-01T00:00:00+00:00", 0, "c"),
        inputs_digest("f", CONFIG, "", 7, "c"),
        inputs_digest("f", CONFIG, "", 0, "d"),
    }
    assert len(digests) == 6
    assert inputs_digest("f", CONFIG, "", 0, "c") in digests


def test_what_other_code_made_of_the_same_data_is_the_baseline(serving: Path) -> None:
    old, new = (inputs_digest("f", CONFIG, "", 0, code) for code in ("old", "new"))
    push(serving, "1", old)
    assert choose_baseline_version(serving, new) == "1"
    assert choose_baseline_version(serving, old) == ""
