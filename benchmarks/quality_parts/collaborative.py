"""Collaborative peers, fitted anew for each day of snapshots on all that was before.

They know what every student did before t, in the evaluated cohorts too, as popularity
does. A model of the training period alone would not know most of the engagements.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from benchmarks.quality_parts.candidate_lists import CandidateLists
from benchmarks.quality_parts.progress import Progress
from benchmarks.quality_parts.snapshots import Snapshots
from schemas import names, tables
from schemas.config import GoalpathConfig

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Scorer = Callable[[sp.csr_matrix, Places], Floats]
"""Interactions `[S, E]`, and students `(m,)` -> scores of all engagements `[m, E]`."""

DAY: Final = 86_400_000_000
_SHRINKAGE: Final = 10.0


@dataclasses.dataclass(frozen=True, eq=False)
class Interactions:
    """Active events, sorted by time.

    Attributes:
      time: microseconds since the epoch, `(N,)`.
      student, engagement: codes, `(N,)`.
      students, engagements: code of each id.
    """

    time: Places
    student: Places
    engagement: Places
    students: dict[str, int]
    engagements: dict[str, int]

    def before(self, time: int) -> sp.csr_matrix:
        """log(1 + count) of the active events before `time`: `[S, E]`."""
        end = int(np.searchsorted(self.time, time))
        shape = (len(self.students), len(self.engagements))
        counts = sp.csr_matrix(
            (np.ones(end), (self.student[:end], self.engagement[:end])), shape=shape
        )
        counts.sum_duplicates()
        counts.data = np.log1p(counts.data)
        return counts


def read_interactions(prepared: Path, config: GoalpathConfig) -> Interactions:
    """Reads the prepared events.

    Args:
      prepared: folder of the prepared tables.
      config: says which responses are active.
    """
    events = tables.read_table(prepared, config, names.EVENTS)
    if config.responses.active is not None:
        events = events.filter(pl.col(names.RESPONSE).is_in(list(config.responses.active)))
    events = events.sort(names.TIMESTAMP)
    codes = {}
    vocabularies = {}
    for key in (names.STUDENT_ID, names.ENGAGEMENT_ID):
        words = events.get_column(key).unique().sort().to_list()
        vocabularies[key] = {word: code for code, word in enumerate(words)}
        place = pl.Series(words, dtype=pl.String)
        codes[key] = place.search_sorted(events.get_column(key)).to_numpy().astype(np.int64)
    return Interactions(
        events.get_column(names.TIMESTAMP).to_numpy(),
        codes[names.STUDENT_ID],
        codes[names.ENGAGEMENT_ID],
        vocabularies[names.STUDENT_ID],
        vocabularies[names.ENGAGEMENT_ID],
    )


def item_knn(interactions: sp.csr_matrix, students: Places) -> Floats:
    """Cosine between engagements, shrunk, summed over what the student used.

        sim(i, j) = x_i . x_j / (|x_i| |x_j| + shrinkage)

    The engagement itself counts as its own neighbour, since use is repeated.
    """
    products = (interactions.T @ interactions).tocoo()
    norms = np.sqrt(np.asarray(interactions.multiply(interactions).sum(axis=0))).ravel()
    values = products.data / (norms[products.row] * norms[products.col] + _SHRINKAGE)
    similarity = sp.csr_matrix((values, (products.row, products.col)), shape=products.shape)
    return np.asarray((interactions[students] @ similarity).todense(), np.float64)


def score_lists(
    snapshots: Snapshots,
    lists: CandidateLists,
    interactions: Interactions,
    scorer: Scorer,
    *,
    progress: Progress,
    label: str,
) -> Floats:
    """Scores of all candidates, `(total,)`; 0 for a student or engagement unheard of."""
    ids = snapshots.columns[names.C_ID]
    engagement = _codes(ids.vocabulary, interactions.engagements)[ids.values][lists.places]
    people = snapshots.columns[names.STUDENT_ID]
    student = _codes(people.vocabulary, interactions.students)[people.values][lists.snapshot]
    owner = lists.list_of
    scores = np.zeros(len(lists.places))
    time = snapshots.integers(names.SNAPSHOT_TIME)[lists.snapshot]
    for number, (cut, rows) in enumerate(_days(time)):
        matrix = interactions.before(cut)
        known = rows[student[rows] >= 0]
        if not matrix.nnz or not len(known):
            continue
        of_all = scorer(matrix, student[known])
        line = np.full(len(lists.snapshot), -1, np.int64)
        line[known] = np.arange(len(known))
        wanted = np.flatnonzero((line[owner] >= 0) & (engagement >= 0))
        scores[wanted] = of_all[line[owner[wanted]], engagement[wanted]]
        if number % 20 == 0:
            progress.say(f"ranking: {label}, day {number + 1} of snapshots")
    return scores


def _days(time: Places) -> Iterator[tuple[int, Places]]:
    """For each UTC day with lists: its first t, which cuts the events, and its lists."""
    day = time // DAY
    for value in np.unique(day):
        rows = np.flatnonzero(day == value)
        yield int(time[rows].min()), rows


def _codes(vocabulary: tuple[str, ...], place: dict[str, int]) -> Places:
    return np.array([place.get(word, -1) for word in vocabulary] or [-1], np.int64)
