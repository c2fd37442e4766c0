"""Fits the log-odds of the steps: logistic regression with weights of one sign.

The labels of a state in stage s, for the stages ahead, are a chain: stage j is reached or
not among those that reach j - 1. Its log-likelihood is the sum of the steps' own
(continuation ratio: Tutz, "Sequential models in categorical regression", Comput. Stat.
Data Anal. 11, 1991), so that every step is a logistic regression on those before it.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
from scipy import optimize

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, eq=False)
class StepRows:
    """States before steps, `n` of them with `K - 1` steps each.

    Attributes:
      factors: `[n, K - 1, F]`.
      taken: `[n, K - 1]`, 1 where the step was taken.
      before: `[n, K - 1]`, whether the state stands before the step (the stage before it
        is reached, this one was not at the state's time) and its outcome is known.
      students: a number for each state's student, `[n]`.
    """

    factors: Floats
    taken: Floats
    before: Mask
    students: npt.NDArray[np.int64]

    def take(self, rows: Mask) -> StepRows:
        """Some of the states."""
        return StepRows(
            self.factors[rows], self.taken[rows], self.before[rows], self.students[rows]
        )


@dataclasses.dataclass(frozen=True, eq=False)
class FittedSteps:
    """Intercepts `[K - 1]`, weights `[K - 1, F]`, and what each step was fitted on.

    Attributes:
      intercepts: in log-odds.
      weights: none below 0.
      students: who stood before the step.
      conversions: of these, who took it.
      pooled: the weights are those that all steps share, bool `[K - 1]`.
    """

    intercepts: Floats
    weights: Floats
    students: npt.NDArray[np.int64]
    conversions: npt.NDArray[np.int64]
    pooled: Mask


def steps_of_labels(
    stage: npt.NDArray[np.int64], reached: Floats, known: Mask
) -> tuple[Floats, Mask]:
    """The chain of each state's goal labels.

    Args:
      stage: now, `[n]`.
      reached: `[n, K]`, goal labels, 1 for stages up to the one now.
      known: `[n, K]`.

    Returns:
      `taken` and `before` of `StepRows`, `[n, K - 1]`.
    """
    ahead = np.arange(1, reached.shape[1]) > stage[:, None]
    before = ahead & (reached[:, :-1] > 0) & known[:, :-1] & known[:, 1:]
    return np.where(before, reached[:, 1:], 0.0), before


def fit_steps(rows: StepRows, *, fewest_conversions: int, ridge: float) -> FittedSteps:
    """Weights that all steps share, and for steps with enough conversions their own.

    A step's own weights are drawn to the shared ones, and its intercept to its shared
    one, by `ridge` (in units of one state's log-likelihood a unit squared); the shared
    intercepts are drawn to 0, where the factors alone decide.

    Args:
      rows: of the calibration split.
      fewest_conversions: students that must have taken a step, and students that must
        not have, for weights of its own.
      ridge: at least 0.
    """
    steps, factors = rows.factors.shape[1:]
    students, conversions = _counts(rows)
    shared_intercepts, shared = _fit_shared(rows, ridge)
    own = (conversions >= fewest_conversions) & (students - conversions >= fewest_conversions)
    intercepts, weights = shared_intercepts.copy(), np.tile(shared, (steps, 1))
    for step in np.flatnonzero(own):
        here = rows.before[:, step]
        start = np.concatenate([[intercepts[step]], shared])
        design = np.concatenate([np.ones((here.sum(), 1)), rows.factors[here, step]], axis=1)
        found = _minimise(design, rows.taken[here, step], start, start, ridge, free=1)
        intercepts[step], weights[step] = found[0], found[1:]
    assert weights.shape == (steps, factors)
    return FittedSteps(intercepts, weights, students, conversions, ~own)


def _counts(rows: StepRows) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    def distinct(chosen: Mask) -> list[int]:
        return [len(np.unique(rows.students[column])) for column in chosen.T]

    return (
        np.array(distinct(rows.before), np.int64),
        np.array(distinct(rows.before & (rows.taken > 0)), np.int64),
    )


def _fit_shared(rows: StepRows, ridge: float) -> tuple[Floats, Floats]:
    """An intercept for each step, `[K - 1]`, and weights for all, `[F]`."""
    steps, factors = rows.factors.shape[1:]
    where, step = np.nonzero(rows.before)
    design = np.concatenate([np.eye(steps)[step], rows.factors[where, step]], axis=1)
    prior = np.zeros(steps + factors)
    found = _minimise(design, rows.taken[where, step], prior, prior, ridge, free=steps)
    return found[:steps], found[steps:]


def _minimise(
    design: Floats, taken: Floats, start: Floats, prior: Floats, ridge: float, *, free: int
) -> Floats:
    """Minimises -log-likelihood + ridge |v - prior|^2 / 2; past `free`, v is >= 0."""
    sign = 2.0 * taken - 1.0

    def objective(values: Floats) -> tuple[float, Floats]:
        margin = sign * (design @ values)
        away = values - prior
        loss = np.logaddexp(0.0, -margin).sum() + 0.5 * ridge * (away @ away)
        slope = -sign * np.exp(-np.logaddexp(0.0, margin))
        return float(loss), design.T @ slope + ridge * away

    bounds = [(None, None)] * free + [(0.0, None)] * (len(start) - free)
    result = optimize.minimize(
        objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500}
    )
    found: Floats = np.asarray(result.x, np.float64)
    return found
