"""The engagements on offer, and which one a contact is about.

The law of the chain knows types only. Which item of the type it was is drawn given the
response: items that fit the student and are well made have a larger share of the active
responses than of the contacts. So items differ in what they get out of whom, and the
probabilities of the chain stay those of the type.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from datasets.simulator.model import OPEN_STAGES
from datasets.simulator.parameters import (
    ADMISSIONS,
    GENERAL_TOPICS,
    PROGRAMMES,
    RESEARCH,
    STAGES,
    STUDENT_LIFE,
    WEEKS_A_YEAR,
    ContactType,
    FunnelParameters,
)
from datasets.simulator.traits import AUDIENCES, POSTGRADUATE, UNDERGRADUATE
from schemas import names
from schemas.config import Kind

Ints = npt.NDArray[np.int64]
Floats32 = npt.NDArray[np.float32]

ATTRIBUTES: Final = {
    "topic": Kind.CATEGORICAL,
    "target_stage": Kind.CATEGORICAL,
    "cost": Kind.NUMERIC,
    "duration_minutes": Kind.NUMERIC,
    "title": Kind.TEXT,
}

_OPEN_TO: Final = {STUDENT_LIFE: UNDERGRADUATE, RESEARCH: POSTGRADUATE}

# How items share contacts and active responses.
_STAGE_MATCH = 6.0
_FIT_OWN_PROGRAMME = 8.0
_FIT_OTHER_PROGRAMME = 0.2
_QUALITY_SPREAD = 0.8
_COST_SPREAD = 0.25

_PAST_THE_END = np.float32(2.0)


@dataclasses.dataclass(frozen=True)
class Item:
    """One engagement.

    Attributes:
      kind: index of its type.
      topic: one of the topics.
      target_stage: index of the stage it is meant for; None: any.
      audience: the only audience it is open to; None: all.
      weeks: [first, last) weeks since the start in which it exists; None: always.
      due_week: at the start of which week it is due; None: never.
    """

    kind: int
    topic: str
    target_stage: int | None = None
    audience: str | None = None
    weeks: tuple[int, int] | None = None
    due_week: int | None = None

    def is_available(self, week: int) -> bool:
        """Whether it exists in a week since the start."""
        return self.weeks is None or self.weeks[0] <= week < self.weeks[1]


class Catalogue:
    """All items of a simulation.

    Args:
      parameters: the world.
      weeks: of the simulation.
      rng: for qualities and costs.
    """

    def __init__(self, parameters: FunnelParameters, weeks: int, rng: np.random.Generator) -> None:
        self._types = parameters.types
        self.items = tuple(
            item
            for index, kind in enumerate(parameters.types)
            for item in _items_of(index, kind, parameters, weeks)
        )
        self.quality = np.exp(_QUALITY_SPREAD * rng.standard_normal(len(self.items)))
        self._cost_factor = np.exp(_COST_SPREAD * rng.standard_normal(len(self.items)))
        self._members, self._shares = self._item_shares(weeks)

    def pick(
        self,
        *,
        kind: Ints,
        week: Ints,
        stage: Ints,
        programme: Ints,
        audience: Ints,
        active: npt.NDArray[np.bool_],
        draw: Floats32,
    ) -> Ints:
        """Item index of each contact, [n].

        Args:
          kind: [n], type index.
          week: [n], since the start.
          stage: [n], stage before the contact.
          programme: [n], index into `PROGRAMMES`.
          audience: [n], index into `AUDIENCES`.
          active: [n], whether the response was active.
          draw: [n], uniform in [0, 1).
        """
        cumulative = self._shares[week, kind, stage, programme, audience, active.astype(int)]
        place = (draw[:, None] >= cumulative).sum(axis=1)
        picked: Ints = self._members[week, kind, place]
        return picked

    def table(self, start: dt.datetime) -> pl.DataFrame:
        """The engagements table; `start` is the first instant of week 0."""
        kinds = [self._types[item.kind] for item in self.items]
        costs = np.array([kind.cost for kind in kinds]) * self._cost_factor
        return pl.DataFrame(
            {
                names.ENGAGEMENT_ID: [f"E{n:04d}" for n in range(1, len(self.items) + 1)],
                names.ENGAGEMENT_TYPE: [kind.name for kind in kinds],
                names.AUDIENCE: [item.audience for item in self.items],
                names.AVAILABLE_FROM: [
                    _week_start(start, item.weeks and item.weeks[0]) for item in self.items
                ],
                names.AVAILABLE_TO: [
                    _week_start(start, item.weeks and item.weeks[1]) for item in self.items
                ],
                names.DUE: [_week_start(start, item.due_week) for item in self.items],
                "topic": [item.topic for item in self.items],
                "target_stage": [
                    None if item.target_stage is None else STAGES[item.target_stage]
                    for item in self.items
                ],
                "cost": np.round(costs, 2),
                "duration_minutes": [kind.value if kind.in_minutes else None for kind in kinds],
                "title": [self._title(item) for item in self.items],
            },
            schema_overrides={
                names.AUDIENCE: pl.String,
                names.AVAILABLE_FROM: pl.Datetime("us", "UTC"),
                names.AVAILABLE_TO: pl.Datetime("us", "UTC"),
                names.DUE: pl.Datetime("us", "UTC"),
                "target_stage": pl.String,
                "duration_minutes": pl.Float64,
            },
        )

    def _title(self, item: Item) -> str:
        kind = self._types[item.kind].name.replace("_", " ").capitalize()
        subject = item.topic.replace("_", " ")
        aim = "" if item.target_stage is None else f" for {STAGES[item.target_stage].lower()}"
        return f"{kind} on {subject}{aim}"

    def _item_shares(self, weeks: int) -> tuple[Ints, Floats32]:
        """Members [W, K, I] and cumulative shares [W, K, S, P, A, 2, I] of the items."""
        available = np.array([[item.is_available(w) for item in self.items] for w in range(weeks)])
        kinds = np.array([item.kind for item in self.items])
        groups = [
            [np.flatnonzero(row & (kinds == k)) for k in range(len(self._types))]
            for row in available
        ]
        width = max(len(group) for row in groups for group in row)
        lead = (weeks, len(self._types))
        members = np.zeros((*lead, width), dtype=np.int64)
        axes = (OPEN_STAGES, len(PROGRAMMES), len(AUDIENCES), 2)
        shares = np.full((*lead, *axes, width), _PAST_THE_END, dtype=np.float32)
        weights = self._weights()
        for week, row in enumerate(groups):
            for kind, group in enumerate(row):
                members[week, kind, : len(group)] = group
                shares[week, kind, ..., : len(group)] = _cumulative(weights[..., group])
        return members, shares

    def _weights(self) -> npt.NDArray[np.float64]:
        """[S, P, A, 2, items]: weight among contacts, and among active responses."""
        items = self.items
        stage = np.array(
            [
                [_STAGE_MATCH if item.target_stage == s else 1.0 for item in items]
                for s in range(OPEN_STAGES)
            ]
        )
        fit = np.array([[_fit(item.topic, p) for item in items] for p in PROGRAMMES])
        is_open = np.array([[item.audience in (None, a) for item in items] for a in AUDIENCES])
        sent = stage[:, None, None] * is_open[None, None]
        answered = sent * (fit * self.quality)[None, :, None]
        return np.stack(np.broadcast_arrays(sent, answered), axis=3)


def _cumulative(weights: npt.NDArray[np.float64]) -> Floats32:
    total = weights.sum(axis=-1, keepdims=True)
    exact = np.cumsum(weights / np.where(total > 0, total, 1.0), axis=-1)
    shares: Floats32 = exact.astype(np.float32)
    # The last item that can be picked takes what rounding leaves.
    shares[shares >= shares[..., -1:]] = 1.0
    return shares


def _fit(topic: str, programme: str) -> float:
    if topic not in PROGRAMMES:
        return 1.0
    return _FIT_OWN_PROGRAMME if topic == programme else _FIT_OTHER_PROGRAMME


def _week_start(start: dt.datetime, week: int | None) -> dt.datetime | None:
    return None if week is None else start + dt.timedelta(weeks=week)


def _items_of(
    index: int, kind: ContactType, parameters: FunnelParameters, weeks: int
) -> list[Item]:
    seasons = parameters.policy.offered_weeks.get(kind.name)
    if seasons is not None:
        found = _seasonal(index, kind.topics, seasons, weeks)
    elif kind.round_weeks is not None:
        found = _rounds(index, kind.topics, kind.round_weeks, weeks)
    elif kind.per_stage:
        found = _per_stage(index, kind.topics)
    else:
        found = [_item(index, topic) for topic in kind.topics]
    return found + (_reminders(index, parameters, weeks) if kind.reminds else [])


def _item(
    kind: int,
    topic: str,
    *,
    target_stage: int | None = None,
    weeks: tuple[int, int] | None = None,
    due_week: int | None = None,
) -> Item:
    return Item(kind, topic, target_stage, _OPEN_TO.get(topic), weeks, due_week)


def _per_stage(kind: int, topics: tuple[str, ...]) -> list[Item]:
    return [
        _item(kind, topic, target_stage=stage) for stage in range(OPEN_STAGES) for topic in topics
    ]


def _rounds(kind: int, topics: tuple[str, ...], length: int, weeks: int) -> list[Item]:
    """Up to three items every `length` weeks; the first is open to everyone."""
    found = []
    for number, first in enumerate(range(0, weeks, length)):
        others = [topics[(2 * number + step) % len(topics)] for step in (0, 1)]
        for topic in dict.fromkeys((GENERAL_TOPICS[number % len(GENERAL_TOPICS)], *others)):
            found.append(_item(kind, topic, weeks=(first, first + length)))
    return found


def _seasonal(
    kind: int, topics: tuple[str, ...], seasons: tuple[tuple[int, int], ...], weeks: int
) -> list[Item]:
    """In each half of each season, the first topic and every second other one."""
    spans = [
        (year + bounds[0], year + bounds[1], half)
        for year in range(0, weeks, WEEKS_A_YEAR)
        for first, last in seasons
        for half, bounds in enumerate(((first, (first + last) // 2), ((first + last) // 2, last)))
    ]
    return [
        _item(kind, topic, weeks=(first, last))
        for first, last, half in spans
        if first < weeks
        for topic in (topics[0], *topics[1 + half :: 2])
    ]


def _reminders(kind: int, parameters: FunnelParameters, weeks: int) -> list[Item]:
    """A reminder of every deadline, in the weeks before it."""
    hazards = parameters.hazards
    dates = [
        (stage, year + week)
        for stage, deadlines in hazards.deadlines.items()
        for year in range(0, weeks + WEEKS_A_YEAR, WEEKS_A_YEAR)
        for week in deadlines
    ]
    return [
        _item(
            kind,
            ADMISSIONS,
            target_stage=STAGES.index(stage),
            weeks=(deadline - hazards.rush_weeks, deadline),
            due_week=deadline,
        )
        for stage, deadline in dates
        if deadline - hazards.rush_weeks < weeks
    ]
