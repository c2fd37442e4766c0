"""Exact probabilities of the funnel's future, by backward recursion over days.

Let V_n(x) be the value of a functional with n days to go in state x. V_0 is 1 or 0, and
V_{n+1}(x) is the mean of V_n over one day of the chain. The functionals are those of
docs/architecture.md:

- advance: 1 as soon as the stage is left upwards; the likelihood.
- reach(k): 1 as soon as a stage >= k is reached; the goal probabilities.
- kept: not lost, an active response having been seen; open: not lost, and an active
  response still to come. An active response leads from open to kept, and
  risk = 1 - open. Who has enrolled cannot be lost, and does not respond any more.
"""

from __future__ import annotations

import dataclasses
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from datasets.simulator.day_blocks import LEVELS, NO_CONTACT, Day, DayBlocks, build_day
from datasets.simulator.model import (
    FATIGUE_LEVELS,
    OPEN_STAGES,
    DayKind,
    Floats,
    FunnelModel,
)
from datasets.simulator.parameters import DAYS_A_WEEK, STAGES, WEEKS_A_YEAR
from schemas.config import HorizonsConfig

Ints = npt.NDArray[np.int64]

NOTHING: Final = "nothing"  # as a first contact: none comes

# Likelihood [C, X], risk [C, X] and goal [C, X, stages] over the flat states X.
_Table: TypeAlias = tuple[Floats, Floats, Floats]
# Stages k >= 1: stage 0 is reached by everyone.
_TARGETS = len(STAGES) - 1


@dataclasses.dataclass(frozen=True)
class TrueProbabilities:
    """Per student: likelihood [n], risk [n], goal [n, stages]."""

    likelihood: Floats
    risk: Floats
    goal: Floats


class Truth:
    """True probabilities on Mondays at 00:00, for every class and state.

    Args:
      model: the law.
      horizons: in days.
    """

    def __init__(self, model: FunnelModel, horizons: HorizonsConfig) -> None:
        self._model = model
        self._horizons = horizons
        self._tables: dict[tuple[int, int | None], _Table] = {}
        self._steps: dict[DayKind, _Step] = {}

    def probabilities(
        self, week: int, classes: Ints, states: Ints, *, first_contact: str | None = None
    ) -> TrueProbabilities:
        """What holds at the start of `week` for students in given classes and states.

        Args:
          week: since the start of the simulation.
          classes: [n], trait classes.
          states: [n], flat index into `STATE_SHAPE`.
          first_contact: type of a contact that reaches the student on the Monday for
            certain, in place of what the policy would send that day; `NOTHING` for none.

        Raises:
          InputError: `first_contact` is no type of the model.
        """
        key = (week % WEEKS_A_YEAR, self._forced(first_contact))
        if key not in self._tables:
            self._tables[key] = self._table(*key)
        likelihood, risk, goal = self._tables[key]
        return TrueProbabilities(
            likelihood[classes, states], risk[classes, states], goal[classes, states]
        )

    def _forced(self, first_contact: str | None) -> int | None:
        if first_contact is None:
            return None
        return NO_CONTACT if first_contact == NOTHING else self._model.type_index(first_contact)

    def _table(self, week: int, forced: int | None) -> _Table:
        classes = self._model.classes
        likelihood = self._advance(week, self._horizons.likelihood_days, forced)
        likelihood = likelihood.reshape(classes, -1)
        risk = 1.0 - self._open(week, self._horizons.risk_days, forced).reshape(classes, -1)
        far = self._reach(week, self._horizons.goal_days, forced)
        goal = np.ones((classes, OPEN_STAGES * LEVELS, len(STAGES)))
        goal[..., 1:] = far.reshape(classes, -1, _TARGETS)
        return likelihood, risk, goal

    def _advance(self, week: int, days: int, forced: int | None) -> Floats:
        """[C, S, LEVELS], the probability of moving on."""
        value = np.zeros((self._model.classes, OPEN_STAGES, LEVELS, 1))
        for day in reversed(range(days)):
            step = self._day(week, day, forced).any_response
            value = step.within @ value + step.upwards.sum(axis=-1, keepdims=True)
        return value[..., 0]

    def _reach(self, week: int, days: int, forced: int | None) -> Floats:
        """[C, S, LEVELS, targets]; 1 where the stage is at or past the target."""
        classes = self._model.classes
        value = _fix_reached(np.zeros((classes, OPEN_STAGES, LEVELS, _TARGETS)))
        enrolled = np.ones((classes, 1, FATIGUE_LEVELS, _TARGETS))
        for day in reversed(range(days)):
            step = self._day(week, day, forced)
            value = _fix_reached(_mean(step.any_response, value, enrolled))
        return value

    def _open(self, week: int, days: int, forced: int | None) -> Floats:
        """[C, S, LEVELS], the probability of an active response and no loss."""
        classes = self._model.classes
        kept = np.ones((classes, OPEN_STAGES, LEVELS, 1))
        enrolled = np.ones((classes, 1, FATIGUE_LEVELS, 1))
        still_open = np.zeros_like(kept)
        for day in reversed(range(days)):
            step = self._day(week, day, forced)
            still_open = _mean(step.day.quiet, still_open, np.zeros_like(enrolled)) + _mean(
                step.day.active, kept, enrolled
            )
            kept = _mean(step.any_response, kept, enrolled)
        return still_open[..., 0]

    def _day(self, week: int, day: int, forced: int | None) -> _Step:
        kind = self._model.day_kind(week * DAYS_A_WEEK + day)
        if forced is not None and day == 0:
            return _step(self._model, kind, forced)
        if kind not in self._steps:
            self._steps[kind] = _step(self._model, kind, None)
        return self._steps[kind]


@dataclasses.dataclass(frozen=True)
class _Step:
    day: Day
    any_response: DayBlocks


def _step(model: FunnelModel, kind: DayKind, forced: int | None) -> _Step:
    day = build_day(model, kind, forced)
    return _Step(day, day.quiet + day.active)


def _fix_reached(value: Floats) -> Floats:
    """Sets [C, S, LEVELS, targets] to 1 where stage S is at or past target (0: stage 1)."""
    for stage in range(1, OPEN_STAGES):
        value[:, stage, :, :stage] = 1.0
    return value


def _mean(blocks: DayBlocks, value: Floats, enrolled: Floats) -> Floats:
    """The value a day earlier.

    Args:
      blocks: the day's transitions.
      value: [C, S, LEVELS, V], a day later; being lost is worth 0.
      enrolled: [C, 1, F, V], the value once enrolled.

    Returns:
      [C, S, LEVELS, V].
    """
    # The first levels of a stage are those without momentum and silence.
    entered = np.concatenate([value[:, 1:, :FATIGUE_LEVELS], enrolled], axis=1)
    earlier: Floats = blocks.within @ value + blocks.upwards @ entered
    return earlier
