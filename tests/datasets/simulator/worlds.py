"""Simulated worlds simple enough for a pencil."""

from __future__ import annotations

import dataclasses

from datasets.simulator.parameters import (
    APPLICATION,
    AWARENESS,
    CONSIDERATION,
    INTEREST,
    STAGES,
    FunnelParameters,
    funnel,
)

NO_EFFECT = (1.0, 1.0, 1.0)
ADVANCE_RATES = {AWARENESS: 0.02, INTEREST: 0.05, CONSIDERATION: 0.01, APPLICATION: 0.04}
LOSS_RATE = 0.003


def memoryless(*, advance: bool = True, visit_rate: float = 0.0) -> FunnelParameters:
    """No contacts but visits; all rates are constant within a stage, for everyone."""
    world = funnel()
    return dataclasses.replace(
        world,
        policy=dataclasses.replace(
            world.policy, daily_rate=dict.fromkeys(STAGES[:-1], 0.0), offered_weeks={}
        ),
        responding=dataclasses.replace(
            world.responding, visit_rate=visit_rate, visit_interest=0.0, visit_silence=0.0
        ),
        hazards=dataclasses.replace(
            world.hazards,
            advance=ADVANCE_RATES if advance else dict.fromkeys(STAGES[:-1], 0.0),
            advance_interest=0.0,
            advance_momentum=NO_EFFECT,
            advance_silence=NO_EFFECT,
            loss=dict.fromkeys(STAGES[:-1], LOSS_RATE),
            loss_interest=0.0,
            loss_silence=NO_EFFECT,
            deadlines={},
        ),
    )
