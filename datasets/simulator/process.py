"""Drawing histories from the law of the funnel.

Students are drawn in cells of fixed size, each with a random stream of its own. A
student's history therefore depends on the seed, its number and the weeks simulated, and
on nothing else: not on how many students there are, nor on how cells are written.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from datasets.simulator.catalogue import Catalogue
from datasets.simulator.model import (
    FATIGUE_LEVELS,
    SILENCE_LEVELS,
    STATE_SHAPE,
    DayKind,
    Floats,
    FunnelModel,
)
from datasets.simulator.parameters import (
    DAYS_A_WEEK,
    IGNORED,
    OPENED,
    STAGES,
    UNSUBSCRIBED,
)
from datasets.simulator.traits import Students, draw_students

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats32 = npt.NDArray[np.float32]

CELL: Final = 2048
ENTRY_SHARE: Final = 0.6  # of the simulated days, the first in which students enter
ENROLLED: Final = len(STAGES) - 1
LOST_CODE: Final = -1
NO_STAGE: Final = -2
HOUR_S: Final = 3600
DAY_S: Final = 24 * HOUR_S
_ENTRY_HOURS = (8, 20)
_NIGHT_HOURS = (20, 24)
# Log-odds of opening what is not answered.
_OPENING = -0.6
_OPENING_INTEREST = 0.6
_OPENING_FATIGUE = -0.5
_STUDENT_STREAM, _HISTORY_STREAM = 0, 1

# Rows of a day's draws.
(
    _CONTACT,
    _RESPONSE,
    _DETAIL,
    _TIRING,
    _NIGHT,
    _MOMENTUM,
    _SILENCE,
    _RESTING,
    _TIME,
    _ITEM,
    _VALUE,
) = range(11)
_DRAWS: Final = 11


@dataclasses.dataclass(frozen=True)
class Events:
    """Contacts, parallel arrays; `student` counts within the cell.

    Attributes:
      student: whose.
      second: since the start of the simulation.
      kind: type index.
      item: index into the catalogue.
      response: index into `History.responses`.
      value: minutes or clicks; NaN where the response is not active.
      stage_after: stage that the event led to, or NO_STAGE.
    """

    student: Ints
    second: Ints
    kind: Ints
    item: Ints
    response: Ints
    value: Floats32
    stage_after: Ints


@dataclasses.dataclass(frozen=True)
class Changes:
    """Stage records apart from events; `stage` is an index or LOST_CODE."""

    student: Ints
    second: Ints
    stage: Ints


@dataclasses.dataclass(frozen=True)
class Snapshots:
    """States on Mondays at 00:00 of students that have entered and not ended.

    Attributes:
      student: whose.
      week: since the start.
      state: flat index into `STATE_SHAPE`.
    """

    student: Ints
    week: Ints
    state: Ints


_Part = TypeVar("_Part", Events, Changes, Snapshots)


@dataclasses.dataclass(frozen=True)
class History:
    """What happened to the students of a cell.

    Attributes:
      students: who they are.
      entered: [n], second of entry since the start of the simulation.
      last_stage: [n], stage reached.
      lost: [n], whether the student was lost.
      responses: names of the responses.
      events: contacts.
      changes: stage records apart from events.
      snapshots: states on Mondays.
    """

    students: Students
    entered: Ints
    last_stage: Ints
    lost: Bools
    responses: tuple[str, ...]
    events: Events
    changes: Changes
    snapshots: Snapshots


@dataclasses.dataclass
class _Cell:
    """The changing part of a simulation, parallel arrays over the cell."""

    trait_class: Ints
    stage: Ints
    momentum: Ints
    silence: Ints
    fatigue: Ints
    open: Bools  # neither lost nor enrolled
    lost: Bools
    first_day: Ints  # the day after entry, on which contacts begin


@dataclasses.dataclass(frozen=True)
class _Today:
    """A day, the students present [n], and their draws [draws, n]."""

    day: int
    who: Ints
    draws: Floats32


@dataclasses.dataclass(frozen=True)
class _Met:
    """The contacts of a day, parallel arrays.

    Attributes:
      place: of the student in `_Today.who`.
      who: the student.
      kind: type index.
      stage: of the student before the contact.
      draws: [draws, n] of these students.
    """

    place: Ints
    who: Ints
    kind: Ints
    stage: Ints
    draws: Floats32


@dataclasses.dataclass(frozen=True)
class _Record:
    """What was recorded, day by day."""

    events: list[Events] = dataclasses.field(default_factory=list)
    changes: list[Changes] = dataclasses.field(default_factory=list)
    snapshots: list[Snapshots] = dataclasses.field(default_factory=list)


class Simulation:
    """Draws cells of students.

    Args:
      model: the law.
      catalogue: the items.
      weeks: how long.
      start: first day, a Monday.
      seed: of all randomness.
    """

    def __init__(
        self, model: FunnelModel, catalogue: Catalogue, weeks: int, start: dt.date, seed: int
    ) -> None:
        self._model = model
        self._catalogue = catalogue
        self._days = weeks * DAYS_A_WEEK
        self._start = start
        self._seed = seed
        types = model.parameters.types
        active = dict.fromkeys(name for kind in types for name in kind.responses)
        self.responses = (IGNORED, OPENED, UNSUBSCRIBED, *active)
        self._answers = _answer_table(model, self.responses)
        self._openable = np.array([kind.can_be_opened for kind in types])
        self._hours = np.array([kind.hours for kind in types])
        self._mean_value = np.array([kind.value for kind in types])
        self._cumulative: dict[DayKind, Floats] = {}

    def cell(self, number: int, count: int = CELL) -> History:
        """The first `count` students of a cell."""
        rng = self._stream(number, _STUDENT_STREAM)
        students = draw_students(self._model.parameters.traits, CELL, self._start, rng)
        entry_day = rng.integers(0, max(1, int(ENTRY_SHARE * self._days)), CELL)
        hour = _clock(rng.random(CELL, dtype=np.float32), *_ENTRY_HOURS)
        cell = _new_cell(students, entry_day, count)
        record = self._run(cell, students, self._stream(number, _HISTORY_STREAM))
        return History(
            students=students.first(count),
            entered=(entry_day * DAY_S + hour)[:count],
            last_stage=cell.stage[:count],
            lost=cell.lost[:count],
            responses=self.responses,
            events=_join(record.events),
            changes=_join(record.changes),
            snapshots=_join(record.snapshots),
        )

    def _stream(self, number: int, purpose: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence((self._seed, number, purpose)))

    def _run(self, cell: _Cell, students: Students, rng: np.random.Generator) -> _Record:
        record = _Record()
        for day in range(self._days):
            draws = rng.random((_DRAWS, CELL), dtype=np.float32)
            present = np.flatnonzero(cell.open & (cell.first_day <= day))
            if day % DAYS_A_WEEK == 0:
                week = np.full(len(present), day // DAYS_A_WEEK)
                record.snapshots.append(Snapshots(present, week, _flat_state(cell, present)))
            self._step(cell, students, _Today(day, present, draws[:, present]), record)
        return record

    def _step(self, cell: _Cell, students: Students, today: _Today, record: _Record) -> None:
        """One day of the chain, in the order of `model`'s docstring."""
        met = self._contacts(cell, today)
        response, active = self._respond(cell, students, met)
        self._feel(cell, met, response, active)
        answered = np.zeros(len(today.who), dtype=bool)
        answered[met.place] = active
        moved = self._night(cell, today, answered, record)
        self._drift(cell, today, met, answered, moved)
        led_on = active & moved[met.place]
        record.events.append(
            Events(
                student=met.who,
                second=today.day * DAY_S + _clock(met.draws[_TIME], *self._hours[met.kind].T),
                kind=met.kind,
                item=self._items(students, today, met, active),
                response=response,
                value=self._values(met, active),
                stage_after=np.where(led_on, met.stage + 1, NO_STAGE),
            )
        )

    def _contacts(self, cell: _Cell, today: _Today) -> _Met:
        cumulative = self._cumulative_contact(today.day)
        trait, stage = cell.trait_class[today.who], cell.stage[today.who]
        silence = cell.silence[today.who]
        draw = today.draws[_CONTACT]
        place = np.flatnonzero(draw < cumulative[trait, stage, silence, -1])
        of_types = cumulative[trait[place], stage[place], silence[place]]
        return _Met(
            place=place,
            who=today.who[place],
            kind=(draw[place][:, None] >= of_types).sum(axis=1),
            stage=stage[place],
            draws=today.draws[:, place],
        )

    def _cumulative_contact(self, day: int) -> Floats:
        """[C, S, U, K], the chance of a contact of some type up to k."""
        kind = self._model.day_kind(day)
        if kind not in self._cumulative:
            self._cumulative[kind] = np.cumsum(self._model.contact(kind), axis=-1)
        return self._cumulative[kind]

    def _respond(self, cell: _Cell, students: Students, met: _Met) -> tuple[Ints, Bools]:
        """Response codes, and which of them are active; who unsubscribes is lost."""
        trait, fatigue = cell.trait_class[met.who], cell.fatigue[met.who]
        draw = met.draws[_RESPONSE]
        leaving = self._model.unsubscribe[trait, fatigue, met.kind]
        answering = self._model.active[trait, cell.silence[met.who], fatigue, met.kind]
        gone = draw < leaving
        active: Bools = ~gone & (draw < leaving + answering)
        opened = self._opens(students.interest[met.who], fatigue, met)
        code = self.responses.index
        response: Ints = np.where(opened, code(OPENED), code(IGNORED))
        response[gone] = code(UNSUBSCRIBED)
        kind = met.kind[active]
        detail = met.draws[_DETAIL, active][:, None]
        place = (detail >= self._answers.cumulative[kind]).sum(axis=1)
        response[active] = self._answers.codes[kind, place]
        cell.lost[met.who[gone]] = True
        cell.open[met.who[gone]] = False
        return response, active

    def _opens(self, interest: Floats, fatigue: Ints, met: _Met) -> Bools:
        """Who at least opens what it does not answer."""
        log_odds = _OPENING + _OPENING_INTEREST * interest + _OPENING_FATIGUE * fatigue
        opens: Bools = self._openable[met.kind] & (
            met.draws[_DETAIL] < 1.0 / (1.0 + np.exp(-log_odds))
        )
        return opens

    def _feel(self, cell: _Cell, met: _Met, response: Ints, active: Bools) -> None:
        """Contacts tire; active responses lift momentum and end silence."""
        rise = self._model.fatigue_rise[cell.trait_class[met.who], met.kind]
        tired = met.draws[_TIRING] < rise
        cell.fatigue[met.who] = np.minimum(cell.fatigue[met.who] + tired, FATIGUE_LEVELS - 1)
        winners = met.who[active]
        lift = self._answers.lift[met.kind[active], met.stage[active], response[active]]
        cell.momentum[winners] = np.maximum(cell.momentum[winners], lift)
        cell.silence[winners] = 0

    def _night(self, cell: _Cell, today: _Today, answered: Bools, record: _Record) -> Bools:
        """Loss and moving on; gives which of those present moved on.

        A move on the day of an active response is recorded with that event, any other
        one, and a loss, as a stage record of its own.
        """
        who = today.who
        trait, stage, silence = cell.trait_class[who], cell.stage[who], cell.silence[who]
        loss = self._model.loss[trait, stage, silence]
        advance = self._model.advance(self._model.day_kind(today.day))
        moving = loss + (1.0 - loss) * advance[trait, stage, cell.momentum[who], silence]
        draw = today.draws[_NIGHT]
        lost = cell.open[who] & (draw < loss)
        moved: Bools = cell.open[who] & ~lost & (draw < moving)
        leavers, movers = who[lost], who[moved]
        cell.lost[leavers] = True
        cell.stage[movers] += 1
        cell.momentum[movers] = 0
        cell.silence[movers] = 0
        cell.open[leavers] = False
        cell.open[movers] = cell.stage[movers] < ENROLLED
        apart = lost | (moved & ~answered)
        second = today.day * DAY_S + _clock(today.draws[_TIME, apart], *_NIGHT_HOURS)
        to = np.where(lost, LOST_CODE, cell.stage[who])[apart]
        record.changes.append(Changes(who[apart], second, to))
        return moved

    def _drift(self, cell: _Cell, today: _Today, met: _Met, answered: Bools, moved: Bools) -> None:
        """Levels of those that did not move on fall or rise by one."""
        hazards = self._model.parameters.hazards
        who, draws = today.who, today.draws
        alone = np.ones(len(who), dtype=bool)
        alone[met.place] = False
        calmer = ~moved & (draws[_MOMENTUM] < hazards.momentum_decay)
        quieter = ~moved & ~answered & (draws[_SILENCE] < hazards.silence_rise)
        rested = ~moved & alone & (draws[_RESTING] < hazards.fatigue_decay)
        cell.momentum[who] = np.maximum(cell.momentum[who] - calmer, 0)
        cell.silence[who] = np.minimum(cell.silence[who] + quieter, SILENCE_LEVELS - 1)
        cell.fatigue[who] = np.maximum(cell.fatigue[who] - rested, 0)

    def _items(self, students: Students, today: _Today, met: _Met, active: Bools) -> Ints:
        return self._catalogue.pick(
            kind=met.kind,
            week=np.full(len(met.who), today.day // DAYS_A_WEEK),
            stage=met.stage,
            programme=students.programme[met.who],
            audience=students.audience[met.who],
            active=active,
            draw=met.draws[_ITEM],
        )

    def _values(self, met: _Met, active: Bools) -> Floats32:
        value = np.round(self._mean_value[met.kind] * (0.5 + met.draws[_VALUE]))
        return np.where(active, np.maximum(value, 1.0), np.nan).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class _Answers:
    """Active responses by type.

    Attributes:
      codes: [K, R], response codes.
      cumulative: [K, R], their cumulative shares; 2 past the last.
      lift: [K, S, responses], momentum level that a response lifts to.
    """

    codes: Ints
    cumulative: npt.NDArray[np.float64]
    lift: Ints


def _answer_table(model: FunnelModel, responses: tuple[str, ...]) -> _Answers:
    types = model.parameters.types
    width = max(len(kind.responses) for kind in types)
    codes = np.zeros((len(types), width), dtype=np.int64)
    cumulative = np.full((len(types), width), 2.0)
    lift = np.zeros((len(types), ENROLLED, len(responses)), dtype=np.int64)
    for row, kind in enumerate(types):
        used = len(kind.responses)
        codes[row, :used] = [responses.index(name) for name in kind.responses]
        cumulative[row, :used] = np.cumsum(list(kind.responses.values()))
        cumulative[row, used - 1] = 1.0
        for stage in range(ENROLLED):
            for name in kind.responses:
                level = model.lift_level(kind.name, stage, name)
                lift[row, stage, responses.index(name)] = level
    return _Answers(codes, cumulative, lift)


def _new_cell(students: Students, entry_day: Ints, count: int) -> _Cell:
    zeros = np.zeros(CELL, dtype=np.int64)
    return _Cell(
        trait_class=students.trait_class,
        stage=zeros.copy(),
        momentum=zeros.copy(),
        silence=zeros.copy(),
        fatigue=zeros.copy(),
        open=np.arange(CELL) < count,
        lost=np.zeros(CELL, dtype=bool),
        first_day=entry_day + 1,
    )


def _flat_state(cell: _Cell, who: Ints) -> Ints:
    levels = (cell.stage[who], cell.momentum[who], cell.silence[who], cell.fatigue[who])
    return np.asarray(np.ravel_multi_index(levels, STATE_SHAPE), dtype=np.int64)


def _clock(draw: Floats32, first: int | Ints, last: int | Ints) -> Ints:
    """Seconds of a day, between two hours."""
    second: Ints = (first * HOUR_S + draw * ((last - first) * HOUR_S)).astype(np.int64)
    return second


def _join(parts: list[_Part]) -> _Part:
    """One part with the arrays of all, in their order."""
    joined = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in dataclasses.fields(parts[0])
    }
    return dataclasses.replace(parts[0], **joined)
