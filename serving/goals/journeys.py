"""Students who got there: the nearest to a student by their embeddings."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Final

import numpy as np

from schemas.conversion_patterns import unit_length
from schemas.goal_answers import Journey
from schemas.goal_state import GoalState
from schemas.journeys import Journeys

SIMILAR: Final = 5
"""Students that are told of."""


def similar_journeys(
    journeys: Journeys, stages: Sequence[str], state: GoalState, place: int, target: int
) -> tuple[Journey, ...]:
    """The nearest that reached the goal from the stage now, at most `SIMILAR` of them."""
    fitting = np.flatnonzero((journeys.from_stage == place) & (journeys.reached >= target))
    if not state.embedding or not len(fitting):
        return ()
    own = unit_length(np.array(state.embedding)[None, :])[0]
    cosine = journeys.embedding[fitting] @ own
    nearest = np.argsort(-cosine, kind="stable")[:SIMILAR]
    return tuple(
        Journey(
            similarity=float(cosine[number]),
            reached=stages[journeys.reached[row]],
            days=float(journeys.days[row]),
            types=journeys.types[row],
            engagements=journeys.engagements[row],
        )
        for number, row in zip(nearest.tolist(), fitting[nearest].tolist(), strict=True)
    )


def met_by(journeys: Sequence[Journey]) -> tuple[tuple[str, int], ...]:
    """Types, and how many of the journeys have each, most first."""
    counts = collections.Counter(each for journey in journeys for each in set(journey.types))
    return tuple(sorted(counts.items(), key=lambda counted: (-counted[1], counted[0])))
