"""True chances of the simulated funnel, by letting very many students live to the end.

The students are others than those that patterns are counted from, of the same law and
calendar. Nothing of them is censored, so that a chance is a share.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from typing import Final

import numpy as np
import numpy.typing as npt

from datasets.simulator import parameters
from datasets.simulator.catalogue import Catalogue
from datasets.simulator.model import FunnelModel
from datasets.simulator.parameters import STAGES, UNSUBSCRIBED
from datasets.simulator.process import CELL, DAY_S, LOST_CODE, NO_STAGE, History, Simulation

Ints = npt.NDArray[np.int64]

NEVER: Final = int(np.iinfo(np.int64).max)
_CATALOGUE_STREAM: Final = 0


@dataclasses.dataclass(frozen=True, eq=False)
class Lives:
    """When `n` students came where, in seconds since the start of the simulation.

    Attributes:
      reached: `[n, K]`, each stage; the first is entered with the student.
      lost: `[n]`.
    """

    reached: Ints
    lost: Ints


@dataclasses.dataclass(frozen=True)
class TrueChance:
    """A share of very many students.

    Attributes:
      value: None where none of them was there.
      students: of how many.
    """

    value: float | None
    students: int


def live(*, students: int, seed: int, weeks: int, start: dt.date, profile: str) -> Lives:
    """Lets students live.

    Args:
      students: at least so many; whole cells are drawn.
      seed: other than those of the measured data.
      weeks: how long.
      start: first day, a Monday.
      profile: name of the world.
    """
    model = FunnelModel(parameters.profile(profile))
    # Which items there are changes no move: items act by their type.
    items = np.random.default_rng(np.random.SeedSequence((seed, _CATALOGUE_STREAM)))
    simulation = Simulation(model, Catalogue(model.parameters, weeks, items), weeks, start, seed)
    cells = [lives_of(simulation.cell(number)) for number in range(-(-students // CELL))]
    return Lives(
        np.concatenate([cell.reached for cell in cells]),
        np.concatenate([cell.lost for cell in cells]),
    )


def lives_of(history: History) -> Lives:
    """Of a cell."""
    count = len(history.entered)
    reached = np.full((count, len(STAGES)), NEVER)
    reached[:, 0] = history.entered
    events, changes = history.events, history.changes
    led = events.stage_after != NO_STAGE
    moved = changes.stage != LOST_CODE
    reached[events.student[led], events.stage_after[led]] = events.second[led]
    reached[changes.student[moved], changes.stage[moved]] = changes.second[moved]
    lost = np.full(count, NEVER)
    gone = events.response == history.responses.index(UNSUBSCRIBED)
    lost[changes.student[~moved]] = changes.second[~moved]
    lost[events.student[gone]] = events.second[gone]
    return Lives(reached, lost)


@dataclasses.dataclass(frozen=True)
class Population:
    """Whom patterns are counted from.

    Attributes:
      entered_before: students that entered before it, in seconds since the start.
      origin_before: clocks that start before it.
    """

    entered_before: float
    origin_before: float


def true_chances(
    lives: Lives, population: Population, days_in_stage: tuple[int, ...], horizon_days: int
) -> dict[tuple[str, str], tuple[TrueChance, ...]]:
    """Of every pair of stages, from so many days in the first of them on."""
    within = lives.reached[:, 0] < population.entered_before
    own = Lives(lives.reached[within], lives.lost[within])
    return {
        (STAGES[origin], STAGES[target]): tuple(
            _chance(own, (origin, target), days * DAY_S, population, horizon_days * DAY_S)
            for days in days_in_stage
        )
        for origin, target in itertools.combinations(range(len(STAGES)), 2)
    }


def _chance(
    lives: Lives, pair: tuple[int, int], after: int, population: Population, horizon: int
) -> TrueChance:
    origin, target = pair
    there = lives.reached[:, origin] != NEVER
    entered, left = lives.reached[there, origin], lives.reached[there, origin + 1]
    begin = entered + after
    here = (left >= begin) & (lives.lost[there] >= begin) & (begin < population.origin_before)
    took = lives.reached[there, target][here] - begin[here]
    count = int(here.sum())
    return TrueChance(float((took < horizon).mean()) if count else None, count)
