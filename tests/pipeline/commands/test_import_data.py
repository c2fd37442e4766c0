"""`goalpath import oulad`."""

from __future__ import annotations

import polars as pl
import pytest
from click.testing import CliRunner

from pipeline.commands.import_data import command
from schemas.errors import InputError
from tests.datasets.oulad.tiny_oulad import write_tiny


def _run(*arguments):
    return CliRunner().invoke(command, ["oulad", *map(str, arguments)], catch_exceptions=True)


def test_says_what_was_left_out_and_why(tmp_path):
    source = write_tiny(tmp_path / "source")
    result = _run("--source", source, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "AAA-2014J: clicks stop on day 10 of 40; observed until day 9" in result.output
    assert "Not imported (no clicks; name them with --presentations): BBB-2013B." in result.output
    assert "Registered 11, Started 4, Assessed 4, Halfway 2, Completed 2, lost 7" in result.output
    assert "banked" in result.output


def test_takes_presentations_and_ends_of_observation(tmp_path):
    source = write_tiny(tmp_path / "source")
    result = _run(
        "--source",
        source,
        "--out",
        tmp_path / "out",
        "--presentations",
        "AAA-2014J, BBB-2013B",
        "--observed-until",
        "AAA-2014J=5",
    )
    assert result.exit_code == 0, result.output
    assert "Not imported (not asked for): AAA-2013J." in result.output
    cohorts = pl.read_parquet(tmp_path / "out" / "cohorts.parquet")
    assert cohorts["observed_until"].dt.day().to_list() == [6, None]


@pytest.mark.parametrize("pair", ["AAA-2014J", "AAA-2014J=soon", "=3", "AAA-2014J=-3"])
def test_a_malformed_end_of_observation_is_refused(tmp_path, pair):
    result = _run("--source", tmp_path, "--out", tmp_path / "out", "--observed-until", pair)
    assert isinstance(result.exception, InputError)
    assert repr(pair) in str(result.exception)
    assert "BBB-2013J=132" in str(result.exception)
