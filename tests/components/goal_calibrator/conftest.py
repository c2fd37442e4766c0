"""Simulated labelled states of three stages, whose true likelihoods are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from components.goal_calibrator.goal_rows import AnsweredRows, GoalLabels
from schemas.config import GoalpathConfig, TrainingConfig
from schemas.conversion_patterns import ConversionPatterns
from schemas.goal_parameters import PROFILE_FEATURES
from serving.goals.synthesis import HeadOutputs
from tests.small_patterns import small_patterns


@pytest.fixture
def config() -> GoalpathConfig:
    return GoalpathConfig(
        name="x",
        stages=("applied", "admitted", "enrolled"),
        default_goal="enrolled",
        training=TrainingConfig(embedding_dim=4),
    )


@pytest.fixture
def patterns(config: GoalpathConfig) -> ConversionPatterns:
    return small_patterns(config)


def simulated(count: int, seed: int, last_step: float = -0.5) -> AnsweredRows:
    """Students seen once; the goal head says the truth, the other heads say nothing.

    Args:
      count: of students.
      seed: of the draws.
      last_step: log-odds of the step to the last stage, for the average student.
    """
    rng = np.random.default_rng(seed)
    stage = rng.integers(0, 2, count)
    z = np.array([0.0, last_step]) + rng.normal(0, 1.5, (count, 1))
    p = np.where(np.array([1, 2]) > stage[:, None], 1 / (1 + np.exp(-z)), 1.0)
    taken = rng.random((count, 2)) < p
    first = np.ones((count, 1))
    labels = GoalLabels(
        stage=stage,
        days_in_stage=rng.uniform(0, 50, count),
        students=np.arange(count),
        period=np.arange(count) // 100,
        reached=np.concatenate([first, np.cumprod(taken, axis=1)], axis=1).astype(float),
        known=np.ones((count, 3), bool),
        features=rng.normal(size=(count, len(PROFILE_FEATURES))),
    )
    outputs = HeadOutputs(
        stage=stage,
        likelihood=rng.uniform(0.1, 0.9, count),
        risk=rng.uniform(0.1, 0.9, count),
        network=np.concatenate([first, np.cumprod(p, axis=1)], axis=1),
        days_in_stage=labels.days_in_stage,
        days_since_active=rng.uniform(0, 30, count),
        embedding=rng.normal(size=(count, 4)),
    )
    return AnsweredRows(labels, outputs)


@pytest.fixture
def simulate() -> Callable[..., AnsweredRows]:
    return simulated
