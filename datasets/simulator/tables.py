"""A cell's history as rows of the data contract, and as rows of truth."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from datasets.simulator.model import STATE_SHAPE, FunnelModel
from datasets.simulator.parameters import STAGES
from datasets.simulator.process import CELL, LOST_CODE, NO_STAGE, History
from datasets.simulator.traits import audience_column
from datasets.simulator.truth import Truth
from schemas import names

TRUTH_PREFIX: Final = "goal_"
TRAIT_CLASS: Final = "trait_class"
STATE: Final = "state"

_INSTANT = pl.Datetime("us", "UTC")
_SECOND_US = 1_000_000
_WEEK_US = 7 * 86_400 * _SECOND_US

Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class CellTables:
    """Rows that one cell adds to each table."""

    students: pl.DataFrame
    events: pl.DataFrame
    stage_changes: pl.DataFrame
    truth: pl.DataFrame


class TableMaker:
    """Turns histories into rows.

    Args:
      model: the law.
      truth: true probabilities of that law.
      engagement_ids: of the catalogue's items, in their order.
      start: first instant of the simulation.
      students: how many there are in all, which sets the width of ids.
    """

    def __init__(
        self,
        model: FunnelModel,
        truth: Truth,
        engagement_ids: pl.Series,
        start: dt.datetime,
        students: int,
    ) -> None:
        self._model = model
        self._truth = truth
        self._engagement_ids = engagement_ids
        self._start_us = round(start.timestamp()) * _SECOND_US
        self._digits = max(6, len(str(students)))

    def tables(self, history: History, cell: int) -> CellTables:
        """All rows of the `cell`-th cell, by student and time."""
        ids = pl.Series(
            names.STUDENT_ID,
            [
                f"S{cell * CELL + place:0{self._digits}d}"
                for place in range(1, len(history.entered) + 1)
            ],
            dtype=pl.String,
        )
        return CellTables(
            students=self._students(history, ids),
            events=self._events(history, ids),
            stage_changes=self._stage_changes(history, ids),
            truth=self._truth_rows(history, ids),
        )

    def _students(self, history: History, ids: pl.Series) -> pl.DataFrame:
        return pl.DataFrame(
            [
                ids,
                audience_column(history.students.audience),
                self._instants(history.entered).alias(names.ENTERED_AT),
                *history.students.profile.get_columns(),
            ]
        )

    def _events(self, history: History, ids: pl.Series) -> pl.DataFrame:
        events = history.events
        order = np.lexsort((events.second, events.student))
        value = pl.Series(names.VALUE, events.value[order].astype(np.float64))
        return pl.DataFrame(
            [
                ids.gather(events.student[order]),
                self._engagement_ids.gather(events.item[order]).alias(names.ENGAGEMENT_ID),
                self._instants(events.second[order]).alias(names.TIMESTAMP),
                _words(history.responses, events.response[order]).alias(names.RESPONSE),
                value.fill_nan(None),
                _stages(events.stage_after[order]).alias(names.STAGE_AFTER),
            ]
        )

    def _stage_changes(self, history: History, ids: pl.Series) -> pl.DataFrame:
        changes = history.changes
        order = np.lexsort((changes.second, changes.student))
        return pl.DataFrame(
            [
                ids.gather(changes.student[order]),
                self._instants(changes.second[order]).alias(names.TIMESTAMP),
                _stages(changes.stage[order]).alias(names.STAGE),
            ]
        )

    def _truth_rows(self, history: History, ids: pl.Series) -> pl.DataFrame:
        """One row a snapshot: keys, hidden class and state, true probabilities."""
        snapshots = history.snapshots
        order = np.lexsort((snapshots.week, snapshots.student))
        student, week = snapshots.student[order], snapshots.week[order]
        state = snapshots.state[order]
        trait_class = history.students.trait_class[student]
        likelihood, risk = np.zeros(len(order)), np.zeros(len(order))
        goal = np.zeros((len(order), len(STAGES)))
        for number in np.unique(week):
            rows = np.flatnonzero(week == number)
            true = self._truth.probabilities(int(number), trait_class[rows], state[rows])
            likelihood[rows], risk[rows], goal[rows] = true.likelihood, true.risk, true.goal
        instants = self._start_us + week * _WEEK_US
        return pl.DataFrame(
            [
                ids.gather(student),
                pl.Series(names.SNAPSHOT_TIME, instants).cast(_INSTANT),
                _stages(np.unravel_index(state, STATE_SHAPE)[0]).alias(names.STAGE),
                pl.Series(TRAIT_CLASS, trait_class.astype(np.int16)),
                pl.Series(STATE, state.astype(np.int16)),
                pl.Series(names.LIKELIHOOD, likelihood),
                pl.Series(names.RISK, risk),
                *(
                    pl.Series(TRUTH_PREFIX + stage, goal[:, index])
                    for index, stage in enumerate(STAGES)
                ),
            ]
        )

    def _instants(self, seconds: Ints) -> pl.Series:
        instants: pl.Series = pl.Series(self._start_us + seconds * _SECOND_US).cast(_INSTANT)
        return instants


def _words(words: tuple[str, ...], index: Ints) -> pl.Series:
    return pl.Series(words, dtype=pl.String).gather(index)


def _stages(index: Ints) -> pl.Series:
    """Stage names; `lost` for LOST_CODE, null for NO_STAGE."""
    special = {LOST_CODE: names.LOST, NO_STAGE: None}
    words = pl.Series([*STAGES, *special.values()], dtype=pl.String)
    place = index.copy()
    for offset, code in enumerate(special):
        place[index == code] = len(STAGES) + offset
    return words.gather(place)
