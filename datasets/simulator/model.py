"""The law of the simulated funnel: a Markov chain with one step a day.

A student belongs to a trait class c = (interest q, preference p, susceptibility z) for
good, and is in a state (stage s, momentum m, silence u, fatigue f), or enrolled, or
lost. A day goes like this:

1. A contact of type k comes with probability `contact(day)[c, s, u, k]`.
   The student unsubscribes (and is lost) with `unsubscribe[c, f, k]`, responds actively
   with `active[c, u, f, k]`, or neither. Fatigue rises by a level with
   `fatigue_rise[c, k]`. An active response ends silence (u = 0) and lifts momentum to
   level l or leaves it higher, with `lift[k, s, l]`.
2. At night the student is lost with `loss[c, s, u]`, else moves on one stage with
   `advance(day)[c, s, m, u]`, which sets m = u = 0.
3. Otherwise levels drift: momentum falls, silence rises (without an active response
   that day), fatigue falls (without a contact that day), each by one at most.

Days differ by the season, so by a `DayKind`. Simulation and true probabilities read the
same arrays.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.simulator.parameters import (
    DAYS_A_WEEK,
    STAGES,
    WEEKS_A_YEAR,
    FunnelParameters,
)
from schemas.errors import InputError

Floats = npt.NDArray[np.float64]

MOMENTUM_LEVELS: Final = 3
SILENCE_LEVELS: Final = 3
FATIGUE_LEVELS: Final = 3
OPEN_STAGES: Final = len(STAGES) - 1  # those that can be left
STATE_SHAPE: Final = (OPEN_STAGES, MOMENTUM_LEVELS, SILENCE_LEVELS, FATIGUE_LEVELS)

_SILENCE = np.arange(SILENCE_LEVELS, dtype=np.float64)
_FATIGUE = np.arange(FATIGUE_LEVELS, dtype=np.float64)


class DayKind(NamedTuple):
    """What sets one day apart from another.

    Attributes:
      sending: factor on the policy's daily rate.
      offered: by contact type, whether it exists.
      season: by open stage, factor on the rate of moving on.
    """

    sending: float
    offered: tuple[bool, ...]
    season: tuple[float, ...]


class FunnelModel:
    """Probabilities of the chain, from `parameters`.

    Axes are named in the module's docstring; class axes run over
    `interest x preference x susceptibility` in C order.

    Attributes:
      parameters: the world.
      active: [C, U, F, K], active response given a contact.
      unsubscribe: [C, F, K], unsubscribing given a contact.
      fatigue_rise: [C, K], fatigue rising given a contact.
      lift: [K, S, M], momentum level an active response lifts to; sums to 1 over M.
      loss: [C, S, U], loss in a night.
    """

    def __init__(self, parameters: FunnelParameters) -> None:
        self.parameters = parameters
        traits = parameters.traits
        grid = np.indices(self.class_shape).reshape(3, -1)
        self._interest = np.asarray(traits.interest)[grid[0]]
        self._preference = grid[1]
        self._susceptibility = np.asarray(traits.susceptibility)[grid[2]]
        self.unsubscribe = self._unsubscribe()
        self.active = self._active()
        self.fatigue_rise = self._fatigue_rise()
        self.lift = self._lift()
        self.loss = self._loss()
        self._contact: dict[DayKind, Floats] = {}
        self._advance: dict[DayKind, Floats] = {}

    @property
    def class_shape(self) -> tuple[int, int, int]:
        """Numbers of interest levels, preference groups and susceptibilities."""
        traits = self.parameters.traits
        return len(traits.interest), len(traits.preferences), len(traits.susceptibility)

    @property
    def classes(self) -> int:
        """Number of trait classes, `C`."""
        return int(np.prod(self.class_shape))

    @property
    def type_names(self) -> tuple[str, ...]:
        """Names of the contact types, in the order of axis `K`."""
        return tuple(kind.name for kind in self.parameters.types)

    def type_index(self, name: str) -> int:
        """Place of a contact type on axis `K`.

        Raises:
          InputError: there is no such type.
        """
        if name not in self.type_names:
            raise InputError(
                "a contact type must be one of the simulated world.",
                where="contact type",
                received=repr(name),
                remedy=f"use one of {', '.join(self.type_names)}.",
            )
        return self.type_names.index(name)

    def day_kind(self, day: int) -> DayKind:
        """The kind of a day, counted from the Monday on which the simulation starts."""
        week = (day // DAYS_A_WEEK) % WEEKS_A_YEAR
        policy = self.parameters.policy
        return DayKind(
            policy.weekday_factor[day % DAYS_A_WEEK],
            tuple(_is_offered(policy.offered_weeks.get(name), week) for name in self.type_names),
            self._season(week),
        )

    def contact(self, kind: DayKind) -> Floats:
        """Probability of a contact by type, [C, S, U, K]; sums to less than 1 over K."""
        if kind not in self._contact:
            self._contact[kind] = self._contact_on(kind)
        return self._contact[kind]

    def advance(self, kind: DayKind) -> Floats:
        """Probability of moving on in a night, [C, S, M, U]."""
        if kind not in self._advance:
            self._advance[kind] = self._advance_on(kind)
        return self._advance[kind]

    def lift_level(self, contact_type: str, stage: int, response: str) -> int:
        """Momentum level that an active response to a type lifts to in a stage."""
        kind = self.parameters.types[self.type_index(contact_type)]
        for effect in self.parameters.effects:
            if (effect.contact_type, effect.stage) == (contact_type, STAGES[stage]):
                return max(effect.strength - (response in kind.weak_responses), 0)
        return 0

    def _contact_on(self, kind: DayKind) -> Floats:
        types = self.parameters.types
        sent = kind.sending * self._sent(kind.offered)
        shape = (self.classes, OPEN_STAGES, SILENCE_LEVELS, len(types))
        probability: Floats = np.broadcast_to(sent[None, :, None, :], shape).copy()
        own = [index for index, contact in enumerate(types) if contact.student_initiated]
        probability[..., own] = self._visits()[:, None, :, None] / max(len(own), 1)
        return probability

    def _advance_on(self, kind: DayKind) -> Floats:
        hazards = self.parameters.hazards
        base = np.array([hazards.advance[stage] for stage in STAGES[:-1]])
        return _chance(
            np.exp(hazards.advance_interest * self._interest)[:, None, None, None]
            * (base * kind.season)[None, :, None, None]
            * np.asarray(hazards.advance_momentum)[None, None, :, None]
            * np.asarray(hazards.advance_silence)[None, None, None, :]
        )

    def _sent(self, offered: tuple[bool, ...]) -> Floats:
        """Probability that a type is sent on a working day, [S, K]."""
        policy = self.parameters.policy
        mix = np.array(
            [
                [policy.mix[stage].get(name, 0.0) for name in self.type_names]
                for stage in STAGES[:-1]
            ]
        )
        mix *= offered
        rates = np.array([policy.daily_rate[stage] for stage in STAGES[:-1]])
        sent: Floats = rates[:, None] * mix / mix.sum(axis=1, keepdims=True)
        return sent

    def _visits(self) -> Floats:
        responding = self.parameters.responding
        log_factor = (
            responding.visit_interest * self._interest[:, None]
            + responding.visit_silence * _SILENCE[None, :]
        )
        return _chance(responding.visit_rate * np.exp(log_factor))

    def _season(self, week: int) -> tuple[float, ...]:
        hazards = self.parameters.hazards
        factor = [1.0] * OPEN_STAGES
        for stage, deadlines in hazards.deadlines.items():
            for deadline in deadlines:
                if 1 <= (deadline - week) % WEEKS_A_YEAR <= hazards.rush_weeks:
                    factor[STAGES.index(stage)] = hazards.before_deadline
                elif (week - deadline) % WEEKS_A_YEAR < hazards.lull_weeks:
                    factor[STAGES.index(stage)] = hazards.after_deadline
        return tuple(factor)

    def _affinity(self) -> Floats:
        responding = self.parameters.responding
        groups = list(self.parameters.traits.preferences.values())
        return np.array(
            [
                [
                    responding.preferred if kind.name in groups[group] else responding.other
                    for kind in self.parameters.types
                ]
                for group in self._preference
            ]
        )

    def _active(self) -> Floats:
        responding = self.parameters.responding
        types = self.parameters.types
        base = np.array([kind.responsiveness for kind in types])
        log_odds = (
            (base[None, :] + self._affinity())[:, None, None, :]
            + responding.interest * self._interest[:, None, None, None]
            + responding.silence * _SILENCE[None, :, None, None]
            + responding.fatigue * _FATIGUE[None, None, :, None]
        )
        probability = 1.0 / (1.0 + np.exp(-log_odds))
        probability[..., [kind.student_initiated for kind in types]] = 1.0
        active: Floats = probability * (1.0 - self.unsubscribe[:, None, :, :])
        return active

    def _unsubscribe(self) -> Floats:
        slope = self.parameters.responding.unsubscribe_fatigue
        base = np.array([kind.unsubscribe for kind in self.parameters.types])
        odds = (base / (1.0 - base))[None, :] * np.exp(slope * _FATIGUE)[:, None]
        by_fatigue = odds / (1.0 + odds)
        chances: Floats = np.broadcast_to(by_fatigue, (self.classes, *by_fatigue.shape)).copy()
        return chances

    def _fatigue_rise(self) -> Floats:
        base = np.array([kind.fatigue_rise for kind in self.parameters.types])
        rise: Floats = np.minimum(base[None, :] * self._susceptibility[:, None], 1.0)
        return rise

    def _lift(self) -> Floats:
        lift = np.zeros((len(self.parameters.types), OPEN_STAGES, MOMENTUM_LEVELS))
        for row, kind in enumerate(self.parameters.types):
            for stage in range(OPEN_STAGES):
                for response, share in kind.responses.items():
                    lift[row, stage, self.lift_level(kind.name, stage, response)] += share
        return lift

    def _loss(self) -> Floats:
        hazards = self.parameters.hazards
        base = np.array([hazards.loss[stage] for stage in STAGES[:-1]])
        return _chance(
            np.exp(hazards.loss_interest * self._interest)[:, None, None]
            * base[None, :, None]
            * np.asarray(hazards.loss_silence)[None, None, :]
        )


def _chance(rate: Floats) -> Floats:
    """Probability of an event of a given rate within a day."""
    chance: Floats = -np.expm1(-rate)
    return chance


def _is_offered(weeks: tuple[tuple[int, int], ...] | None, week: int) -> bool:
    return weeks is None or any(first <= week < last for first, last in weeks)
