"""The graph of the goal synthesis says what NumPy says."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.goal_calibrator.goal_graph import GoalGraph
from schemas import names
from schemas.goal_parameters import (
    WIDE,
    ClusterRates,
    Factor,
    GoalParameters,
    OptionScore,
    StageRates,
    Step,
)
from serving.goals.synthesis import HeadOutputs, Synthesis

STAGES = ("a", "b", "c", "d")
STEPS = len(STAGES) - 1
WIDTH = 3
STUDENTS = 200


def random_parameters(factors: tuple[Factor, ...], clusters: int) -> GoalParameters:
    rng = np.random.default_rng(11)

    def rates(bins: int) -> StageRates:
        days = tuple(np.cumsum([0.0, *rng.uniform(1, 20, bins - 1)]).tolist())
        odds = tuple((0.0, *row) for row in rng.normal(size=(bins, STEPS)).tolist())
        none = ((0,) * len(STAGES),) * bins
        return StageRates(days=days, students=none, reached=none, log_odds=odds)

    radii = rng.uniform(0, 1, (len(STAGES), len(STAGES)))
    radii[1, 3] = WIDE
    reference = rng.normal(size=(len(STAGES), STEPS, len(factors)))
    option = OptionScore(
        name="x", factors=factors, log_loss=0.5, brier=0.2, behind=0, standard_error=0
    )
    return GoalParameters(
        stages=STAGES,
        horizon_days=90,
        level=0.9,
        group_size=25,
        factors=factors,
        steps=tuple(
            Step(
                to_stage=stage,
                students=50,
                conversions=25,
                pooled=False,
                intercept=float(rng.normal()),
                weights={
                    factor: float(rng.uniform(0, 1.5)) if factor in factors else 0.0
                    for factor in Factor
                },
            )
            for stage in STAGES[1:]
        ),
        rates=tuple(rates(bins) for bins in (3, 1, 2, 1)),
        clusters=tuple(
            ClusterRates(
                name=f"c{number}",
                centroid=tuple(rng.normal(size=WIDTH).tolist()),
                students=5,
                log_odds=(0.0, *rng.normal(size=STEPS).tolist()),
            )
            for number in range(clusters)
        ),
        reference=tuple(tuple(tuple(row) for row in stage) for stage in reference.tolist()),
        radii=tuple(tuple(row) for row in radii.tolist()),
        profiles=(),
        option="x",
        options=(option,),
        students=50,
    )


@pytest.mark.parametrize(
    ("factors", "clusters"),
    [(tuple(Factor), 4), ((Factor.NETWORK,), 0), ((Factor.CLUSTER, Factor.RATE), 0)],
)
def test_graph_and_numpy_agree(factors: tuple[Factor, ...], clusters: int) -> None:
    rng = np.random.default_rng(12)
    parameters = random_parameters(factors, clusters)
    stage = rng.integers(0, len(STAGES), STUDENTS)
    network = np.cumprod(rng.uniform(0, 1, (STUDENTS, len(STAGES))), axis=1)
    network[:4] = [[1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 0, 0], [1, 1e-30, 1e-38, 0]]
    embedding = rng.normal(size=(STUDENTS, WIDTH))
    embedding[0] = 0.0
    days = rng.uniform(-1, 60, STUDENTS)
    query = {
        names.Q_STAGE_POSITION: (stage / STEPS).astype(np.float32),
        names.Q_DAYS_IN_STAGE: days.astype(np.float32),
        names.Q_DAYS_SINCE_ACTIVE: rng.uniform(-1, 60, STUDENTS).astype(np.float32),
    }
    heads = {
        names.LIKELIHOOD: np.array([0.0, 1.0, *rng.uniform(0, 1, STUDENTS - 2)], np.float32),
        names.RISK: np.array([1.0, 0.0, *rng.uniform(0, 1, STUDENTS - 2)], np.float32),
        names.GOAL_PROBABILITY: network.astype(np.float32),
        names.EMBEDDING: embedding.astype(np.float32),
    }
    found = GoalGraph(parameters).outputs(
        {key: tf.constant(value) for key, value in query.items()},
        {key: tf.constant(value) for key, value in heads.items()},
    )
    synthesis = Synthesis(parameters)
    outputs = HeadOutputs(
        stage=stage,
        likelihood=heads[names.LIKELIHOOD].astype(float),
        risk=heads[names.RISK].astype(float),
        network=heads[names.GOAL_PROBABILITY].astype(float),
        days_in_stage=query[names.Q_DAYS_IN_STAGE].astype(float),
        days_since_active=query[names.Q_DAYS_SINCE_ACTIVE].astype(float),
        embedding=heads[names.EMBEDDING].astype(float),
    )
    expected = synthesis.probabilities(outputs)
    lower, upper = synthesis.interval(expected, stage)
    wanted = dict(zip(names.GOAL_VALUES, (expected, lower, upper), strict=True))
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        assert found[key].dtype == tf.float32
        np.testing.assert_allclose(found[key].numpy(), value, rtol=1e-6, atol=1e-7)
    assert len(np.unique(expected[stage == 0, 3])) > 2
