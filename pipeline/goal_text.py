"""Goal answers as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from schemas.conversion_patterns import Effect, Finding, Subject
from schemas.goal_answers import (
    RECORDED,
    ConversionInsights,
    GoalLikelihood,
    GoalRecommendation,
    Journey,
)

_FINDINGS = {
    Finding.EFFECTIVE: "more went on after it",
    Finding.LESS_EFFECTIVE: "fewer went on after it",
    Finding.NO_EVIDENCE: "no evidence either way",
    Finding.SELF_CHOSEN: "chosen by students themselves: nothing is claimed",
}


def insight_lines(insights: ConversionInsights) -> Iterator[str]:
    """The prediction with reasons, what stands in the way and what would raise it."""
    readiness = insights.readiness
    told = readiness.prediction
    yield from likelihood_lines(told)
    if told.prediction_method == RECORDED:
        return
    base = 1.0 / (1.0 + float(np.exp(-told.base_log_odds)))
    yield f"  {readiness.readiness}; an average student in {told.stage}: {base:.1%}"
    if insights.students_as_long:
        yield (
            f"  {insights.reached_as_long:,} of {insights.students_as_long:,} earlier students "
            f"as long in {told.stage} got there"
        )
    yield "  because (log-odds against the average)"
    yield from (f"    {reason.log_odds:+.2f}  {reason.text}" for reason in told.reasons)
    if readiness.barriers:
        yield "  what sets the student apart from those who got there"
        yield from (f"    {barrier.text}" for barrier in readiness.barriers)
    if insights.improvements:
        yield "  what goes with a higher likelihood, were it next"
        for each in insights.improvements:
            yield from recommendation_lines_of(each)
    yield from _similar_lines(insights)


def likelihood_lines(told: GoalLikelihood) -> Iterator[str]:
    """The number, its interval and notes."""
    what = f"reach {told.goal} within {told.horizon_days} days"
    if told.prediction_method == RECORDED:
        yield f"  {what:<40}{told.likelihood:6.1%}  (recorded, not predicted)"
    else:
        yield (
            f"  {what:<40}{told.likelihood:6.1%}  ({told.level:.0%} interval {told.lower:.1%} to "
            f"{told.upper:.1%}, confidence {told.confidence_word})"
        )
    yield from (f"  note: {note}" for note in told.notes)


def recommendation_lines(goal: str, ranked: Sequence[GoalRecommendation]) -> Iterator[str]:
    """The list for a goal."""
    if not ranked:
        yield f"  nothing to offer for {goal}: it is reached, the student has ended, or no"
        yield "  engagement is open"
    for each in ranked:
        yield from recommendation_lines_of(each)


def recommendation_lines_of(each: GoalRecommendation) -> Iterator[str]:
    """One engagement, and what is known of it."""
    yield (
        f"  {each.rank:3d}  {each.engagement_id:<16} {each.engagement_type:<20}"
        f" {each.likelihood:6.1%}  {100 * each.gain:+5.1f} points"
    )
    if each.evidence is not None:
        yield f"       {effect_text(each.evidence)}"


def effect_text(effect: Effect) -> str:
    """What earlier students did after meeting it, counted."""
    what = effect.name if effect.subject is Subject.ENGAGEMENT else f"any {effect.name}"
    counted = f"{effect.met_moved_on:,} of {effect.met:,} went on from {effect.from_stage}"
    finding = _FINDINGS[effect.finding]
    if effect.lift is None or effect.finding is Finding.SELF_CHOSEN:
        return f"after {what}, {counted}: {finding}"
    interval = f"{effect.lower:.2f} to {effect.upper:.2f}"
    return f"after {what}, {counted}, {effect.lift:.2f} times as many ({interval}): {finding}"


def _similar_lines(insights: ConversionInsights) -> Iterator[str]:
    if not insights.similar:
        return
    goal = insights.readiness.prediction.goal
    yield f"  the {len(insights.similar)} most alike by history who reached {goal}"
    yield f"    nearest: {_journey(insights.similar[0])}"
    if insights.met_by_similar:
        met = ", ".join(f"{name} ({count})" for name, count in insights.met_by_similar[:6])
        yield f"    met on the way by how many of them: {met}"


def _journey(journey: Journey) -> str:
    path = " > ".join(journey.types) or "nothing that several students met"
    return f"{journey.reached} after {journey.days:.0f} days, by {path}"
