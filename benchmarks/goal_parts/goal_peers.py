"""What goal likelihoods are compared with."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.goal_parts.goal_snapshots import GoalPairs
from benchmarks.quality_parts.feature_table import FeatureTable
from benchmarks.quality_parts.labelled_rows import LabelledRows

Floats = npt.NDArray[np.float64]

# Of the earlier system: what its second formula takes as known of its own four steps.
EARLIER_STEPS: Final = {
    ("Awareness", "Interest"): 0.45,
    ("Interest", "Consideration"): 0.35,
    ("Consideration", "Application"): 0.25,
    ("Application", "Enrollment"): 0.60,
}
_NEAR: Final = {1: 0.85, 2: 0.65}


def distance_penalty(base: Floats, pairs: GoalPairs) -> Floats:
    """The next-step score times max(.3, 1 - .1 d), d stages ahead.

    Args:
      base: of the likelihood head, a snapshot each.
      pairs: with every goal ahead.
    """
    distance = pairs.goal - pairs.stage
    found: Floats = np.clip(base[pairs.snapshot] * np.maximum(0.3, 1 - 0.1 * distance), 0, 1)
    return found


def later_formula(base: Floats, pairs: GoalPairs, stages: tuple[str, ...]) -> Floats:
    """.45 base + .35 trans + .20 f, with the constants of the earlier system."""
    distance = pairs.goal - pairs.stage
    trans = np.maximum(0.1, 0.4 - 0.08 * distance)
    names = np.array(stages, object)
    for (before, after), value in EARLIER_STEPS.items():
        trans[(names[pairs.stage] == before) & (names[pairs.goal] == after)] = value
    near = np.maximum(0.2, 0.65 * 0.7 ** (distance - 2.0))
    for steps, value in _NEAR.items():
        near[distance == steps] = value
    found: Floats = np.clip(0.45 * base[pairs.snapshot] + 0.35 * trans + 0.20 * near, 0, 1)
    return found


def pair_frequency(train: GoalPairs, asked: GoalPairs) -> Floats:
    """Share of training pairs of the same stage and goal that reached, add-one smoothed."""
    size = int(max(train.goal.max(initial=0), asked.goal.max(initial=0))) + 1
    cell = train.stage * size + train.goal
    counts = np.bincount(cell, minlength=size * size)
    reached = np.bincount(cell, weights=train.reached, minlength=size * size)
    found: Floats = ((reached + 1) / (counts + 2))[asked.stage * size + asked.goal]
    return found


def with_goal(features: FeatureTable, pairs: GoalPairs, goals: int) -> LabelledRows:
    """Hand-made features of the snapshot, the goal and its distance: one row a pair."""
    asked = FeatureTable(
        {"goal_distance": (pairs.goal - pairs.stage).astype(np.float32)},
        {"goal": pairs.goal},
        {"goal": goals},
    )
    return LabelledRows(features.take(pairs.snapshot).beside(asked), pairs.reached)
