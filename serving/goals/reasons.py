"""Sentences for what a goal likelihood is made of; every number in them was counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

from schemas.goal_parameters import Factor, GoalParameters
from schemas.goal_state import GoalState, Heads

NEGLIGIBLE: Final = 0.05
"""Log-odds that a sentence calls no difference."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """A question, with places of the stage now and of the goal."""

    parameters: GoalParameters
    state: GoalState
    heads: Heads
    cluster: str | None
    place: int
    target: int


def sentence(factor: Factor, share: float, asked: Asked) -> str:
    """What a factor says of the student, and whether its share speaks for the goal."""
    told: Mapping[Factor, Callable[[Asked], str]] = {
        Factor.NETWORK: _network,
        Factor.LIKELIHOOD: lambda a: f"a next step of {a.heads.likelihood:.0%}",
        Factor.SAFETY: lambda a: f"a risk of {a.heads.risk:.0%} to be lost or silent",
        Factor.RATE: _rate,
        Factor.RECENCY: _recency,
        Factor.CLUSTER: lambda a: f"alike by history: {a.cluster}",
    }
    return f"{told[factor](asked)}: {direction(share)}"


def direction(log_odds: float) -> str:
    """Whether a share speaks for the goal, against an average student in the stage."""
    if abs(log_odds) < NEGLIGIBLE:
        return "about as usual"
    return "speaks for it" if log_odds > 0 else "speaks against it"


def _network(asked: Asked) -> str:
    goal = asked.parameters.stages[asked.target]
    return f"the whole history, as the network reads it for {goal}"


def _rate(asked: Asked) -> str:
    rates = asked.parameters.rates[asked.place]
    students, reached = rates.counted(asked.target, asked.state.days_in_stage)
    days = f"{asked.state.days_in_stage:.0f} days in {asked.state.stage}"
    if not students:
        return f"{days}, as no earlier student was seen"
    return f"{days}, from where {reached:,} of {students:,} earlier students got there"


def _recency(asked: Asked) -> str:
    days = f"{asked.state.days_since_active:.0f}"
    return f"{days} days without activity" if asked.state.events else f"no event in {days} days"
