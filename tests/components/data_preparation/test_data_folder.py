"""What DataPreparation says of a folder before it reads a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.data_preparation.data_folder import (
    other_config,
    reported_problems,
    require_data_folder,
)
from schemas.config import GoalpathConfig
from schemas.errors import DataError

CONFIG = GoalpathConfig(name="a", stages=("First", "Second"), default_goal="Second")
YAML = "name: a\nstages: [First, Second]\ndefault_goal: Second\n"


def test_a_folder_is_taken(tmp_path: Path) -> None:
    assert require_data_folder(str(tmp_path)) == tmp_path


@pytest.mark.parametrize("uri", ["minio://bucket/data", "s3://b/d", "gs://b/d"])
def test_a_remote_one_is_refused(uri: str) -> None:
    with pytest.raises(DataError, match="must be on a volume") as refused:
        require_data_folder(uri)
    assert refused.value.received == repr(uri)
    assert refused.value.where == "data_dir"
    assert refused.value.exit_code == 2


def test_a_missing_one_is_refused_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "dta").mkdir()
    with pytest.raises(DataError, match="must exist in the pod") as refused:
        require_data_folder(str(tmp_path / "data" / "2026"))
    assert refused.value.received == f"{tmp_path}/data/2026; {tmp_path} holds dta"


def test_the_folders_own_configuration_is_compared(tmp_path: Path) -> None:
    assert other_config(tmp_path, CONFIG) == ""
    path = tmp_path / "goalpath.yaml"
    path.write_text(YAML)
    assert other_config(tmp_path, CONFIG) == ""
    path.write_text(YAML + "horizons: {risk_days: 7}\n")
    assert "not what this pipeline was compiled with" in other_config(tmp_path, CONFIG)
    path.write_text("stages: [First]\n")
    assert "would be refused" in other_config(tmp_path, CONFIG)


def test_without_a_report_there_are_no_problems(tmp_path: Path) -> None:
    assert reported_problems(tmp_path) == ()
