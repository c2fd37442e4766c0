"""From counts of transitions to chances with intervals and typical times."""

from __future__ import annotations

from collections.abc import Sequence

from components.conversion_patterns.competing_risks import (
    CENSORED,
    OTHER,
    REACHED,
    Counts,
    Incidence,
    cumulative_incidence,
    interval,
    quantile_days,
)
from components.conversion_patterns.standardised import standardised_incidence
from components.conversion_patterns.transition_counts import TransitionCounts, stage_pairs
from schemas.conversion_patterns import (
    NOTHING_KNOWN,
    Chance,
    ChanceFromNowOn,
    Transition,
    TypicalDays,
)


def describe_transitions(
    found: TransitionCounts, stages: Sequence[str], days_in_stage: Sequence[int], *, level: float
) -> tuple[Transition, ...]:
    """Every pair of stages.

    Args:
      found: of all partitions.
      stages: names, `K`.
      days_in_stage: as in `count_transitions`.
      level: of the intervals.
    """
    return tuple(
        _transition(stages[origin], stages[target], counts, days_in_stage, level)
        for (origin, target), counts in zip(stage_pairs(len(stages)), found.counts, strict=True)
    )


def _transition(
    origin: str, target: str, counts: Counts, days_in_stage: Sequence[int], level: float
) -> Transition:
    incidences = [standardised_incidence(each) for each in counts]
    chances = [chance_within(each, level) for each in incidences]
    overall = counts.sum(axis=1)
    from_now_on = tuple(
        ChanceFromNowOn(
            days_in_stage=days,
            students=int(own.sum()),
            reached=int(own[:, REACHED].sum()),
            chance=chance,
        )
        for days, own, chance in zip(days_in_stage, overall, chances, strict=True)
    )
    entered = overall[0]
    return Transition(
        from_stage=origin,
        to_stage=target,
        observed=bool(entered.sum()),
        entered=int(entered.sum()),
        reached=int(entered[:, REACHED].sum()),
        lost=int(entered[:, OTHER].sum()),
        censored=int(entered[:-1, CENSORED].sum()),
        chance=chances[0],
        days=_typical_days(incidences[0]),
        from_now_on=from_now_on,
    )


def chance_of(counts: Counts, level: float) -> Chance:
    """The chance within the horizon of the counts `[H + 1, 3]`; see `chance_within`."""
    return chance_within(cumulative_incidence(counts), level)


def chance_within(found: Incidence, level: float) -> Chance:
    """The chance within the horizon.

    Where nobody is observed to the end of the horizon, the chance is not known; it lies
    between what was seen, and that with all who were left reaching too.

    Args:
      found: without leading axes.
      level: of the interval.
    """
    if not found.resolved and not found.complete:
        return NOTHING_KNOWN
    probability = min(max(float(found.curve[-1]), 0.0), 1.0)
    lower, upper = interval(found.curve[-1], found.variance, found.resolved, level)
    if bool(found.complete):
        return Chance(probability=probability, lower=float(lower), upper=float(upper))
    highest = min(float(upper) + float(found.free), 1.0)
    return Chance(probability=None, lower=float(lower), upper=highest)


def _typical_days(found: Incidence) -> TypicalDays | None:
    lower, median, upper = (quantile_days(found.curve, share) for share in (0.25, 0.5, 0.75))
    if lower is None or median is None or upper is None:
        return None
    return TypicalDays(lower_quartile=lower, median=median, upper_quartile=upper)
