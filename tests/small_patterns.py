"""Patterns of a handful of students, for versions that are pushed in tests."""

from __future__ import annotations

import itertools

import pyarrow as pa

from schemas import conversion_patterns as cp
from schemas import patterns_files
from schemas.config import GoalpathConfig

ENTERED = 40
REACHED = 10


def small_patterns(config: GoalpathConfig) -> cp.ConversionPatterns:
    """Every pair of stages: of 40 that entered, 10 reached, 10 were lost, 20 stayed."""
    stages = config.stages
    axes = [
        tuple(float(d == place) for d in range(config.training.embedding_dim)) for place in (0, 1)
    ]
    return cp.ConversionPatterns(
        level=config.patterns.level,
        false_discovery_rate=config.patterns.false_discovery_rate,
        smallest_group=config.patterns.smallest_group,
        horizon_days=config.horizons.goal_days,
        window_days=config.ranking.window_days,
        observed_until=None,
        students=ENTERED,
        stages=stages,
        transitions=tuple(_transition(*pair) for pair in itertools.combinations(stages, 2)),
        effects=(),
        indicators=(),
        clustering=cp.Clustering(
            clusters=tuple(_cluster(axis, stages) for axis in axes),
            silhouette=0.5,
            stability=1.0,
            reason="",
        ),
        paths=(),
    )


def small_journeys(config: GoalpathConfig) -> pa.Table:
    """One journey from the first stage to the second."""
    row = {
        patterns_files.EMBEDDING: [1.0] + [0.0] * (config.training.embedding_dim - 1),
        patterns_files.FROM_STAGE: config.stages[0],
        patterns_files.DAYS_IN_STAGE: 3.0,
        patterns_files.REACHED_STAGE: config.stages[1],
        patterns_files.DAYS_TO_REACH: 10.0,
        patterns_files.TYPES_MET: [],
        patterns_files.ENGAGEMENTS_MET: [],
    }
    return pa.Table.from_pylist([row], patterns_files.JOURNEYS_SCHEMA)


def _transition(from_stage: str, to_stage: str) -> cp.Transition:
    # Wilson's interval for 10 of 40.
    chance = cp.Chance(probability=0.25, lower=0.142, upper=0.402)
    entry = cp.ChanceFromNowOn(days_in_stage=0, students=ENTERED, reached=REACHED, chance=chance)
    return cp.Transition(
        from_stage=from_stage,
        to_stage=to_stage,
        observed=True,
        entered=ENTERED,
        reached=REACHED,
        lost=10,
        censored=0,
        chance=chance,
        days=cp.TypicalDays(lower_quartile=5, median=10, upper_quartile=20),
        from_now_on=(entry,),
    )


def _cluster(centroid: tuple[float, ...], stages: tuple[str, ...]) -> cp.Cluster:
    return cp.Cluster(
        name="near the mean",
        students=ENTERED // 2,
        share=0.5,
        centroid=centroid,
        traits=(),
        stages={stage: float(stage == stages[0]) for stage in stages},
        conversion=dict.fromkeys(stages[1:], cp.NOTHING_KNOWN),
    )
