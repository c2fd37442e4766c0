"""Parameters whose answers can be worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from schemas import names
from schemas.conversion_patterns import (
    NOTHING_KNOWN,
    ChanceFromNowOn,
    Clustering,
    ConversionPatterns,
    Effect,
    Finding,
    Subject,
    Transition,
    TypicalDays,
)
from schemas.goal_parameters import (
    WIDE,
    Factor,
    GoalParameters,
    OptionScore,
    Profile,
    StageRates,
    Step,
)
from schemas.goal_state import GoalState, Heads, Offer
from schemas.journeys import Journeys
from serving.goals.advisor import GoalAdvisor

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
        clusters=(),
        reference=(((0.0, 0.0),) * 2,) * 3,
        radii=((0.0, 0.25, 0.5), (0.0, 0.0, WIDE), (0.0, 0.0, 0.0)),
        profiles=(
            _profile(names.Q_ACTIVE_DAYS[28], 10.0, 4.0, 3.0),
            _profile(names.Q_DUE_MISSED, 1.0, 3.0, 2.0),
            _profile(names.Q_DISTINCT_28, 5.0, 4.9, 1.0),
        ),
        option="x",
        options=(
            OptionScore(
                name="x", factors=FACTORS, log_loss=0.5, brier=0.2, behind=0.0, standard_error=0.0
            ),
        ),
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
        embedding=(3.0, 4.0),
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


@pytest.fixture
def patterns() -> ConversionPatterns:
    """Ten days at the median from applied to enrolled; two effects, of a call and of email."""
    transitions = (
        _transition("applied", "admitted", 4.0),
        _transition("applied", "enrolled", 10.0),
        _transition("admitted", "enrolled", None),
    )
    return ConversionPatterns(
        level=0.95,
        false_discovery_rate=0.05,
        smallest_group=5,
        horizon_days=90,
        window_days=7,
        observed_until=None,
        students=100,
        stages=STAGES,
        transitions=transitions,
        effects=(_effect(Subject.ENGAGEMENT, "e2", 1.5), _effect(Subject.TYPE, "email", 0.9)),
        indicators=(),
        clustering=Clustering(clusters=(), silhouette=None, stability=None, reason="too few"),
        paths=(),
    )


def _transition(from_stage: str, to_stage: str, median: float | None) -> Transition:
    days = None
    if median is not None:
        days = TypicalDays(lower_quartile=median / 2, median=median, upper_quartile=median * 2)
    entry = ChanceFromNowOn(days_in_stage=0, students=0, reached=0, chance=NOTHING_KNOWN)
    return Transition(
        from_stage=from_stage,
        to_stage=to_stage,
        observed=True,
        entered=10,
        reached=0 if median is None else 4,
        lost=3,
        censored=3,
        chance=NOTHING_KNOWN,
        days=days,
        from_now_on=(entry,),
    )


def _effect(subject: Subject, name: str, lift: float) -> Effect:
    return Effect(
        from_stage="applied",
        subject=subject,
        name=name,
        types=(),
        met=40,
        met_moved_on=10,
        others=80,
        others_moved_on=20,
        lift=lift,
        lower=lift / 2,
        upper=lift * 2,
        q_value=0.5,
        finding=Finding.NO_EVIDENCE,
    )


@pytest.fixture
def journeys() -> Journeys:
    """Four that left `applied` and one that left `admitted`, with angles to (3, 4)."""
    return Journeys(
        embedding=np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [-1.0, 0.0], [0.6, 0.8]]),
        from_stage=np.array([0, 0, 0, 0, 1]),
        reached=np.array([2, 2, 1, 2, 2]),
        days=np.array([30.0, 20.0, 5.0, 40.0, 1.0]),
        types=[("email", "call"), ("call",), ("visit",), (), ("email",)],
        engagements=[("e1", "e2"), ("e2",), (), (), ()],
    )


@pytest.fixture
def advisor(
    parameters: GoalParameters, patterns: ConversionPatterns, journeys: Journeys
) -> GoalAdvisor:
    return GoalAdvisor(parameters, patterns, journeys)


@pytest.fixture
def advise(
    patterns: ConversionPatterns, journeys: Journeys
) -> Callable[[GoalParameters], GoalAdvisor]:
    """An advisor with other parameters."""
    return lambda parameters: GoalAdvisor(parameters, patterns, journeys)
