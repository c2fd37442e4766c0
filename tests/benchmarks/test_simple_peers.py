from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality_parts.candidate_lists import candidate_lists
from benchmarks.quality_parts.simple_probabilities import (
    constant,
    frequency,
    one_feature,
    stage_week_codes,
)
from benchmarks.quality_parts.simple_rankings import blend, choose_blend, most_used, recency
from schemas import names
from tests.benchmarks.flat_columns import snapshots


def test_a_constant_is_the_training_rate() -> None:
    assert constant(np.array([1.0, 0.0, 0.0, 0.0]), 2).tolist() == [0.25, 0.25]


def test_a_cell_is_drawn_to_its_stage_and_that_to_all() -> None:
    labels = np.array([1.0, 1.0, 0.0, 0.0])
    stage, week = np.array([0, 0, 1, 1]), np.array([0, 1, 10, 10])
    asked_stage, asked_week = np.array([0, 1, 1, 2]), np.array([0, 10, 11, 20])
    found = frequency(labels, (stage, week), (asked_stage, asked_week))
    first, second = (2 + 20 * 0.5) / 22, (0 + 20 * 0.5) / 22
    assert found == pytest.approx(
        [
            (1 + 20 * first) / 21,
            (0 + 20 * second) / 22,
            second,  # a week that this stage never had
            0.5,  # a stage never met
        ]
    )


def test_weeks_count_from_the_cohort_or_else_from_entry() -> None:
    stage, week = stage_week_codes(
        snapshots(
            {
                names.Q_STAGE_POSITION: [[0.0], [0.0], [0.0], [0.25]],
                names.Q_COHORT_KNOWN: [[1.0], [1.0], [0.0], [1.0]],
                names.Q_DAYS_SINCE_START: [[-1.0], [13.0], [0.0], [13.0]],
                names.Q_DAYS_SINCE_ENTRY: [[50.0], [60.0], [13.5], [9.0]],
            }
        )
    )
    assert stage.tolist() == [0, 0, 0, 250]
    assert week[1] == week[2] == week[0] + 2
    assert week[3] != week[1]


def test_one_feature_orders_as_its_days() -> None:
    random = np.random.default_rng(1)
    days = random.integers(0, 60, 400).astype(np.float64)
    labels = (random.random(400) < days / 70).astype(np.float64)
    asked = np.array([0.0, 1.0, 5.0, 200.0])
    assert (np.diff(one_feature(labels, days, asked)) > 0).all()
    assert (np.diff(one_feature(1 - labels, days, asked)) < 0).all()
    assert one_feature(labels, days, days).mean() == pytest.approx(labels.mean(), abs=0.01)


CANDIDATES = {
    names.C_ID: [["a", "b", "c"], ["a", "b"]],
    names.C_GRADE: [[1.0, 0.0, 0.0], [1.0, 0.0]],
    names.C_SAMPLING_PROBABILITY: [[1.0] * 3, [1.0] * 2],
    names.RANKING_WEIGHT: [[1.0], [1.0]],
    names.C_POPULARITY_7: [[0.2, 0.4, 0.3], [0.2, 0.4]],
    names.C_POPULARITY_28: [[0.2, 0.4, 0.3], [0.2, 0.4]],
    names.C_OWN_COUNT: [[2.0, 5.0, 0.0], [1.0, 0.0]],
    names.C_OWN_COUNT_28: [[2.0, 0.0, 0.0], [1.0, 0.0]],
    names.C_OWN_DAYS_SINCE: [[3.0, 40.0, 1.0], [1.0, 0.0]],
}


def test_recency_puts_the_never_used_last() -> None:
    # c was met a day ago and never used.
    assert np.argsort(-recency(snapshots(CANDIDATES), np.arange(3))).tolist() == [0, 1, 2]
    assert most_used(snapshots(CANDIDATES), np.arange(3)).tolist() == [2, 5, 0]


def test_a_blend_is_chosen_that_orders_the_lists_best() -> None:
    split = snapshots(CANDIDATES)
    lists = candidate_lists(split)
    popular = blend(split, lists.places, recent=0, decay_days=7, use=0)
    assert lists.measure("ndcg", popular).max() < 1  # popularity alone is wrong here
    numbers = choose_blend(split, lists)
    best = blend(split, lists.places, **numbers)
    assert lists.measure("ndcg", best) == pytest.approx([1, 1])
