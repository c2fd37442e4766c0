"""Counts how many training students reached each stage, by stage and days in it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.goal_calibrator.goal_rows import GoalLabels
from schemas.goal_parameters import StageRates
from serving.goals.synthesis import cut_log_odds

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def stage_rates(labels: GoalLabels, *, bins: int, prior: float) -> tuple[StageRates, ...]:
    """The rates of every stage.

    The bins of days hold about as many states each. The odds of a step in a bin are
    shrunk to those of the whole stage as if `prior` states more had been seen, and the
    latter to one half as if one state more had been.

    Args:
      labels: of training students.
      bins: of days, at most.
      prior: in states.
    """
    return tuple(
        _of_stage(place, labels.take(labels.stage == place), bins, prior)
        for place in range(labels.reached.shape[1])
    )


def _of_stage(place: int, labels: GoalLabels, bins: int, prior: float) -> StageRates:
    edges = _edges(labels.days_in_stage, bins)
    bin_of = np.maximum(np.searchsorted(edges, labels.days_in_stage, side="right") - 1, 0)
    even = np.full(labels.reached.shape[1] - 1, 0.5)
    whole = _step_rates(labels, even, 1.0)
    counted, seen, odds = [], [], []
    for number in range(len(edges)):
        here = labels.take(bin_of == number)
        counted.append(_distinct(here.students, here.known))
        seen.append(_distinct(here.students, here.known & (here.reached > 0)))
        odds.append((0.0, *_log_odds(_step_rates(here, whole, prior), place).tolist()))
    return StageRates(
        days=tuple(edges.tolist()),
        students=tuple(counted),
        reached=tuple(seen),
        log_odds=tuple(odds),
    )


def _edges(days: Floats, bins: int) -> Floats:
    if not len(days):
        return np.zeros(1)
    inner = np.quantile(days, np.arange(1, bins) / bins)
    found: Floats = np.unique(np.concatenate([[0.0], np.maximum(inner, 0.0)]))
    return found


def _step_rates(labels: GoalLabels, towards: Floats, prior: float) -> Floats:
    """Share of those that reached j - 1 that reached j, shrunk; `[K - 1]`."""
    reached, known = labels.reached > 0, labels.known
    before = known[:, :-1] & known[:, 1:] & reached[:, :-1]
    taken = before & reached[:, 1:]
    found: Floats = (taken.sum(axis=0) + prior * towards) / (before.sum(axis=0) + prior)
    return found


def _log_odds(rates: Floats, place: int) -> Floats:
    ahead = np.arange(1, len(rates) + 1) > place
    found: Floats = np.where(ahead, cut_log_odds(rates), 0.0)
    return found


def _distinct(students: Places, chosen: Mask) -> tuple[int, ...]:
    return tuple(len(np.unique(students[column])) for column in chosen.T)
