"""A simulated university as a data folder."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from datasets.data_folder import new_data_folder, write_config
from datasets.simulator import catalogue, parameters, traits
from datasets.simulator.catalogue import Catalogue
from datasets.simulator.model import FunnelModel
from datasets.simulator.planted import write_planted
from datasets.simulator.process import CELL, History, Simulation
from datasets.simulator.table_writer import TableFormat, TableWriters
from datasets.simulator.tables import CellTables, TableMaker
from datasets.simulator.truth import Truth
from schemas import names
from schemas.config import (
    EvaluationConfig,
    GoalpathConfig,
    HorizonsConfig,
    ResponsesConfig,
    TableConfig,
    TablesConfig,
    TimeSplitConfig,
)
from schemas.errors import InputError

DEFAULT_START: Final = dt.date(2024, 9, 2)
DEFAULT_WEEKS: Final = 52
HORIZONS: Final = HorizonsConfig(likelihood_days=28, risk_days=28, goal_days=90)
SLICES: Final = ("first_generation", "gender", "age_band")
TRUTH: Final = names.TRUTH_FILE.removesuffix(".parquet")
_CATALOGUE_STREAM: Final = 2
_COMMENT = """\
A simulated university; see docs/simulator.md. The probabilities that lie behind it are
in truth.parquet, what was planted in truth.json. No part of the pipeline reads either."""


@dataclasses.dataclass(frozen=True)
class SimulationSummary:
    """What was written.

    Attributes:
      rows: table -> rows.
      reached: stage -> share of the students that reached it by the end.
      lost: share of the students that were lost.
    """

    rows: Mapping[str, int]
    reached: Mapping[str, float]
    lost: float


def simulate(
    out: Path,
    *,
    students: int,
    seed: int,
    weeks: int = DEFAULT_WEEKS,
    start: dt.date = DEFAULT_START,
    profile: str = "funnel",
    table_format: TableFormat = TableFormat.PARQUET,
    force: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> SimulationSummary:
    """Writes the data folder `out`.

    The first n students are the same whatever the number of students.

    Args:
      out: data folder to create.
      students: how many.
      seed: of all randomness.
      weeks: how long.
      start: first day, a Monday.
      profile: name of the world, see `parameters.PROFILES`.
      table_format: of the tables; the truth is always Parquet.
      force: replace `out` where it is a data folder.
      on_progress: called with the number of students done, from time to time.

    Raises:
      InputError: a number is not positive, `start` is no Monday, the profile does not
        exist, or `out` may not be written.
    """
    _check_arguments(students, weeks, seed, start)
    model = FunnelModel(parameters.profile(profile))
    config = build_config()
    offered = _catalogue(model, weeks, seed)
    midnight = dt.datetime.combine(start, dt.time(), tzinfo=dt.timezone.utc)
    engagements = offered.table(midnight)
    ids = engagements.get_column(names.ENGAGEMENT_ID)
    maker = TableMaker(model, Truth(model, config.horizons), ids, midnight, students)
    simulation = Simulation(model, offered, weeks, start, seed)
    tally = _Tally()
    with new_data_folder(out, force=force) as folder:
        with TableWriters(folder, table_format, parquet_only=frozenset({TRUTH})) as writers:
            writers.write(names.ENGAGEMENTS, engagements)
            for number, count in enumerate(_cells(students)):
                history = simulation.cell(number, count)
                _write_cell(writers, maker.tables(history, number))
                tally.add(history)
                if on_progress is not None:
                    on_progress(tally.students)
            rows = writers.rows()
        write_config(folder, config, comment=_COMMENT)
        write_planted(folder, model, config.horizons, seed=seed, profile=profile, start=start)
    return SimulationSummary(rows, tally.reached(), tally.lost_share())


def build_config() -> GoalpathConfig:
    """The configuration of every simulated data folder."""
    return GoalpathConfig(
        name="simulated",
        stages=parameters.STAGES,
        default_goal=parameters.APPLICATION,
        tables=TablesConfig(
            students=TableConfig(features=traits.PROFILE),
            engagements=TableConfig(features=catalogue.ATTRIBUTES),
            stage_changes=TableConfig(),
        ),
        horizons=HORIZONS,
        responses=ResponsesConfig(
            active=parameters.ACTIVE_RESPONSES,
            grades=parameters.GRADES,
            lost=(parameters.UNSUBSCRIBED,),
        ),
        split=TimeSplitConfig(method="time"),
        evaluation=EvaluationConfig(slices=SLICES),
    )


def _write_cell(writers: TableWriters, tables: CellTables) -> None:
    writers.write(names.STUDENTS, tables.students)
    writers.write(names.EVENTS, tables.events)
    writers.write(names.STAGE_CHANGES, tables.stage_changes)
    writers.write(TRUTH, tables.truth)


class _Tally:
    """Counts over all cells."""

    def __init__(self) -> None:
        self.students = 0
        self._last_stage = np.zeros(len(parameters.STAGES), dtype=np.int64)
        self._lost = 0

    def add(self, history: History) -> None:
        self.students += len(history.entered)
        self._last_stage += np.bincount(history.last_stage, minlength=len(self._last_stage))
        self._lost += int(history.lost.sum())

    def reached(self) -> dict[str, float]:
        beyond = np.cumsum(self._last_stage[::-1])[::-1] / self.students
        return dict(zip(parameters.STAGES, beyond.tolist(), strict=True))

    def lost_share(self) -> float:
        return self._lost / self.students


def _catalogue(model: FunnelModel, weeks: int, seed: int) -> Catalogue:
    stream = np.random.SeedSequence((seed, 0, _CATALOGUE_STREAM))
    return Catalogue(model.parameters, weeks, np.random.default_rng(stream))


def _cells(students: int) -> list[int]:
    whole, rest = divmod(students, CELL)
    return [CELL] * whole + ([rest] if rest else [])


def _check_arguments(students: int, weeks: int, seed: int, start: dt.date) -> None:
    for option, value, least in (
        ("--students", students, 1),
        ("--weeks", weeks, 1),
        ("--seed", seed, 0),
    ):
        if value < least:
            raise InputError(
                f"{option} must be {least} or more.",
                where=option,
                received=str(value),
                remedy=f"give a whole number from {least} on.",
            )
    if start.weekday() != 0:
        raise InputError(
            "a simulation starts on a Monday.",
            where="--start",
            received=f"{start:%Y-%m-%d}, a {start:%A}",
            remedy=f"use {start - dt.timedelta(days=start.weekday()):%Y-%m-%d}.",
        )
