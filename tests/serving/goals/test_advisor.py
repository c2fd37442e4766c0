"""Goal questions about one student, with the arithmetic spelled out."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable

import pytest

from schemas import names
from schemas.errors import InputError, UnknownStageError
from schemas.goal_answers import MODEL, RECORDED
from schemas.goal_parameters import WIDE, ClusterRates, Factor, GoalParameters
from schemas.goal_state import GoalState, Heads
from serving.goals.advisor import GoalAdvisor

Advise = Callable[[GoalParameters], GoalAdvisor]


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def with_heads(state: GoalState, likelihood: float, risk: float) -> GoalState:
    return dataclasses.replace(state, heads=Heads(likelihood, risk, (1.0, 0.5, 0.25)))


def test_likelihood_is_the_product_of_the_steps(advisor: GoalAdvisor, state: GoalState) -> None:
    # Step 1: 0 + log(4) / 2 = log 2, so 2/3. Step 2: log(1/3), so 1/4.
    near = advisor.predict_goal_likelihood(state, "admitted")
    far = advisor.predict_goal_likelihood(state, "enrolled")
    assert near.likelihood == pytest.approx(2 / 3, abs=1e-12)
    assert far.likelihood == pytest.approx(1 / 6, abs=1e-12)
    assert far.prediction_method == MODEL
    # sqrt(2/3 * 1/3) / 4 to both sides.
    assert near.lower == pytest.approx(2 / 3 - math.sqrt(2) / 12, abs=1e-12)
    assert near.upper == pytest.approx(2 / 3 + math.sqrt(2) / 12, abs=1e-12)
    # 1/6 - sqrt(5)/12 is below 0 and is cut.
    assert far.lower == 0.0
    assert far.upper == pytest.approx(1 / 6 + math.sqrt(5) / 12, abs=1e-12)
    assert far.confidence == pytest.approx(1 - far.upper, abs=1e-12)
    assert (near.confidence_word, far.confidence_word) == ("medium", "medium")


def test_shares_add_up_to_the_prediction(advisor: GoalAdvisor, state: GoalState) -> None:
    found = advisor.predict_goal_likelihood(state, "enrolled")
    # The reference: 1/2 * 1/4 = 1/8, and the student: 1/6. The likelihood is as there.
    assert found.base_log_odds == pytest.approx(math.log(1 / 7), abs=1e-12)
    shares = {reason.factor: reason.log_odds for reason in found.reasons}
    assert shares[Factor.SAFETY] == pytest.approx(math.log(7 / 5), abs=1e-12)
    assert shares[Factor.LIKELIHOOD] == pytest.approx(0.0, abs=1e-12)
    assert [reason.factor for reason in found.reasons] == [Factor.SAFETY, Factor.LIKELIHOOD]
    assert found.reasons[0].text == "a risk of 20% to be lost or silent: speaks for it"
    assert found.reasons[1].text == "a next step of 50%: about as usual"
    for likelihood, risk in ((0.999, 0.9), (0.01, 0.01), (0.0, 1.0)):
        other = advisor.predict_goal_likelihood(with_heads(state, likelihood, risk), "enrolled")
        total = other.base_log_odds + sum(reason.log_odds for reason in other.reasons)
        assert total == pytest.approx(logit(other.likelihood), abs=1e-9)


@pytest.mark.parametrize(
    ("stage", "goal", "note"),
    [
        ("admitted", "admitted", "admitted is the stage now: it is reached"),
        ("admitted", "applied", "applied is behind: the student is in admitted"),
    ],
)
def test_reached_goal_is_certain_and_says_so(
    advisor: GoalAdvisor, state: GoalState, stage: str, goal: str, note: str
) -> None:
    here = dataclasses.replace(state, stage=stage)
    found = advisor.predict_goal_likelihood(here, goal)
    assert (found.likelihood, found.lower, found.upper) == (1.0, 1.0, 1.0)
    assert found.prediction_method == RECORDED
    assert found.notes == (note,)
    assert advisor.recommend_for_goal(here, goal, 3) == ()
    assert advisor.analyze_goal_readiness(here, goal).readiness == "reached"
    insights = advisor.conversion_insights(here, goal)
    assert (insights.students_as_long, insights.reached_as_long) == (0, 0)


@pytest.mark.parametrize("goal", ["graduated", "", "Enrolled"])
def test_unknown_goal_names_the_stages(advisor: GoalAdvisor, state: GoalState, goal: str) -> None:
    for ask in (
        lambda: advisor.predict_goal_likelihood(state, goal),
        lambda: advisor.recommend_for_goal(state, goal, 1),
        lambda: advisor.predict_stage_transition(state, "applied", goal),
        lambda: advisor.conversion_insights(state, goal),
    ):
        with pytest.raises(UnknownStageError, match="applied, admitted, enrolled"):
            ask()


def test_lost_student_cannot_reach_a_goal_ahead(advisor: GoalAdvisor, state: GoalState) -> None:
    lost = dataclasses.replace(state, ended=True, heads=None)
    found = advisor.predict_goal_likelihood(lost, "enrolled")
    assert (found.likelihood, found.lower, found.upper) == (0.0, 0.0, 0.0)
    assert found.prediction_method == RECORDED
    assert found.notes == ("the student has ended in applied: enrolled cannot be reached any more",)
    assert advisor.recommend_for_goal(lost, "enrolled", 3) == ()
    assert advisor.analyze_goal_readiness(lost, "enrolled").readiness == "ended"
    assert advisor.predict_stage_transition(lost, "admitted", "enrolled").probability == 0.0


def test_student_without_events_is_told_from_a_silent_one(
    advise: Advise, parameters: GoalParameters, state: GoalState
) -> None:
    factors = (Factor.RECENCY,)
    recency = dict.fromkeys(Factor, 0.0) | {Factor.RECENCY: 1.0}
    steps = tuple(
        step.model_copy(update={"weights": recency, "intercept": 0.0}) for step in parameters.steps
    )
    only = parameters.model_copy(
        update={"factors": factors, "steps": steps, "reference": (((0.0,),) * 2,) * 3}
    )
    new = dataclasses.replace(state, events=0, days_since_active=3.0, features={}, offers=())
    advisor = advise(only)
    found = advisor.predict_goal_likelihood(new, "admitted")
    assert found.likelihood == pytest.approx(1 / 5, abs=1e-12)  # odds of 1 / (1 + 3)
    assert found.reasons[0].text == "no event in 3 days: speaks against it"
    assert advisor.analyze_goal_readiness(new, "enrolled").barriers == ()
    assert advisor.recommend_for_goal(new, "enrolled", 3) == ()
    silent = advisor.predict_goal_likelihood(dataclasses.replace(new, events=2), "admitted")
    assert silent.reasons[0].text == "3 days without activity: speaks against it"


def test_pair_never_seen_has_a_wide_interval_and_says_why(
    advisor: GoalAdvisor, state: GoalState
) -> None:
    here = dataclasses.replace(state, stage="admitted")
    found = advisor.predict_goal_likelihood(here, "enrolled")
    assert found.likelihood == pytest.approx(1 / 4, abs=1e-12)
    assert (found.lower, found.upper, found.confidence) == (0.0, 1.0, 0.0)
    assert found.confidence_word == "low"
    assert "no earlier student was seen to go from admitted to enrolled" in found.notes[0]


def test_few_groups_and_few_conversions_are_said(
    advise: Advise, parameters: GoalParameters, state: GoalState
) -> None:
    radii = ((0.0, 0.25, WIDE), *parameters.radii[1:])
    few = parameters.model_copy(update={"radii": radii})
    notes = advise(few).predict_goal_likelihood(state, "enrolled").notes
    assert notes[0] == "too few students to say how far off the number may be"
    assert notes[1].startswith("7 of 100 students were seen to step to enrolled, too few")
    assert advise(few).predict_goal_likelihood(state, "admitted").notes == ()


def test_farther_goals_are_never_likelier_and_risk_never_helps(
    advisor: GoalAdvisor, parameters: GoalParameters, state: GoalState
) -> None:
    for likelihood in (0.0, 0.1, 0.5, 0.99, 1.0):
        before = [1.0, 1.0]
        for risk in (0.0, 0.1, 0.5, 0.9, 1.0):
            asked = with_heads(state, likelihood, risk)
            found = [advisor.predict_goal_likelihood(asked, goal) for goal in parameters.stages]
            for near, far in itertools.pairwise(found):
                assert far.likelihood <= near.likelihood
                assert far.lower <= near.lower
                assert far.upper <= near.upper
            ahead = [each.likelihood for each in found[1:]]
            assert all(now <= then for now, then in zip(ahead, before, strict=True))
            assert all(each.lower <= each.likelihood <= each.upper for each in found)
            before = ahead


def test_transition_from_a_stage_ahead_is_conditional(
    advisor: GoalAdvisor, state: GoalState
) -> None:
    ahead = advisor.predict_stage_transition(state, "admitted", "enrolled")
    assert ahead.probability == pytest.approx(1 / 4, abs=1e-12)  # (1/6) / (2/3)
    assert (ahead.students, ahead.reached) == (50, 0)  # as of the day they enter it
    assert any(note.startswith("given that admitted is reached") for note in ahead.notes)
    now = advisor.predict_stage_transition(state, "applied", "enrolled")
    assert now.probability == pytest.approx(1 / 6, abs=1e-12)
    assert (now.students, now.reached) == (30, 1)  # 12 days in the stage
    behind = advisor.predict_stage_transition(
        dataclasses.replace(state, stage="admitted"), "applied", "enrolled"
    )
    assert behind.probability == pytest.approx(1 / 4, abs=1e-12)
    assert "applied is behind: counted from admitted" in behind.notes


@pytest.mark.parametrize("to_stage", ["admitted", "applied"])
def test_transition_backwards_is_refused(
    advisor: GoalAdvisor, state: GoalState, to_stage: str
) -> None:
    with pytest.raises(InputError, match="must lead to a later stage"):
        advisor.predict_stage_transition(state, "admitted", to_stage)


def test_recommendations_go_by_gain_and_not_by_response(
    advisor: GoalAdvisor, state: GoalState
) -> None:
    found = advisor.recommend_for_goal(state, "enrolled", 3)
    assert [each.engagement_id for each in found] == ["e2", "e1", "e3"]
    assert [each.place_by_response for each in found] == [3, 1, 2]
    # e2: log-odds log 4 more: 8/9 * 4/7. e3: log 4 less: 1/3 * 1/13.
    assert found[0].likelihood == pytest.approx(32 / 63, abs=1e-12)
    assert found[2].likelihood == pytest.approx(1 / 39, abs=1e-12)
    assert found[0].gain == pytest.approx(32 / 63 - 1 / 6, abs=1e-12)
    assert found[1].gain == pytest.approx(0.0, abs=1e-12)
    assert [each.rank for each in found] == [1, 2, 3]
    assert advisor.recommend_for_goal(state, "enrolled", 1) == found[:1]
    insights = advisor.conversion_insights(state, "enrolled")
    assert insights.improvements == found[:1]
    assert (insights.students_as_long, insights.reached_as_long) == (30, 1)
    with pytest.raises(InputError, match="positive integer"):
        advisor.recommend_for_goal(state, "enrolled", 0)


def test_barriers_are_what_those_who_got_there_had(advisor: GoalAdvisor, state: GoalState) -> None:
    found = advisor.analyze_goal_readiness(state, "enrolled")
    # Active days: lacks 6/3 = 2 deviations, means 2 apart: 4. Missed: 1/2 times 1.
    # Distinct engagements differ by .1 deviations between the two: no barrier.
    assert [each.feature for each in found.barriers] == [
        names.Q_ACTIVE_DAYS[28],
        names.Q_DUE_MISSED,
    ]
    assert found.barriers[0].students == 100
    assert found.barriers[0].text == (
        "4.0 active days in the last 28; the 25 who reached enrolled from applied had 10.0, "
        "the 75 others 4.0"
    )
    assert found.readiness == "far"
    better = dataclasses.replace(
        state, features={names.Q_ACTIVE_DAYS[28]: 11.0, names.Q_DUE_MISSED: 0.0}
    )
    assert advisor.analyze_goal_readiness(better, "enrolled").barriers == ()


def test_two_stages_are_enough(
    advise: Advise, parameters: GoalParameters, state: GoalState
) -> None:
    rates = tuple(
        each.model_copy(
            update={
                name: tuple(row[:2] for row in getattr(each, name))
                for name in ("students", "reached", "log_odds")
            }
        )
        for each in parameters.rates[:2]
    )
    two = parameters.model_copy(
        update={
            "stages": parameters.stages[:2],
            "steps": parameters.steps[:1],
            "rates": rates,
            "reference": (((0.0, 0.0),),) * 2,
            "radii": ((0.0, 0.25), (0.0, 0.0)),
        }
    )
    asked = dataclasses.replace(state, heads=Heads(0.5, 0.2, (1.0, 0.5)))
    found = advise(two).predict_goal_likelihood(asked, "admitted")
    assert found.likelihood == pytest.approx(2 / 3, abs=1e-12)
    with pytest.raises(UnknownStageError, match="applied, admitted"):
        advise(two).predict_goal_likelihood(asked, "enrolled")


def test_a_weight_below_zero_is_no_document(parameters: GoalParameters) -> None:
    text = parameters.model_dump_json()
    assert GoalParameters.model_validate_json(text) == parameters
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        GoalParameters.model_validate_json(text.replace('"safety":0.5', '"safety":-0.5'))


def test_typical_days_and_evidence_are_those_of_the_patterns(
    advisor: GoalAdvisor, state: GoalState
) -> None:
    found = advisor.predict_stage_transition(state, "applied", "enrolled")
    assert found.typical_days is not None
    assert dataclasses.astuple(found)[4].median == 10.0
    assert advisor.predict_stage_transition(state, "admitted", "enrolled").typical_days is None
    evidence = {
        each.engagement_id: each.evidence
        for each in advisor.recommend_for_goal(state, "enrolled", 3)
    }
    # e2 has one of its own; of e1 only its type was counted, and of e3 nothing was.
    assert (evidence["e2"].name, evidence["e2"].lift) == ("e2", 1.5)  # type: ignore[union-attr]
    assert (evidence["e1"].name, evidence["e1"].lift) == ("email", 0.9)  # type: ignore[union-attr]
    assert evidence["e3"] is None


def test_similar_students_are_the_nearest_that_made_it_from_here(
    advisor: GoalAdvisor, state: GoalState
) -> None:
    found = advisor.conversion_insights(state, "enrolled")
    # Cosines of (3, 4) with (0, 1), (1, 0) and (-1, 0); the third got to admitted only.
    assert [each.similarity for each in found.similar] == pytest.approx([0.8, 0.6, -0.6])
    assert [each.days for each in found.similar] == [20.0, 30.0, 40.0]
    assert found.similar[1].types == ("email", "call")
    assert found.met_by_similar == (("call", 2), ("email", 1))
    assert found.readiness.nearest_path == found.similar[0]
    near = advisor.conversion_insights(state, "admitted").similar
    assert (near[0].similarity, near[0].reached) == (pytest.approx(1.0), "admitted")
    here = dataclasses.replace(state, stage="enrolled")
    assert advisor.conversion_insights(here, "enrolled").similar == ()
    lost = dataclasses.replace(state, ended=True, heads=None, embedding=())
    assert advisor.analyze_goal_readiness(lost, "enrolled").nearest_path is None


def test_a_cluster_moves_the_likelihood_and_is_named(
    advise: Advise, parameters: GoalParameters, state: GoalState
) -> None:
    weights = dict.fromkeys(Factor, 0.0) | {Factor.CLUSTER: 1.0}
    steps = tuple(
        step.model_copy(update={"weights": weights, "intercept": 0.0}) for step in parameters.steps
    )
    clusters = (
        ClusterRates(name="quiet", centroid=(1.0, 0.0), students=9, log_odds=(0.0, -9.0, -9.0)),
        ClusterRates(
            name="many visits",
            centroid=(0.0, 1.0),
            students=5,
            log_odds=(0.0, math.log(3), math.log(1 / 3)),
        ),
    )
    only = parameters.model_copy(
        update={
            "factors": (Factor.CLUSTER,),
            "steps": steps,
            "clusters": clusters,
            "reference": (((0.0,),) * 2,) * 3,
        }
    )
    advisor = advise(only)
    found = advisor.predict_goal_likelihood(state, "enrolled")
    # (3, 4) is nearer to (0, 1): 3/4 times 1/4.
    assert found.likelihood == pytest.approx(3 / 16, abs=1e-12)
    assert found.reasons[0].text == "alike by history: many visits: speaks against it"
    assert advisor.conversion_insights(state, "enrolled").cluster == "many visits"
