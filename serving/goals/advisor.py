"""The goal questions about one student, answered from heads and parameters alone.

`confidence` is 1 less the width of the interval, and the interval is checked: it covers,
`level` of the time, the share that reaches the goal among `group_size` students with like
predictions in one week (`components/goal_calibrator/radii.py`). The tests check that on
simulated draws; for students of later cohorts it is not measured yet.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas import goal_answers as answers
from schemas.conversion_patterns import ConversionPatterns, Effect, Subject
from schemas.errors import InputError
from schemas.goal_parameters import WIDE, GoalParameters, stage_place
from schemas.goal_state import GoalState, Heads, Offer
from schemas.journeys import Journeys
from serving.goals.barriers import barriers
from serving.goals.journeys import met_by, similar_journeys
from serving.goals.reasons import Asked, sentence
from serving.goals.shares import shares
from serving.goals.synthesis import Synthesis, head_outputs

CONFIDENCE_WORDS: Final = ((0.8, "high"), (0.5, "medium"), (0.0, "low"))
READINESS_WORDS: Final = ((0.7, "ready"), (0.4, "on the way"), (0.0, "far"))


class GoalAdvisor:
    """Answers goal questions with what one model version has learned.

    Args:
      parameters: `goal_parameters.json` of the version.
      patterns: `patterns.json` of the version.
      journeys: of its `journeys.parquet`.
    """

    def __init__(
        self, parameters: GoalParameters, patterns: ConversionPatterns, journeys: Journeys
    ) -> None:
        self._parameters = parameters
        self._patterns = patterns
        self._journeys = journeys
        self._synthesis = Synthesis(parameters)
        self._effects = {
            (each.from_stage, each.subject, each.name): each for each in patterns.effects
        }

    def predict_goal_likelihood(self, state: GoalState, goal: str) -> answers.GoalLikelihood:
        """The likelihood of a goal with its interval and reasons.

        Raises:
          UnknownStageError: `goal` is no stage.
        """
        place, target = self._places(state, goal)
        if target <= place:
            return self._recorded(state, goal, 1.0, _reached_note(state, goal))
        if state.ended or state.heads is None:
            note = f"the student has ended in {state.stage}: {goal} cannot be reached any more"
            return self._recorded(state, goal, 0.0, note)
        outputs = head_outputs(state, place, [state.heads])
        factors = self._synthesis.factors(outputs)
        probability = self._synthesis.probabilities(outputs)
        lower, upper = self._synthesis.interval(probability, outputs.stage)
        reference = self._synthesis.reference[place]
        base, of_factors = shares(self._synthesis, factors[0], reference, place, target)
        likelihood = float(probability[0, target])
        low, high = float(lower[0, target]), float(upper[0, target])
        return answers.GoalLikelihood(
            student_id=state.student_id,
            stage=state.stage,
            goal=goal,
            horizon_days=self._parameters.horizon_days,
            likelihood=likelihood,
            lower=low,
            upper=high,
            level=self._parameters.level,
            confidence=1.0 - (high - low),
            confidence_word=_word(1.0 - (high - low), CONFIDENCE_WORDS),
            base_log_odds=base,
            reasons=self._reasons(of_factors.tolist(), state, state.heads, place, target),
            notes=self._notes(place, target),
            prediction_method=answers.MODEL,
        )

    def predict_stage_transition(
        self, state: GoalState, from_stage: str, to_stage: str
    ) -> answers.StageTransition:
        """The chance to get from one stage to a later one.

        Raises:
          UnknownStageError: one of them is no stage.
          InputError: `to_stage` does not come after `from_stage`.
        """
        start = stage_place(self._parameters.stages, from_stage, "from_stage")
        place, target = self._places(state, to_stage)
        if target <= start:
            raise InputError(
                "a transition must lead to a later stage.",
                where="to_stage",
                received=f"{from_stage} to {to_stage}",
                remedy="name the earlier stage first.",
            )
        predicted = self.predict_goal_likelihood(state, to_stage)
        probability, notes = predicted.likelihood, list(predicted.notes)
        if start > place and predicted.prediction_method == answers.MODEL:
            before = self.predict_goal_likelihood(state, from_stage).likelihood
            probability = probability / before if before > 0 else 0.0
            notes.append(f"given that {from_stage} is reached, in one horizon of days")
        if start < place:
            notes.append(f"{from_stage} is behind: counted from {state.stage}")
        # Who is to come to a stage ahead has been in it for no time.
        days = state.days_in_stage if start <= place else 0.0
        counted = self._parameters.rates[max(start, place)].counted(target, days)
        return answers.StageTransition(
            state.student_id,
            from_stage,
            to_stage,
            probability,
            self._patterns.transition(from_stage, to_stage).days,
            *(counted if target > place else (0, 0)),
            tuple(notes),
            predicted.prediction_method,
        )

    def recommend_for_goal(
        self, state: GoalState, goal: str, top_k: int
    ) -> tuple[answers.GoalRecommendation, ...]:
        """Open engagements by how much likelier the goal is, were they met next.

        None where the goal is reached or the student has ended.

        Raises:
          UnknownStageError: `goal` is no stage.
          InputError: `top_k` is below 1.
        """
        if top_k < 1:
            raise InputError("k should be a positive integer.", where="top_k", received=str(top_k))
        place, target = self._places(state, goal)
        if target <= place or state.ended or state.heads is None or not state.offers:
            return ()
        heads = [state.heads, *(offer.given for offer in state.offers)]
        reach = self._synthesis.probabilities(head_outputs(state, place, heads))[:, target]
        scores = np.array([offer.ranking_score for offer in state.offers])
        by_response = np.argsort(np.argsort(-scores, kind="stable"), kind="stable") + 1
        order = np.lexsort((by_response, -reach[1:]))[:top_k]
        return tuple(
            answers.GoalRecommendation(
                rank=rank,
                engagement_id=state.offers[number].engagement_id,
                engagement_type=state.offers[number].engagement_type,
                likelihood=float(reach[number + 1]),
                gain=float(reach[number + 1] - reach[0]),
                next_step=state.offers[number].given.likelihood,
                risk=state.offers[number].given.risk,
                place_by_response=int(by_response[number]),
                evidence=self._evidence_for(state.stage, state.offers[number]),
            )
            for rank, number in enumerate(order.tolist(), start=1)
        )

    def analyze_goal_readiness(self, state: GoalState, goal: str) -> answers.GoalReadiness:
        """The prediction, and what the student lacks against those who got there.

        Raises:
          UnknownStageError: `goal` is no stage.
        """
        predicted = self.predict_goal_likelihood(state, goal)
        if predicted.prediction_method == answers.RECORDED:
            word = "reached" if predicted.likelihood else "ended"
            return answers.GoalReadiness(predicted, word, (), None)
        word = _word(predicted.likelihood, READINESS_WORDS)
        nearest = self._similar(state, goal)[:1]
        lacking = barriers(self._parameters, state, goal)
        return answers.GoalReadiness(predicted, word, lacking, nearest[0] if nearest else None)

    def conversion_insights(
        self, state: GoalState, goal: str, top_k: int = 3
    ) -> answers.ConversionInsights:
        """Why, what would raise it, and how students like this one fared.

        Only engagements that raise the likelihood are named.

        Raises:
          UnknownStageError: `goal` is no stage.
        """
        place, target = self._places(state, goal)
        better = [each for each in self.recommend_for_goal(state, goal, top_k) if each.gain > 0]
        rates = self._parameters.rates[place]
        counted = rates.counted(target, state.days_in_stage) if target > place else (0, 0)
        similar = self._similar(state, goal)
        return answers.ConversionInsights(
            readiness=self.analyze_goal_readiness(state, goal),
            improvements=tuple(better),
            cluster=self._cluster(state),
            students_as_long=counted[0],
            reached_as_long=counted[1],
            similar=similar,
            met_by_similar=met_by(similar),
        )

    def _places(self, state: GoalState, goal: str) -> tuple[int, int]:
        stages = self._parameters.stages
        return stage_place(stages, state.stage, "stage"), stage_place(stages, goal, "goal")

    def _similar(self, state: GoalState, goal: str) -> tuple[answers.Journey, ...]:
        place, target = self._places(state, goal)
        if target <= place or state.ended:
            return ()
        return similar_journeys(self._journeys, self._parameters.stages, state, place, target)

    def _cluster(self, state: GoalState) -> str | None:
        if not self._parameters.clusters or not state.embedding:
            return None
        nearest = self._synthesis.clusters.nearest(np.array([state.embedding]))
        return self._parameters.clusters[int(nearest[0])].name

    def _evidence_for(self, stage: str, offer: Offer) -> Effect | None:
        """Of the engagement itself, or else of its type."""
        of_itself = self._effects.get((stage, Subject.ENGAGEMENT, offer.engagement_id))
        return of_itself or self._effects.get((stage, Subject.TYPE, offer.engagement_type))

    def _recorded(
        self, state: GoalState, goal: str, value: float, note: str
    ) -> answers.GoalLikelihood:
        return answers.GoalLikelihood(
            student_id=state.student_id,
            stage=state.stage,
            goal=goal,
            horizon_days=self._parameters.horizon_days,
            likelihood=value,
            lower=value,
            upper=value,
            level=self._parameters.level,
            notes=(note,),
            prediction_method=answers.RECORDED,
        )

    def _reasons(
        self, of_factors: list[float], state: GoalState, heads: Heads, place: int, target: int
    ) -> tuple[answers.Reason, ...]:
        asked = Asked(self._parameters, state, heads, self._cluster(state), place, target)
        found = [
            answers.Reason(factor.value, share, sentence(factor, share, asked))
            for factor, share in zip(self._parameters.factors, of_factors, strict=True)
        ]
        return tuple(sorted(found, key=lambda reason: -abs(reason.log_odds)))

    def _notes(self, place: int, target: int) -> tuple[str, ...]:
        parameters, notes = self._parameters, []
        stages = parameters.stages
        seen = sum(reached[target] for reached in parameters.rates[place].reached)
        if not seen:
            notes.append(
                f"no earlier student was seen to go from {stages[place]} to {stages[target]}: "
                "the interval says that little is known"
            )
        elif parameters.radii[place][target] >= WIDE:
            notes.append("too few students to say how far off the number may be")
        for step in parameters.steps[place:target]:
            if step.pooled:
                notes.append(
                    f"{step.conversions} of {step.students} students were seen to step to "
                    f"{step.to_stage}, too few that did or that did not for weights of its own: "
                    "those of all steps are used"
                )
        return tuple(notes)


def _reached_note(state: GoalState, goal: str) -> str:
    if goal == state.stage:
        return f"{goal} is the stage now: it is reached"
    return f"{goal} is behind: the student is in {state.stage}"


def _word(value: float, words: tuple[tuple[float, str], ...]) -> str:
    return next((word for bound, word in words if value >= bound), words[-1][1])
