"""Describes training students who reached a goal, against those who did not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from components.goal_calibrator.goal_rows import GoalLabels
from schemas.goal_parameters import PROFILE_FEATURES, Profile


def profiles(labels: GoalLabels, stages: Sequence[str], *, fewest: int) -> tuple[Profile, ...]:
    """The profiles of every pair of stages with enough students.

    Args:
      labels: of training students.
      stages: in order.
      fewest: students that a pair needs on either side.
    """
    pairs = itertools.combinations(range(len(stages)), 2)
    return tuple(
        profile
        for place, goal in pairs
        for profile in _of_pair(labels, stages, place, goal, fewest)
    )


def _of_pair(
    labels: GoalLabels, stages: Sequence[str], place: int, goal: int, fewest: int
) -> Iterator[Profile]:
    here = labels.take((labels.stage == place) & labels.known[:, goal])
    there = here.reached[:, goal] > 0
    reached, others = (len(np.unique(here.students[side])) for side in (there, ~there))
    if min(reached, others) < fewest:
        return
    for column, feature in enumerate(PROFILE_FEATURES):
        values = here.features[:, column]
        deviation = float(values.std())
        if deviation > 0:
            yield Profile(
                from_stage=stages[place],
                goal=stages[goal],
                feature=feature,
                reached=reached,
                others=others,
                mean_reached=float(values[there].mean()),
                mean_others=float(values[~there].mean()),
                deviation=deviation,
            )
