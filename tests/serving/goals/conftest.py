"""Parameters whose answers can be worked out by hand."""

from __future__ import annotations

import math

import pytest

from schemas import names
from schemas.goal_parameters import (
    WIDE,
    Factor,
    GoalParameters,
    OptionScore,
    Profile,
    StageRates,
    Step,
)
from serving.goals.state import GoalState, Heads, Offer

STAGES = ("applied", "admitted", "enrolled")
FACTORS = (Factor.LIKELIHOOD, Factor.SAFETY)


def _step(to_stage: str, intercept: float, likelihood: float, safety: float, **more: int) -> Step:
    weights = dict.fromkeys(Factor, 0.0)
    weights.update({Factor.LIKELIHOOD: likelihood, Factor.SAFETY: safety})
    conversions = more.get("conversions", 40)
    return Step(
        to_stage=to_stage,
        students=100,
        conversions=conversions,
        pooled=conversions < 20,
        intercept=intercept,
        weights=weights,
    )


def _rates(*reached: tuple[int, ...]) -> StageRates:
    return StageRates(
        days=(0.0, 10.0),
        students=((50, 50, 50), (30, 30, 30)),
        reached=reached,
        log_odds=((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    )


@pytest.fixture
def parameters() -> GoalParameters:
    """Step 1: z = likelihood + safety / 2. Step 2: z = log(1/3) + likelihood."""
    return GoalParameters(
        stages=STAGES,
        horizon_days=90,
        level=0.9,
        group_size=25,
        factors=FACTORS,
        steps=(
            _step("admitted", 0.0, 1.0, 0.5),
            _step("enrolled", math.log(1 / 3), 1.0, 0.0, conversions=7),
        ),
        rates=(
            _rates((50, 20, 5), (30, 6, 1)),
            _rates((50, 50, 0), (30, 30, 0)),
            _rates(*[(0,) * 3] * 2),
        ),
        reference=(((0.0, 0.0),) * 2,) * 3,
        radii=((0.0, 0.25, 0.5), (0.0, 0.0, WIDE), (0.0, 0.0, 0.0)),
        profiles=(
            _profile(names.Q_ACTIVE_DAYS[28], 10.0, 4.0, 3.0),
            _profile(names.Q_DUE_MISSED, 1.0, 3.0, 2.0),
            _profile(names.Q_DISTINCT_28, 5.0, 4.9, 1.0),
        ),
        options=(OptionScore(name="x", factors=FACTORS, log_loss=0.5, brier=0.2),),
        students=100,
    )


def _profile(feature: str, reached: float, others: float, deviation: float) -> Profile:
    return Profile(
        from_stage="applied",
        goal="enrolled",
        feature=feature,
        reached=25,
        others=75,
        mean_reached=reached,
        mean_others=others,
        deviation=deviation,
    )


def heads(likelihood: float, risk: float) -> Heads:
    """Heads with a goal head that nothing here reads."""
    return Heads(likelihood, risk, (1.0, 0.5, 0.25))


@pytest.fixture
def state() -> GoalState:
    """Likelihood 1/2 and risk 1/5: log-odds 0, and a safety of log 4."""
    return GoalState(
        student_id="s1",
        stage="applied",
        heads=heads(0.5, 0.2),
        ended=False,
        days_in_stage=12.0,
        days_since_active=3.0,
        events=8,
        features={
            names.Q_ACTIVE_DAYS[28]: 4.0,
            names.Q_DUE_MISSED: 2.0,
            names.Q_DISTINCT_28: 0.0,
        },
        offers=(
            Offer("e1", "email", 3.0, heads(0.5, 0.2)),
            Offer("e2", "call", 1.0, heads(0.8, 0.2)),
            Offer("e3", "visit", 2.0, heads(0.2, 0.2)),
        ),
    )
