"""Places of stages, and states as the synthesis reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from schemas.errors import UnknownStageError
from schemas.goal_state import GoalState, Heads
from serving.goals.synthesis import HeadOutputs


def stage_place(stages: Sequence[str], stage: str, where: str) -> int:
    """Place of a stage in the funnel.

    Raises:
      UnknownStageError: there is no such stage; the message names them all.
    """
    if stage not in stages:
        raise UnknownStageError(
            "a goal must be one of the stages of the model version.",
            where=where,
            received=repr(stage),
            remedy=f"use one of {', '.join(stages)}.",
        )
    return list(stages).index(stage)


def head_outputs(state: GoalState, place: int, heads: Sequence[Heads]) -> HeadOutputs:
    """The state with each of `n` heads' answers, for the synthesis."""
    count = len(heads)
    return HeadOutputs(
        stage=np.full(count, place, np.int64),
        likelihood=np.array([each.likelihood for each in heads]),
        risk=np.array([each.risk for each in heads]),
        network=np.array([each.network for each in heads]),
        days_in_stage=np.full(count, state.days_in_stage),
        days_since_active=np.full(count, state.days_since_active),
        embedding=np.broadcast_to(np.array(state.embedding), (count, len(state.embedding))),
    )
