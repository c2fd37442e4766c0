"""Which factors the synthesis may use: the options, and which of them does best.

The options are those of the plan that the synthesis comes from: the model's next-step
heads alone, these with what happened to others, and a head of the network that answers
the question itself; and all of it together. Each is fitted on folds of calibration
students and scored on the students of the fold left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def scores(
    unseen: Mapping[str, Floats],
    factors: Mapping[str, tuple[Factor, ...]],
    labels: GoalLabels,
) -> tuple[OptionScore, ...]:
    """How well each option did over the goals ahead, best first.

    Args:
      unseen: option -> P(reach k) by fits without the state's student, `[n, K]`.
      factors: option -> what it reads.
      labels: of the states.
    """
    count = max(int(labels.ahead.sum()), 1)
    loss = {name: log_losses(found, labels) for name, found in unseen.items()}
    total = {name: float(values.sum()) / count for name, values in loss.items()}
    best = min(total, key=lambda name: total[name])
    found = [
        OptionScore(
            name=name,
            factors=factors[name],
            log_loss=total[name],
            brier=_brier(unseen[name], labels) / count,
            behind=total[name] - total[best],
            standard_error=_error_of_sum(loss[name] - loss[best], labels) / count,
        )
        for name in unseen
    ]
    return tuple(sorted(found, key=lambda option: option.log_loss))


def choose(options: Sequence[OptionScore]) -> OptionScore:
    """The option that reads most, of those not told apart from the best.

    An option within one standard error of the best predicts as well as far as the data
    say; of those, the one with most factors can give most reasons.

    Args:
      options: of `scores`.
    """
    equal = [each for each in options if each.behind <= each.standard_error]
    return max(equal, key=lambda each: (len(each.factors), -each.log_loss))


def log_losses(found: Floats, labels: GoalLabels) -> Floats:
    """Sum over the goals ahead of each state, `[n]`."""
    cut = np.clip(found, SMALLEST, 1.0 - SMALLEST)
    losses = -np.where(labels.reached > 0, np.log(cut), np.log1p(-cut))
    summed: Floats = np.where(labels.ahead, losses, 0.0).sum(axis=1)
    return summed


def _brier(found: Floats, labels: GoalLabels) -> float:
    return float(((found - labels.reached) ** 2)[labels.ahead].sum())


def _error_of_sum(differences: Floats, labels: GoalLabels) -> float:
    """Standard error of their sum, students being drawn and not their states."""
    if not len(differences):
        return 0.0
    of_student = np.bincount(labels.students, weights=differences)
    return float(of_student.std() * np.sqrt(len(of_student)))
