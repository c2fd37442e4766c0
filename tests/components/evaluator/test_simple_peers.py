"""The peers that need no model, counted by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn import metrics

from components.evaluator.ranking_metrics import TOP_K
from components.evaluator.simple_peers import (
    PeerBatch,
    PeerTally,
    StageFrequency,
    auc_of_counts,
)
from schemas import names


def batch(**changes: object) -> PeerBatch:
    """Four snapshots; the last has unknown labels, the second and third no list that counts."""
    values = {
        "stage": ["A", "A", "B", "B"],
        "days_since_active": np.array([1.0, 5.0, 5.0, 99.0]),
        "labels": {
            names.LIKELIHOOD: np.array([1.0, 0.0, 0.0, 1.0]),
            names.RISK: np.array([0.0, 1.0, 0.0, 1.0]),
        },
        "known": dict.fromkeys(names.OF_STUDENT, np.array([True, True, True, False])),
        "ranked": np.array([True, False, False, True]),
        "popularity": [np.array([3.0, 1.0]), np.array([]), np.array([9.0]), np.array([1.0, 2.0])],
        "grades": [np.array([1.0, 0.0]), np.array([]), np.array([0.0]), np.array([1.0, 0.0])],
    }
    return PeerBatch(**{**values, **changes})  # type: ignore[arg-type]


def test_a_stage_is_as_likely_as_training_saw_it() -> None:
    frequency = StageFrequency()
    frequency.add(batch())
    frequency.add(batch())
    assert frequency.of("A") == pytest.approx(2.5 / 5)  # two of four
    assert frequency.of("B") == pytest.approx(0.5 / 3)  # none of two: two are not known
    assert frequency.of("C") == 0.5


def test_figures_are_of_known_labels_and_lists_that_count() -> None:
    frequency = StageFrequency()
    frequency.add(batch())
    tally = PeerTally(frequency, top_k=10)
    tally.add(batch())
    found = tally.figures()
    # A is likelier than B: the step in A beats the one in B and ties with the one in A.
    assert found[names.LIKELIHOOD] == pytest.approx(0.75)
    # 5 days, lost, beats 1 day and ties with 5 days.
    assert found[names.RISK] == pytest.approx(0.75)
    # The first list is in order; in the last the positive is second.
    assert found[names.RANKING_SCORE] == pytest.approx((1 + 1 / math.log2(3)) / 2)


def test_batches_add_up() -> None:
    whole, parts = (PeerTally(StageFrequency(), top_k=3) for _ in range(2))
    rng = np.random.default_rng(3)
    days = rng.integers(0, 9, 40).astype(float)
    labels = (rng.random(40) < 0.1 + 0.08 * days).astype(float)

    def rows(places: slice) -> PeerBatch:
        count = len(days[places])
        return batch(
            stage=["A"] * count,
            days_since_active=days[places],
            labels=dict.fromkeys(names.OF_STUDENT, labels[places]),
            known=dict.fromkeys(names.OF_STUDENT, np.ones(count, bool)),
            ranked=np.zeros(count, bool),
            popularity=[np.array([])] * count,
            grades=[np.array([])] * count,
        )

    whole.add(rows(slice(0, 40)))
    for start in range(0, 40, 7):
        parts.add(rows(slice(start, min(start + 7, 40))))
    assert whole.figures()[names.RISK] == pytest.approx(metrics.roc_auc_score(labels, days))
    assert parts.figures()[names.RISK] == whole.figures()[names.RISK]
    assert whole.figures()[names.LIKELIHOOD] == 0.5  # one stage orders nothing
    assert math.isnan(whole.figures()[names.RANKING_SCORE])


@pytest.mark.parametrize("counts", [{}, {1.0: [3, 0]}, {1.0: [0, 2], 2.0: [0, 1]}])
def test_one_outcome_has_no_area(counts: dict[float, list[int]]) -> None:
    assert math.isnan(auc_of_counts(counts))


def test_thresholds_are_raised_to_the_peers_and_never_lowered() -> None:
    import tensorflow_model_analysis as tfma
    from google.protobuf import json_format

    from components.evaluator.peer_thresholds import peers_document, raise_thresholds
    from pipeline.eval_config import NDCG, build_eval_config
    from schemas.config import EvaluationConfig, GoalpathConfig

    settings = GoalpathConfig(
        name="x",
        stages=("A", "B"),
        default_goal="B",
        evaluation=EvaluationConfig(min_risk_auc=0.7, min_likelihood_auc=0.6, min_ndcg_at_10=0.1),
    )
    before = build_eval_config(settings)
    figures = {names.RISK: 0.65, names.LIKELIHOOD: 0.62, names.RANKING_SCORE: math.nan}
    text = raise_thresholds(json_format.MessageToJson(before), figures)
    after = json_format.Parse(text, tfma.EvalConfig())
    bounds = {
        (spec.output_names[0], json.loads(metric.config)["name"]): each.threshold
        for spec in after.metrics_specs
        for metric in spec.metrics
        for each in metric.per_slice_thresholds
    }
    lowest = {key: each.value_threshold.lower_bound.value for key, each in bounds.items()}
    assert lowest == {
        (names.RISK, "auc"): 0.7,
        (names.LIKELIHOOD, "auc"): 0.62,
        (names.RANKING_SCORE, NDCG): 0.1,
        (names.RISK, "log_loss_skill"): 0.0,
        (names.LIKELIHOOD, "log_loss_skill"): 0.0,
    }
    assert bounds[names.RISK, "auc"].change_threshold.absolute.value == -0.02
    assert TOP_K == 10
    told = json.loads(peers_document(figures))
    assert told[names.RANKING_SCORE]["figure"] is None
    assert told[names.RISK] == {"peer": "days since the last activity", "figure": 0.65}
