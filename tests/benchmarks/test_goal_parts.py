"""Peers and figures of goal likelihoods, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.goal_parts.goal_advice import Choices, choose_contacts
from benchmarks.goal_parts.goal_figures import coverage, measure, violations
from benchmarks.goal_parts.goal_peers import distance_penalty, later_formula, pair_frequency
from benchmarks.goal_parts.goal_snapshots import GoalPairs, goal_pairs
from benchmarks.quality_parts.progress import Progress
from schemas import names
from schemas.config import GoalpathConfig
from schemas.goal_answers import GoalRecommendation
from schemas.goal_state import GoalState, Heads, Offer
from tests.benchmarks.flat_columns import snapshots

EARLIER = ("Awareness", "Interest", "Consideration", "Application", "Enrollment")
WEEK = 7 * 86_400_000_000


def pairs_of(
    snapshot: list[int], stage: list[int], goal: list[int], reached: list[int]
) -> GoalPairs:
    return GoalPairs(
        snapshot=np.array(snapshot),
        goal=np.array(goal),
        stage=np.array(stage),
        reached=np.array(reached, float),
        student=np.array(snapshot),
        period=np.zeros(len(goal), np.int64),
    )


def test_pairs_are_goals_ahead_with_a_known_outcome() -> None:
    config = GoalpathConfig(name="x", stages=("a", "b", "c"), default_goal="c")
    made = snapshots(
        {
            names.Q_STAGE: [["a"], ["b"], ["c"]],
            names.COHORT: [["x"], ["x"], ["y"]],
            names.STUDENT_ID: [["s1"], ["s2"], ["s1"]],
            names.SNAPSHOT_TIME: [[0], [WEEK], [0]],
            names.GOAL_LABEL: [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]],
            names.GOAL_WEIGHT: [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]],
        }
    )
    found = goal_pairs(made, config)
    # The farther goal of the first is not known, and the third has none ahead.
    assert found.snapshot.tolist() == [0, 1]
    assert found.goal.tolist() == [1, 2]
    assert found.reached.tolist() == [1, 1]
    assert found.student.tolist() == [0, 1]
    assert found.period[0] != found.period[1]
    table = np.arange(9.0).reshape(3, 3)
    assert found.pick(table).tolist() == [1.0, 5.0]


def test_the_distance_penalty_stops_at_three_tenths() -> None:
    pairs = pairs_of([0, 0, 1], [0, 0, 0], [1, 4, 9], [0, 0, 0])
    found = distance_penalty(np.array([0.5, 1.0]), pairs)
    assert found == pytest.approx([0.45, 0.3, 0.3])


def test_the_later_formula_knows_four_steps_and_guesses_the_rest() -> None:
    pairs = pairs_of([0, 0, 0, 0], [0, 0, 0, 3], [1, 2, 3, 4], [0] * 4)
    found = later_formula(np.array([0.4]), pairs, EARLIER)
    assert found == pytest.approx(
        [
            0.18 + 0.35 * 0.45 + 0.2 * 0.85,
            0.18 + 0.35 * 0.24 + 0.2 * 0.65,
            0.18 + 0.35 * 0.16 + 0.2 * 0.65 * 0.7,
            0.18 + 0.35 * 0.60 + 0.2 * 0.85,
        ]
    )
    other = later_formula(np.array([0.4]), pairs, ("p", "q", "r", "s", "t"))
    assert other[0] == pytest.approx(0.18 + 0.35 * 0.32 + 0.2 * 0.85)


def test_the_frequency_of_a_pair_is_counted_in_training() -> None:
    train = pairs_of([0, 1, 2, 3], [0, 0, 0, 1], [1, 1, 1, 2], [1, 1, 0, 0])
    asked = pairs_of([0, 1, 2], [0, 1, 0], [1, 2, 2], [0, 0, 0])
    assert pair_frequency(train, asked) == pytest.approx([3 / 5, 1 / 3, 1 / 2])


def test_figures_by_hand() -> None:
    found = measure(np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.1, 0.9, 0.4, 0.4]))
    assert found.brier == pytest.approx((0.01 + 0.01 + 0.36 + 0.16) / 4)
    # Of the four pairs of outcomes three are in order and one is tied.
    assert found.auc == pytest.approx(3.5 / 4)
    assert (found.pairs, found.reached) == (4, 0.5)
    assert math.isnan(measure(np.ones(2), np.ones(2)).auc)
    assert math.isnan(measure(np.zeros(0), np.zeros(0)).brier)
    assert violations(np.array([[1.0, 0.5, 0.5], [1.0, 0.2, 0.3], [1.0, 0.9, 0.1]])) == 1


def test_a_group_is_covered_where_its_share_lies_in_the_mean_interval() -> None:
    pairs = pairs_of([0, 1, 2, 3, 4], [0] * 5, [1] * 5, [0, 1, 1, 1, 1])
    likelihood = np.array([0.1, 0.2, 0.8, 0.9, 0.95])
    ends = (likelihood - 0.1, likelihood + 0.3)
    found = coverage(pairs, np.ones(5, bool), likelihood, ends, size=2)
    # Shares .5 and 1 against .05 to .45 and .75 to 1.15; one student is left over.
    assert (found.groups, found.covered) == (2, 0.5)
    assert found.width == pytest.approx(0.4)
    assert coverage(pairs, np.zeros(5, bool), likelihood, ends, size=2).groups == 0


def offer(engagement: str, score: float, likelihood: float) -> Offer:
    given = Heads(likelihood, 0.2, (1.0, 0.5, 0.2))
    return Offer(engagement, f"type of {engagement}", score, given)


class ByLikelihood:
    """Advises the engagement with the highest likelihood given it."""

    def recommend_for_goal(
        self, state: GoalState, goal: str, top_k: int
    ) -> tuple[GoalRecommendation, ...]:
        assert (goal, top_k) == ("enrolled", 1)
        ranked = sorted(state.offers, key=lambda each: -each.given.likelihood)
        return tuple(
            GoalRecommendation(
                rank=1,
                engagement_id=each.engagement_id,
                engagement_type=each.engagement_type,
                likelihood=0.5,
                gain=0.1,
                next_step=0.5,
                risk=0.2,
                place_by_response=1,
                evidence=None,
            )
            for each in ranked[:top_k]
        )


def test_contacts_are_the_first_by_goal_and_the_first_by_response() -> None:
    state = GoalState(
        student_id="",
        stage="applied",
        heads=Heads(0.5, 0.2, (1.0, 0.5, 0.2)),
        embedding=(1.0, 0.0),
        ended=False,
        days_in_stage=1.0,
        days_since_active=1.0,
        events=1,
        offers=(offer("e1", 3.0, 0.2), offer("e2", 1.0, 0.9)),
    )
    agreed = GoalState(**{**vars(state), "offers": (offer("e3", 5.0, 0.9),)})
    nothing = GoalState(**{**vars(state), "offers": ()})
    found = choose_contacts(
        [(4, state), (7, agreed), (9, nothing)], ByLikelihood(), "enrolled", Progress()
    )
    assert isinstance(found, Choices)
    assert found.snapshot == [4, 7]
    assert found.advised == ["type of e2", "type of e3"]
    assert found.ranked == ["type of e1", "type of e3"]
    assert found.offered == [["type of e1", "type of e2"], ["type of e3"]]
    assert found.differs == 0.5
