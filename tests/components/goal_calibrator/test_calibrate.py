"""The whole fit on simulated students whose true likelihoods are known."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from components.goal_calibrator.calibrate import calibrate
from components.goal_calibrator.goal_rows import AnsweredRows, GoalLabels
from components.goal_calibrator.options import OPTIONS, choose, out_of_fold, scores
from components.goal_calibrator.radii import covered, like_groups
from schemas.config import GoalpathConfig
from schemas.conversion_patterns import ConversionPatterns, Transition
from schemas.goal_parameters import PROFILE_FEATURES, WIDE, Factor, GoalParameters, OptionScore
from serving.goals.synthesis import Synthesis

Simulate = Callable[..., AnsweredRows]


def test_the_truth_is_found_and_new_groups_are_covered(
    simulate: Simulate, patterns: ConversionPatterns, config: GoalpathConfig
) -> None:
    parameters = calibrate(simulate(3000, 1).labels, simulate(6000, 2), patterns, config)
    assert [each.log_loss for each in parameters.options] == sorted(
        each.log_loss for each in parameters.options
    )
    assert Factor.NETWORK in parameters.factors
    assert {each.name for each in parameters.options} == set(OPTIONS)
    assert parameters.students == 6000
    for step in parameters.steps:
        assert step.weights[Factor.NETWORK] == pytest.approx(1.0, abs=0.15)
        assert step.intercept == pytest.approx(0.0, abs=0.3)
        assert not step.pooled
    new = simulate(10_000, 3)
    found = Synthesis(parameters).probabilities(new.outputs)
    assert np.abs(found - new.outputs.network).mean() < 0.02
    labels = new.labels
    for goal in (1, 2):
        rows = labels.ahead[:, goal]
        groups = like_groups(
            found[rows, goal],
            labels.reached[rows, goal],
            labels.students[rows],
            labels.period[rows],
            size=25,
        )
        share = covered(groups, parameters.radii[0][goal], size=25).mean()
        assert 0.85 <= share <= 0.95
    assert GoalParameters.model_validate_json(parameters.model_dump_json()) == parameters


def test_a_goal_nobody_reached_is_wide_and_pooled(
    simulate: Simulate, patterns: ConversionPatterns, config: GoalpathConfig
) -> None:
    never = -50.0

    def never_reached(pair: Transition) -> Transition:
        if pair.to_stage != "enrolled":
            return pair
        seen = tuple(entry.model_copy(update={"reached": 0}) for entry in pair.from_now_on)
        return pair.model_copy(update={"from_now_on": seen})

    pairs = tuple(never_reached(pair) for pair in patterns.transitions)
    unseen = patterns.model_copy(update={"transitions": pairs})
    train = simulate(500, 1, last_step=never).labels
    parameters = calibrate(train, simulate(500, 2, last_step=never), unseen, config)
    assert [step.pooled for step in parameters.steps] == [False, True]
    assert parameters.steps[1].conversions == 0
    assert (parameters.radii[0][2], parameters.radii[1][2]) == (WIDE, WIDE)
    assert all(profile.goal == "admitted" for profile in parameters.profiles)


def test_no_students_at_all_still_make_parameters(
    simulate: Simulate, patterns: ConversionPatterns, config: GoalpathConfig
) -> None:
    none = simulate(0, 1)
    parameters = calibrate(none.labels, none, patterns, config)
    assert all(step.pooled and step.intercept == 0.0 for step in parameters.steps)
    assert (parameters.radii[0][1], parameters.profiles, parameters.students) == (WIDE, (), 0)


def test_scores_by_hand(simulate: Simulate) -> None:
    labels = dataclasses.replace(
        simulate(2, 1).labels,
        stage=np.array([0, 1]),
        reached=np.array([[1.0, 1, 0], [1, 1, 1]]),
        known=np.array([[1, 1, 1], [1, 1, 1]], bool),
    )
    half = np.array([[1.0, 0.5, 0.5], [1.0, 1.0, 0.5]])
    unseen = {"half": half, "better": np.array([[1.0, 0.5, 0.25], [1.0, 1.0, 0.5]])}
    factors = {"half": tuple(Factor), "better": (Factor.NETWORK,)}
    better, other = scores(unseen, factors, labels)
    assert (better.name, other.name) == ("better", "half")
    # Ahead: (.5, reached), (.25, not), (.5, reached).
    assert better.log_loss == pytest.approx((2 * math.log(2) - math.log(0.75)) / 3)
    assert better.brier == pytest.approx((0.25 + 0.0625 + 0.25) / 3)
    assert (better.behind, better.standard_error) == (0.0, 0.0)
    # Of the two students the first has it worse by log(.75 / .5); deviation half of that.
    worse = math.log(1.5)
    assert other.behind == pytest.approx(worse / 3)
    assert other.standard_error == pytest.approx(worse / 2 * math.sqrt(2) / 3)
    nothing = labels.take(np.zeros(2, bool))
    assert scores({"x": half[:0]}, {"x": ()}, nothing)[0].log_loss == 0.0


def _option(name: str, factors: int, behind: float, error: float) -> OptionScore:
    return OptionScore(
        name=name,
        factors=tuple(Factor)[:factors],
        log_loss=0.5 + behind,
        brier=0.2,
        behind=behind,
        standard_error=error,
    )


def test_of_options_as_good_as_the_best_the_one_with_most_reasons_is_chosen() -> None:
    best = _option("best", 1, 0.0, 0.0)
    within, beyond = _option("within", 4, 0.001, 0.001), _option("beyond", 6, 0.002, 0.001)
    assert choose((best, within, beyond)).name == "within"
    assert choose((best, beyond)).name == "best"


def test_a_student_is_predicted_without_its_own_labels(
    simulate: Simulate, config: GoalpathConfig
) -> None:
    labels = simulate(60, 4).labels
    values = {Factor.NETWORK: np.zeros((60, 2))}
    asked = {"config": config.goals, "seed": 7}
    before = out_of_fold(values, (Factor.NETWORK,), labels, **asked)
    student = int(np.flatnonzero(labels.stage == 0)[0])
    turned = labels.reached.copy()
    turned[student] = [1.0, 1.0 - turned[student, 1], 0.0]
    after = out_of_fold(
        values, (Factor.NETWORK,), dataclasses.replace(labels, reached=turned), **asked
    )
    np.testing.assert_array_equal(after[student], before[student])
    assert (after != before).any()


def labels_of(
    stage: list[int], days: list[float], students: list[int], top: list[int]
) -> GoalLabels:
    count = len(stage)
    return GoalLabels(
        stage=np.array(stage, np.int64),
        days_in_stage=np.array(days),
        students=np.array(students, np.int64),
        period=np.zeros(count, np.int64),
        reached=(np.arange(3) <= np.array(top)[:, None]).astype(float),
        known=np.ones((count, 3), bool),
        features=np.zeros((count, len(PROFILE_FEATURES))),
    )


def test_a_state_has_goals_ahead_only_where_they_are_known() -> None:
    labels = labels_of([0, 1, 2], [0.0] * 3, [0, 1, 2], [0, 1, 2])
    labels.known[0, 2] = False
    assert labels.ahead.tolist() == [[False, True, False], [False, False, True], [False] * 3]
