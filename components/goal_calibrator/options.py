"""Which factors the synthesis may use: the options, and which of them does best.

The options are those of the plan that the synthesis comes from: the model's next-step
heads alone, these with what happened to others, and a head of the network that answers
the question itself; and all of it together. Each is fitted on folds of calibration
students and scored on the students of the fold left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from components.goal_calibrator.goal_rows import GoalLabels
from components.goal_calibrator.step_fit import StepRows, fit_steps, steps_of_labels
from schemas.config import GoalsConfig
from schemas.goal_parameters import Factor, OptionScore
from serving.goals.synthesis import reach, stack_factors

Floats = npt.NDArray[np.float64]

OPTIONS: Final[Mapping[str, tuple[Factor, ...]]] = {
    "next_step_heads": (Factor.LIKELIHOOD, Factor.SAFETY),
    "heads_and_history": (
        Factor.LIKELIHOOD,
        Factor.SAFETY,
        Factor.RATE,
        Factor.RECENCY,
        Factor.CLUSTER,
    ),
    "goal_head": (Factor.NETWORK,),
    "everything": tuple(Factor),
}
SMALLEST: Final = 1e-9
"""Probabilities are kept this far from 0 and 1 in a logarithm."""


def out_of_fold(
    values: Mapping[Factor, Floats],
    factors: tuple[Factor, ...],
    labels: GoalLabels,
    config: GoalsConfig,
    *,
    seed: int,
) -> Floats:
    """P(reach k) of each state by a fit without its student, `[n, K]`.

    Args:
      values: factor -> `[n, K - 1]`.
      factors: to use.
      labels: of the states.
      config: of the fit.
      seed: of the folds.
    """
    stacked = stack_factors(dict(values), factors)
    rows = StepRows(
        stacked, *steps_of_labels(labels.stage, labels.reached, labels.known), labels.students
    )
    count = int(labels.students.max(initial=-1)) + 1
    fold_of = np.random.default_rng(seed).permutation(count) % config.folds
    fold = fold_of[labels.students]
    found = np.ones(labels.reached.shape)
    for number in range(config.folds):
        inside = fold != number
        fit = fit_steps(
            rows.take(inside), fewest_conversions=config.fewest_conversions, ridge=config.ridge
        )
        log_odds = fit.intercepts + (stacked[~inside] * fit.weights).sum(axis=-1)
        found[~inside] = reach(log_odds, labels.stage[~inside])
    return found


def score(name: str, factors: tuple[Factor, ...], found: Floats, labels: GoalLabels) -> OptionScore:
    """Log loss and Brier score over the goals ahead; 0 where there is none."""
    p, y = found[labels.ahead], labels.reached[labels.ahead]
    cut = np.clip(p, SMALLEST, 1.0 - SMALLEST)
    losses = -np.where(y > 0, np.log(cut), np.log1p(-cut))
    count = max(len(p), 1)
    return OptionScore(
        name=name,
        factors=factors,
        log_loss=float(losses.sum() / count),
        brier=float(((p - y) ** 2).sum() / count),
    )
