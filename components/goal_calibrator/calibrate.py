"""From labelled states and head outputs to the parameters of the goal synthesis."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.goal_calibrator.cluster_rates import cluster_rates
from components.goal_calibrator.goal_rows import AnsweredRows, GoalLabels
from components.goal_calibrator.options import OPTIONS, choose, out_of_fold, scores
from components.goal_calibrator.profiles import profiles
from components.goal_calibrator.radii import like_groups, radius
from components.goal_calibrator.stage_rates import stage_rates
from components.goal_calibrator.step_fit import FittedSteps, StepRows, fit_steps, steps_of_labels
from schemas.config import GoalpathConfig
from schemas.conversion_patterns import ConversionPatterns
from schemas.goal_parameters import WIDE, Factor, GoalParameters, StageRates, Step
from serving.goals.synthesis import (
    ClusterTable,
    RateTable,
    factor_values,
    stack_factors,
)

Floats = npt.NDArray[np.float64]


def calibrate(
    train: GoalLabels,
    calibration: AnsweredRows,
    patterns: ConversionPatterns,
    config: GoalpathConfig,
) -> GoalParameters:
    """Takes rates from training students, fits everything else on calibration students.

    Args:
      train: labels of the training split.
      calibration: labels and head outputs of the calibration split.
      patterns: of training students.
      config: of the data set.
    """
    goals, labels = config.goals, calibration.labels
    rates = stage_rates(patterns, prior=goals.rate_prior)
    clusters = cluster_rates(patterns.clustering, config.stages, prior=goals.rate_prior)
    table = ClusterTable.of(clusters, len(config.stages))
    values = factor_values(calibration.outputs, RateTable.of(rates), table)
    seed = config.training.seed
    unseen = {
        name: out_of_fold(values, factors, labels, goals, seed=seed)
        for name, factors in OPTIONS.items()
    }
    options = scores(unseen, OPTIONS, labels)
    best = choose(options)
    stacked = stack_factors(values, best.factors)
    taken, before = steps_of_labels(labels.stage, labels.reached, labels.known)
    fit = fit_steps(
        StepRows(stacked, taken, before, labels.students),
        fewest_conversions=goals.fewest_conversions,
        ridge=goals.ridge,
    )
    return GoalParameters(
        stages=config.stages,
        horizon_days=config.horizons.goal_days,
        level=goals.interval_level,
        group_size=goals.group_size,
        factors=best.factors,
        steps=_steps(fit, config.stages, best.factors),
        rates=rates,
        clusters=clusters,
        reference=_reference(stacked, labels.stage, len(config.stages)),
        radii=_radii(unseen[best.name], labels, rates, config),
        profiles=profiles(train, config.stages, fewest=goals.fewest_conversions),
        option=best.name,
        options=options,
        students=len(np.unique(labels.students)),
    )


def _steps(
    fit: FittedSteps, stages: tuple[str, ...], factors: tuple[Factor, ...]
) -> tuple[Step, ...]:
    return tuple(
        Step(
            to_stage=stage,
            students=int(fit.students[step]),
            conversions=int(fit.conversions[step]),
            pooled=bool(fit.pooled[step]),
            intercept=float(fit.intercepts[step]),
            weights={
                factor: float(fit.weights[step, factors.index(factor)])
                if factor in factors
                else 0.0
                for factor in Factor
            },
        )
        for step, stage in enumerate(stages[1:])
    )


def _reference(
    stacked: Floats, stage: npt.NDArray[np.int64], stages: int
) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """Means of the factors of each stage's states; of all states where it has none."""
    everywhere = stacked.mean(axis=0) if len(stacked) else np.zeros(stacked.shape[1:])
    found = []
    for place in range(stages):
        here = stage == place
        mean = stacked[here].mean(axis=0) if here.any() else everywhere
        found.append(tuple(tuple(row.tolist()) for row in mean))
    return tuple(found)


def _radii(
    unseen: Floats, labels: GoalLabels, rates: tuple[StageRates, ...], config: GoalpathConfig
) -> tuple[tuple[float, ...], ...]:
    """A radius for each goal, from all stages before it; `WIDE` for pairs never seen."""
    goals = config.goals
    of_goal = []
    for goal in range(len(config.stages)):
        rows = labels.ahead[:, goal]
        groups = like_groups(
            unseen[rows, goal],
            labels.reached[rows, goal],
            labels.students[rows],
            labels.period[rows],
            size=goals.group_size,
        )
        of_goal.append(radius(groups, level=goals.interval_level, size=goals.group_size))
    return tuple(
        tuple(
            of_goal[goal] if goal <= place or _was_seen(rates[place], goal) else WIDE
            for goal in range(len(config.stages))
        )
        for place in range(len(config.stages))
    )


def _was_seen(rates: StageRates, goal: int) -> bool:
    return sum(reached[goal] for reached in rates.reached) > 0
