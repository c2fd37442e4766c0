"""`truth.json`: what was planted in a simulated world, for those who look for it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import Final

from datasets.simulator.model import STATE_SHAPE, FunnelModel
from datasets.simulator.parameters import STAGES, FunnelParameters
from schemas.config import HorizonsConfig

PLANTED_FILE: Final = "truth.json"
_STRENGTHS: Final = ("none", "moderate", "strong")


def write_planted(
    folder: Path,
    model: FunnelModel,
    horizons: HorizonsConfig,
    *,
    seed: int,
    profile: str,
    start: dt.date,
) -> None:
    """Writes effective and useless types per transition, and the whole world.

    Args:
      folder: the data folder.
      model: the law.
      horizons: of the probabilities in `truth.parquet`.
      seed: of the simulation.
      profile: name of the world.
      start: first day of the simulation.
    """
    content = {
        "profile": profile,
        "seed": seed,
        "start": start.isoformat(),
        "horizons_days": horizons.model_dump(),
        "transitions": [_transition(model.parameters, stage) for stage in range(len(STAGES) - 1)],
        "advance_rate_factor_by_momentum": list(model.parameters.hazards.advance_momentum),
        "momentum_decay_per_day": model.parameters.hazards.momentum_decay,
        "trait_class_axes": dict(
            zip(("interest", "preference", "susceptibility"), model.class_shape, strict=True)
        ),
        "state_axes": dict(
            zip(("stage", "momentum", "silence", "fatigue"), STATE_SHAPE, strict=True)
        ),
        "world": dataclasses.asdict(model.parameters),
    }
    (folder / PLANTED_FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _transition(parameters: FunnelParameters, stage: int) -> dict[str, object]:
    strength = {kind.name: 0 for kind in parameters.types}
    for effect in parameters.effects:
        if effect.stage == STAGES[stage]:
            strength[effect.contact_type] = effect.strength
    return {
        "from": STAGES[stage],
        "to": STAGES[stage + 1],
        "effective": [
            {
                "engagement_type": name,
                "strength": _STRENGTHS[level],
                "advance_rate_factor": parameters.hazards.advance_momentum[level],
            }
            for name, level in strength.items()
            if level
        ],
        "useless": [name for name, level in strength.items() if not level],
    }
