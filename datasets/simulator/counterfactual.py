"""What would have happened: the true chances of a simulated student, given a contact.

The chances are exact, by the recursion of `Truth` from the hidden class and state that
`truth.parquet` has of every Monday, so that no random number is drawn: with and without
the contact they are of the same student, on the same day, under the same later policy.

A contact is of a type. Which item of the type it is about is drawn in the simulated
world given the answer, and acts on nothing: every item of a type has the same effect.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl

from datasets.simulator import parameters
from datasets.simulator.model import Floats, FunnelModel
from datasets.simulator.parameters import DAYS_A_WEEK, STAGES
from datasets.simulator.planted import PLANTED_FILE
from datasets.simulator.tables import STATE, TRAIT_CLASS
from datasets.simulator.truth import NOTHING, TrueProbabilities, Truth
from schemas import names
from schemas.config import HorizonsConfig
from schemas.errors import InputError


class Counterfactual:
    """Chances of snapshots, given what comes on their first day.

    Args:
      model: the law.
      horizons: in days.
      start: first day of the simulation.
    """

    def __init__(self, model: FunnelModel, horizons: HorizonsConfig, start: dt.date) -> None:
        self._model = model
        self._truth = Truth(model, horizons)
        self._start = dt.datetime.combine(start, dt.time(), tzinfo=dt.timezone.utc)

    @classmethod
    def of_folder(cls, folder: Path) -> Counterfactual:
        """Of the world of a simulated data folder, by its `truth.json`.

        Raises:
          InputError: there is no `truth.json`, or one of before it named its start.
        """
        path = folder / PLANTED_FILE
        try:
            planted = json.loads(path.read_text(encoding="utf-8"))
            start = dt.date.fromisoformat(planted["start"])
        except (OSError, KeyError) as error:
            raise InputError(
                f"a simulated data folder must have a {PLANTED_FILE} that says its start.",
                where=str(path),
                received=repr(error),
                remedy="write the folder again with `goalpath simulate`.",
            ) from error
        model = FunnelModel(parameters.profile(planted["profile"]))
        return cls(model, HorizonsConfig(**planted["horizons_days"]), start)

    @property
    def contacts(self) -> tuple[str, ...]:
        """What can be given: `NOTHING` and every engagement type."""
        return (NOTHING, *self._model.type_names)

    def probabilities(
        self, snapshots: pl.DataFrame, first_contact: str | None = None
    ) -> TrueProbabilities:
        """Likelihood, risk and goals, given what comes on the first day.

        Args:
          snapshots: `n` rows of `truth.parquet`: of its columns, `snapshot_time`,
            `trait_class` and `state` are read.
          first_contact: a type, `NOTHING`, or None for what the policy would send.

        Returns:
          In the order of the rows.

        Raises:
          InputError: `first_contact` is no type of the world.
        """
        week = self._weeks(snapshots)
        trait_class = snapshots[TRAIT_CLASS].cast(pl.Int64).to_numpy()
        state = snapshots[STATE].cast(pl.Int64).to_numpy()
        found = TrueProbabilities(
            np.zeros(len(week)), np.zeros(len(week)), np.zeros((len(week), len(STAGES)))
        )
        for number in np.unique(week):
            rows = np.flatnonzero(week == number)
            true = self._truth.probabilities(
                int(number), trait_class[rows], state[rows], first_contact=first_contact
            )
            found.likelihood[rows], found.risk[rows] = true.likelihood, true.risk
            found.goal[rows] = true.goal
        return found

    def gains(self, snapshots: pl.DataFrame, goal: str) -> Floats:
        """How much each contact changes the chance of a goal, against none that day.

        Args:
          snapshots: as in `probabilities`, `n` rows.
          goal: a stage.

        Returns:
          `[n, len(contacts)]`, differences of probabilities; 0 for `NOTHING`.

        Raises:
          InputError: `goal` is no stage.
        """
        if goal not in STAGES:
            raise InputError(
                "a goal must be a stage of the simulated world.",
                where="goal",
                received=repr(goal),
                remedy=f"use one of {', '.join(STAGES)}.",
            )
        place = STAGES.index(goal)
        chances = [self.probabilities(snapshots, given).goal[:, place] for given in self.contacts]
        gains: Floats = np.stack(chances, axis=1) - chances[0][:, None]
        return gains

    def _weeks(self, snapshots: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        passed = snapshots[names.SNAPSHOT_TIME] - self._start
        weeks: pl.Series = (passed.dt.total_days() // DAYS_A_WEEK).cast(pl.Int64)
        return weeks.to_numpy()
