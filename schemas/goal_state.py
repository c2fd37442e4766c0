"""What is known of a student when a goal is asked about."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Heads:
    """What the model says, with no engagement given or with one.

    Attributes:
      likelihood: of a next step, in [0, 1].
      risk: of being lost or silent, in [0, 1].
      network: of the goal head, by stage.
    """

    likelihood: float
    risk: float
    network: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Offer:
    """An engagement that is open to the student, and the heads were it met next."""

    engagement_id: str
    engagement_type: str
    ranking_score: float
    given: Heads


@dataclasses.dataclass(frozen=True)
class GoalState:
    """A student at one time.

    Attributes:
      student_id: who.
      stage: now.
      heads: with no engagement given; None where the student has ended.
      embedding: of the student, of width D; () where the student has ended.
      ended: lost, at the last stage, or in a closed cohort: what comes is decided.
      days_in_stage: since the stage began.
      days_since_active: since the last active event, or since entry where there is none.
      events: ever met.
      features: numbers of the state, by the names of `schemas.names`.
      offers: open to the student now; empty where they are not asked about.
    """

    student_id: str
    stage: str
    heads: Heads | None
    embedding: tuple[float, ...]
    ended: bool
    days_in_stage: float
    days_since_active: float
    events: int
    features: Mapping[str, float] = dataclasses.field(default_factory=dict)
    offers: tuple[Offer, ...] = ()
