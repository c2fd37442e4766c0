"""The step rates of each stage, from the transitions of the conversion patterns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.conversion_patterns import ChanceFromNowOn, ConversionPatterns
from schemas.goal_parameters import StageRates
from serving.goals.synthesis import cut_log_odds

Floats = npt.NDArray[np.float64]


def stage_rates(patterns: ConversionPatterns, *, prior: float) -> tuple[StageRates, ...]:
    """The rates of every stage.

    The chance of a step from some days in the stage on is that to reach where it leads,
    divided by that to reach where it begins. It is shrunk to the mean over all days as if
    `prior` students more had been seen, and the latter to one half as if one more had been.

    Args:
      patterns: of training students.
      prior: in students.
    """
    places = range(len(patterns.stages))
    return tuple(_of_stage(patterns, place, prior) for place in places)


def _of_stage(patterns: ConversionPatterns, place: int, prior: float) -> StageRates:
    stages = patterns.stages
    ahead = [patterns.transition(stages[place], stage).from_now_on for stage in stages[place + 1 :]]
    behind = place + 1
    if not ahead:
        nobody = (0,) * len(stages)
        return StageRates(
            days=(0.0,), students=(nobody,), reached=(nobody,), log_odds=((0.0,) * len(stages),)
        )
    students = np.array([[entry.students for entry in pair] for pair in ahead]).T
    reached = np.array([[entry.reached for entry in pair] for pair in ahead]).T
    odds = cut_log_odds(_step_rates(ahead, students, prior))
    return StageRates(
        days=tuple(float(entry.days_in_stage) for entry in ahead[0]),
        students=tuple((row[0],) * behind + tuple(row) for row in students.tolist()),
        reached=tuple(
            (most[0],) * behind + tuple(row)
            for most, row in zip(students.tolist(), reached.tolist(), strict=True)
        ),
        log_odds=tuple((0.0,) * behind + tuple(row) for row in odds.tolist()),
    )


def _step_rates(
    ahead: Sequence[Sequence[ChanceFromNowOn]], students: npt.NDArray[np.int64], prior: float
) -> Floats:
    """Chance of each step ahead by days, shrunk; `[D, steps ahead]`."""
    chance = np.array([[_probability(entry) for entry in pair] for pair in ahead]).T
    before = np.concatenate([np.ones_like(chance[:, :1]), chance[:, :-1]], axis=1)
    known = ~np.isnan(chance) & (before > 0)
    rate = np.divide(chance, before, out=np.zeros_like(chance), where=known)
    # Students that stood before the step: those in the stage who went so far.
    weight = np.where(known, students * np.where(known, before, 0.0), 0.0)
    whole = ((weight * rate).sum(axis=0) + 0.5) / (weight.sum(axis=0) + 1.0)
    found: Floats = (weight * rate + prior * whole) / (weight + prior)
    return found


def _probability(entry: ChanceFromNowOn) -> float:
    value = entry.chance.probability
    return float("nan") if value is None else value
