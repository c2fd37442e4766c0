"""Runs of one small data set, each made once a session when a test first asks for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.runner_names import LOCAL
from tests.e2e import small_data
from tests.e2e.forks import Forks
from tests.e2e.runs import Done, Ends, goalpath, last_happenings, read_summary, served


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run, and what it left at that moment.

    Attributes:
      out: the output folder.
      done: the process.
      summary: `run.json`.
      happenings: what happened to the nodes, in order.
      served: version -> what is wrong with it.
    """

    out: Path
    done: Done
    summary: dict[str, Any]
    happenings: Ends
    served: dict[int, list[str]]


def _run_of(out: Path, done: Done) -> Run:
    return Run(out, done, read_summary(out), last_happenings(out), served(out))


def _arguments(data: Path, out: Path, as_of: str) -> tuple[object, ...]:
    options = ("--as-of", as_of, "--max-bad-rows", small_data.BAD_ROWS)
    return ("run", "--data", data, "--out", out, *options)


@pytest.fixture(name="small", scope="session")
def _small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data.write_small_data(tmp_path_factory.mktemp("small") / "data")


@pytest.fixture(name="forks", scope="session")
def _forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with Forks(tmp_path_factory.mktemp("forks")) as forks:
        yield forks


@pytest.fixture(name="first", scope="session")
def _first(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The first run of an output folder: `goalpath run`, with nothing around it."""
    out = tmp_path_factory.mktemp("beam") / "out"
    return _run_of(out, goalpath(*_arguments(small, out, small_data.EARLIER)))


@pytest.fixture(name="again", scope="session")
def _again(small: Path, first: Run) -> Run:
    """The same once more."""
    return _run_of(first.out, goalpath(*_arguments(small, first.out, small_data.EARLIER)))


@pytest.fixture(name="strict", scope="session")
def _strict(small: Path, again: Run, forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same data by the other runner, with a threshold that no model reaches."""
    data = small_data.stricter_copy(small, tmp_path_factory.mktemp("strict") / "data")
    arguments = (*_arguments(data, again.out, small_data.EARLIER), "--runner", LOCAL)
    return _run_of(again.out, forks.goalpath(*arguments))


@pytest.fixture(name="worse", scope="session")
def _worse(small: Path, strict: Run, forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same data and a trainer that learns nothing, against the pushed version."""
    data = small_data.worse_copy(small, tmp_path_factory.mktemp("worse") / "data")
    arguments = (*_arguments(data, strict.out, small_data.EARLIER), "--runner", LOCAL)
    return _run_of(strict.out, forks.goalpath(*arguments))
