"""The check of `goal`: what is right passes, and every fault is named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from components.model_validator.goals import check_goals
from components.model_validator.report import CheckResult
from schemas import names
from schemas.goal_parameters import Factor, GoalParameters, OptionScore, StageRates, Step
from serving.goals.synthesis import Synthesis

Floats = npt.NDArray[np.float32]
Outputs = dict[str, Floats]
Check = Callable[[Outputs], CheckResult]

STAGES = ("a", "b", "c")
NETWORK = np.array([[1.0, 0.5, 0.2], [1.0, 0.8, 0.4], [1.0, 1.0, 0.3]], np.float32)


@pytest.fixture(name="synthesis")
def _synthesis() -> Synthesis:
    """The goal head as it is, and a radius of .1."""
    weights = dict.fromkeys(Factor, 0.0) | {Factor.NETWORK: 1.0}
    none = StageRates(
        days=(0.0,), students=((0,) * 3,), reached=((0,) * 3,), log_odds=((0.0,) * 3,)
    )
    score = OptionScore(
        name="x", factors=(Factor.NETWORK,), log_loss=0, brier=0, behind=0, standard_error=0
    )
    return Synthesis(
        GoalParameters(
            stages=STAGES,
            horizon_days=90,
            level=0.9,
            group_size=25,
            factors=(Factor.NETWORK,),
            steps=tuple(
                Step(
                    to_stage=stage,
                    students=9,
                    conversions=3,
                    pooled=False,
                    intercept=0.0,
                    weights=weights,
                )
                for stage in STAGES[1:]
            ),
            rates=(none,) * 3,
            clusters=(),
            reference=(((0.0,),) * 2,) * 3,
            radii=((0.1,) * 3,) * 3,
            profiles=(),
            option="x",
            options=(score,),
            students=9,
        )
    )


@pytest.fixture(name="query")
def _query() -> Outputs:
    return {
        names.Q_STAGE_POSITION: np.array([0.0, 0.0, 0.5], np.float32),
        names.Q_DAYS_IN_STAGE: np.zeros(3, np.float32),
        names.Q_DAYS_SINCE_ACTIVE: np.zeros(3, np.float32),
    }


@pytest.fixture(name="heads")
def _heads() -> Outputs:
    return {
        names.LIKELIHOOD: np.array([0.1, 0.2, 0.3], np.float32),
        names.RISK: np.array([0.3, 0.2, 0.1], np.float32),
        names.GOAL_PROBABILITY: NETWORK,
        names.EMBEDDING: np.ones((3, 2), np.float32),
    }


@pytest.fixture(name="right")
def _right(heads: Outputs) -> Outputs:
    half = 0.1 * np.sqrt(NETWORK * (1 - NETWORK))
    reached = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 0]], bool)
    return {
        **heads,
        names.GOAL_LIKELIHOOD: NETWORK,
        names.GOAL_LOWER: np.where(reached, 1, NETWORK - half),
        names.GOAL_UPPER: np.where(reached, 1, NETWORK + half),
    }


@pytest.fixture(name="check")
def _check(synthesis: Synthesis, query: Outputs, heads: Outputs) -> Check:
    return lambda found: check_goals("goals", synthesis, query, heads, found)


def test_what_the_parameters_say_passes(check: Check, right: Outputs) -> None:
    result = check(right)
    assert result.passed, result


def shifted(key: str, value: float) -> Callable[[Outputs], Outputs]:
    return lambda right: {**right, key: right[key] + np.float32(value)}


def swapped(right: Outputs) -> Outputs:
    """The farther goal is likelier, ends along with it."""
    order = [0, 2, 1]
    return {**right, **{key: right[key][:, order] for key in names.GOAL_VALUES}}


def constant(right: Outputs) -> Outputs:
    values = np.where(right[names.GOAL_LIKELIHOOD] == 1, 1.0, 0.5).astype(np.float32)
    return {**right, names.GOAL_LIKELIHOOD: values}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (shifted(names.GOAL_LIKELIHOOD, -0.01), "goal_likelihood differs from what its parameters"),
        (shifted(names.GOAL_UPPER, 0.01), "goal_upper differs from what its parameters"),
        (shifted(names.GOAL_LOWER, 0.5), "an interval without its own value"),
        (shifted(names.GOAL_UPPER, 1.0), "a value outside [0, 1]"),
        (shifted(names.RISK, 0.01), "risk differs from what its signature says"),
        (shifted(names.EMBEDDING, 0.01), "embedding differs from what its signature says"),
        (shifted(names.GOAL_LIKELIHOOD, -0.01), "a reached stage below 1"),
        (swapped, "a farther goal that is likelier"),
        (constant, "one value for all students"),
    ],
)
def test_every_fault_is_named(
    check: Check, right: Outputs, fault: Callable[[Outputs], Outputs], said: str
) -> None:
    result = check(fault(right))
    assert not result.passed
    assert said in result.detail
