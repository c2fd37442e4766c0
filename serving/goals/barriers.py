"""What sets a student apart from those who reached a goal from the same stage."""

from __future__ import annotations

from typing import Final

from schemas.goal_answers import Barrier
from schemas.goal_parameters import PROFILE_WORDS, GoalParameters, Profile
from schemas.goal_state import GoalState

SMALLEST_DIFFERENCE: Final = 0.2
"""Standard deviations that those who reached a goal must differ by, to be a barrier."""


def barriers(parameters: GoalParameters, state: GoalState, goal: str) -> tuple[Barrier, ...]:
    """Features in which the student lacks what those who got there had, worst first.

    Lacking is how far the student is from their mean, on the side of the others, in
    standard deviations; it is weighed by how far the two means are apart.
    """
    found: list[tuple[float, Barrier]] = []
    for profile in parameters.profiles:
        if (profile.from_stage, profile.goal) != (state.stage, goal):
            continue
        difference = (profile.mean_reached - profile.mean_others) / profile.deviation
        value = state.features.get(profile.feature)
        if value is None or abs(difference) < SMALLEST_DIFFERENCE:
            continue
        lacking = (profile.mean_reached - value) / profile.deviation
        if lacking * difference > 0:
            found.append((lacking * difference, _barrier(profile, value)))
    found.sort(key=lambda weighed: -weighed[0])
    return tuple(barrier for _, barrier in found)


def _barrier(profile: Profile, value: float) -> Barrier:
    text = (
        f"{value:.1f} {PROFILE_WORDS[profile.feature]}; the {profile.reached:,} who reached "
        f"{profile.goal} from {profile.from_stage} had {profile.mean_reached:.1f}, the "
        f"{profile.others:,} others {profile.mean_others:.1f}"
    )
    return Barrier(
        profile.feature,
        value,
        profile.mean_reached,
        profile.mean_others,
        profile.reached + profile.others,
        text,
    )
