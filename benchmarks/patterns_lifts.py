"""How much more the simulated students move on who are offered a type than others are.

The chances are exact, of the hidden states of simulated students, so that a lift tells how
hard a planted type is to find: being offered is not answering, and most offers are not
answered.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from datasets.simulator import parameters
from datasets.simulator.counterfactual import Counterfactual
from datasets.simulator.parameters import STAGES
from datasets.simulator.simulate import simulate
from schemas import names

STUDENTS: Final = 2_000
SNAPSHOT_WEEKS: Final = (10, 15, 20, 25)  # of the simulation; each asks for a table of its own


def true_lifts(profile: str, seed: int) -> dict[str, Mapping[str, float]]:
    """Stage -> type -> ratio of chances to move on within the likelihood horizon.

    The other offer is what the policy sends in that stage, without the type itself.

    Args:
      profile: name of the world.
      seed: of the students whose states are averaged over.
    """
    with tempfile.TemporaryDirectory(prefix="goalpath-lifts-") as scratch:
        data = Path(scratch) / "data"
        simulate(data, students=STUDENTS, seed=seed, profile=profile)
        truth = pl.read_parquet(data / names.TRUTH_FILE)
        mondays = sorted(truth[names.SNAPSHOT_TIME].unique())
        chosen = [mondays[week] for week in SNAPSHOT_WEEKS]
        rows = truth.filter(pl.col(names.SNAPSHOT_TIME).is_in(chosen))
        world = Counterfactual.of_folder(data)
        chances = {kind: world.probabilities(rows, kind).likelihood for kind in world.contacts}
    stage = rows[names.STAGE].to_numpy()
    policy = parameters.profile(profile).policy
    return {
        name: _lifts(
            {kind: float(np.mean(chance[stage == name])) for kind, chance in chances.items()},
            policy.mix[name],
        )
        for name in STAGES[:-1]
    }


def _lifts(mean: Mapping[str, float], mix: Mapping[str, float]) -> dict[str, float]:
    found = {}
    for kind in mix:
        others = {other: share for other, share in mix.items() if other != kind}
        expected = sum(share * mean[other] for other, share in others.items())
        found[kind] = mean[kind] / (expected / sum(others.values()))
    return found
