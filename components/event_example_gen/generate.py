"""The Examples and states of one partition."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.event_example_gen import clock, hashing
from components.event_example_gen.candidates import (
    Listing,
    full_lists,
    list_columns,
    training_lists,
)
from components.event_example_gen.columns import Column, to_flat_array, to_list_array
from components.event_example_gen.labels import Windows, answers, outcome_labels
from components.event_example_gen.observation import Observation, observe
from components.event_example_gen.offers import Offers, make_offers
from components.event_example_gen.partition import Histories, Reference
from components.event_example_gen.popularity import (
    Breakpoints,
    Popularity,
    breakpoints_of,
    distinct_pairs,
    find_pairs,
)
from components.event_example_gen.sampling import sampler_of
from components.event_example_gen.segments import Places
from components.event_example_gen.snapshots import take_snapshots
from components.event_example_gen.splits import (
    ALL_SPLITS,
    EVAL,
    LEFT_OUT,
    SERVING,
    SplitPlan,
)
from components.event_example_gen.state import (
    Snapshots,
    StateSource,
    compute_states,
    compute_used,
)
from schemas import names
from schemas.config import GoalpathConfig
from schemas.features import (
    FeatureSpec,
    Shape,
    example_features,
    key_features,
    query_features,
    state_features,
)

ENDED: Final = "ended"
CHUNK_ROWS: Final = 2_048  # snapshots worked on at once
CHUNK_CANDIDATES: Final = 262_144
BLOCK_OFFERS: Final = 4_194_304
_SHUFFLE: Final = 4  # tells this use of a student's hash from others
_EVALUATION_DRAW: Final = 5

Columns = dict[str, Column]


@dataclasses.dataclass(frozen=True, eq=False)
class Survey:
    """What a partition adds to what all partitions have to know.

    Attributes:
      breakpoints: of its active events.
      audience: of each distinct (audience, day) of its snapshots, `[G]`.
      day: the same.
      first_snapshot: earliest of its snapshots; `clock.NEVER` without one.
    """

    breakpoints: Breakpoints
    audience: Places
    day: Places
    first_snapshot: int


def survey(histories: Histories, reference: Reference, *, since: int) -> Survey:
    """Looks through a partition before its Examples can be made.

    Args:
      histories: of its students.
      reference: what all partitions share.
      since: no snapshot before this instant.
    """
    audience = histories.students.audience_code
    at = _snapshots(histories, reference, since)
    pairs = distinct_pairs(audience[at.student], clock.utc_day(at.t))
    first = int(at.t.min()) if len(at) else clock.NEVER
    return Survey(breakpoints_of(histories.events, audience), *pairs, first)


def ended_students(histories: Histories, observation: Observation) -> npt.NDArray[np.bool_]:
    """Who is lost, at the last stage, or in a closed cohort: bool `[S]`."""
    done: npt.NDArray[np.bool_] = histories.records.ends_at != clock.NEVER
    return done | observation.closed


def observation_of(histories: Histories, reference: Reference) -> Observation:
    """How far each student of a partition is observed."""
    students = histories.students
    return observe(students.cohort_code, reference.cohorts, reference.as_of)


def _snapshots(histories: Histories, reference: Reference, since: int) -> Snapshots:
    cadence = reference.config.snapshots.cadence
    observation = observation_of(histories, reference)
    return take_snapshots(histories, observation, cadence, since=since)


@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """Some rows of one split.

    Attributes:
      split: a place in `splits.ALL_SPLITS`.
      columns: feature key -> column.
    """

    split: int
    columns: Columns


class PartitionExamples:
    """Makes the Examples of one partition.

    Args:
      histories: of its students.
      reference: what all partitions share.
      popularity: of all students, for the pairs that the surveys named.
      plan: how snapshots are split.
      since: no snapshot before this instant.
    """

    def __init__(
        self,
        histories: Histories,
        reference: Reference,
        popularity: Popularity,
        plan: SplitPlan,
        *,
        since: int,
    ) -> None:
        self._histories = histories
        self._reference = reference
        self._popularity = popularity
        self._plan = plan
        self._observation = observation_of(histories, reference)
        self._source = StateSource(histories, reference)
        self._snapshots = _snapshots(histories, reference, since)
        self._split = plan.assign(histories.students, self._snapshots)

    @property
    def config(self) -> GoalpathConfig:
        """Of the data set."""
        return self._reference.config

    def counts(self) -> dict[str, int]:
        """How many students, rows and snapshots there are, and were left out."""
        histories, split = self._histories, self._split
        return {
            "students": len(histories.students),
            "students_without_entry": int((histories.entered == clock.MISSING).sum()),
            "students_ended": int(self._ended().sum()),
            "events": len(histories.events),
            "rows_after_loss": histories.rows_after_loss,
            "snapshots_left_out": int((split == LEFT_OUT).sum()),
        }

    def batches(self) -> Iterator[Batch]:
        """The rows of train, calibration and eval."""
        for split in range(len(names.SPLITS)):
            for block in self._blocks(np.flatnonzero(self._split == split)):
                for part in cut(self._list_sizes(split, block)):
                    yield self._batch(split, block, part)

    def serving(self) -> Iterator[Batch]:
        """The states of the students not yet ended, as of `as_of`."""
        rows = np.flatnonzero(~self._ended())
        for start in range(0, len(rows), CHUNK_ROWS):
            at = self._as_of(rows[start : start + CHUNK_ROWS])
            specs = (*key_features(), *query_features(self.config))
            columns = in_order(compute_states(self._source, at), specs)
            yield Batch(ALL_SPLITS.index(SERVING), columns)

    def states(self) -> Iterator[pa.Table]:
        """The stored states of all students, as of `as_of`."""
        ended = self._ended()
        for start in range(0, len(ended), CHUNK_ROWS):
            rows = np.arange(start, min(start + CHUNK_ROWS, len(ended)))
            at = self._as_of(rows)
            columns = {**compute_states(self._source, at), **compute_used(self._source, at)}
            table = columns_to_table(columns, state_features(self.config))
            yield table.append_column(ENDED, pa.array(ended[rows]))

    def _as_of(self, rows: Places) -> Snapshots:
        return Snapshots(rows, np.full(len(rows), self._reference.as_of))

    def _ended(self) -> npt.NDArray[np.bool_]:
        """Lost, at the last stage, or in a closed cohort."""
        return ended_students(self._histories, self._observation)

    def _blocks(self, rows: Places) -> Iterator[Block]:
        """Snapshots whose pairs of audience and day fit together into memory."""
        at = self._snapshots.take(rows)
        audience = self._histories.students.audience_code[at.student]
        day = clock.utc_day(at.t)
        pair_audience, pair_day = distinct_pairs(audience, day)
        pair = find_pairs(pair_audience, pair_day, audience, day)
        engagements = self._reference.engagements
        sizes = [len(engagements.of_audience(int(code))) for code in pair_audience]
        number = np.cumsum(np.array(sizes, np.int64)) // BLOCK_OFFERS
        for block in np.unique(number):
            chosen = np.flatnonzero(number == block)
            offers = make_offers(
                engagements,
                self._popularity,
                pair_audience[chosen],
                pair_day[chosen],
                window=self.config.ranking.window_days * clock.DAY,
            )
            inside = np.flatnonzero(number[pair] == block)
            inside = inside[np.argsort(self._order(at.take(inside)), kind="stable")]
            yield Block(rows[inside], pair[inside] - chosen[0], offers)

    def _order(self, at: Snapshots) -> hashing.Hashes:
        """A shuffle that depends on nothing but seed, student and time."""
        return hashing.mix(self._hashes(at), _SHUFFLE)

    def _hashes(self, at: Snapshots) -> hashing.Hashes:
        hashes = self._histories.students.hashes[at.student]
        return hashing.mix(hashing.mix(hashes, self._plan.seed), at.t)

    def _batch(self, split: int, block: Block, part: Places) -> Batch:
        """The Examples of the given places of a block."""
        rows = block.rows[part]
        at = self._snapshots.take(rows)
        barrier = self._plan.barriers(self._split[rows])
        windows = Windows(self._histories, self._observation, at, barrier)
        states = compute_states(self._source, at)
        window_days = self.config.ranking.window_days
        listing = Listing(
            self._source, at, block.pair[part], block.offers, answers(windows, window_days)
        )
        if split == EVAL:
            lists = full_lists(listing, self._carries_list(at))
        else:
            lists = training_lists(listing, sampler_of(self.config.ranking, self._plan.seed))
        columns = {
            **states,
            **list_columns(listing, lists, states),
            **outcome_labels(windows, self.config.horizons),
        }
        return Batch(split, in_order(columns, example_features(self.config)))

    def _carries_list(self, at: Snapshots) -> npt.NDArray[np.bool_]:
        """Which evaluation snapshots carry a list."""
        drawn = hashing.mix(self._hashes(at), _EVALUATION_DRAW)
        return hashing.uniform(drawn) < self.config.ranking.evaluation_share

    def _list_sizes(self, split: int, block: Block) -> Places:
        """About how many candidates each snapshot of a block will have."""
        offers = np.diff(block.offers.start)[block.pair]
        if split == EVAL:
            chosen = self._carries_list(self._snapshots.take(block.rows))
            return np.where(chosen, offers, 0)
        return np.minimum(offers, self.config.ranking.negatives)


@dataclasses.dataclass(frozen=True, eq=False)
class Block:
    """Snapshots of one split that share offers.

    Attributes:
      rows: places among the partition's snapshots, `[n]`.
      pair: place of the audience and day of each among the offers, `[n]`.
      offers: of those pairs.
    """

    rows: Places
    pair: Places
    offers: Offers


def cut(sizes: Places) -> Iterator[Places]:
    """Cuts rows into pieces of bounded numbers of snapshots and candidates.

    Args:
      sizes: candidates of each row, `[n]`.
    """
    cost = np.cumsum(1 / CHUNK_ROWS + sizes / CHUNK_CANDIDATES)
    piece = cost.astype(np.int64)
    starts = np.flatnonzero(np.diff(piece, prepend=-1))
    for start, stop in itertools.pairwise([*starts, len(sizes)]):
        yield np.arange(start, stop)


def in_order(columns: Mapping[str, Column], specs: Sequence[FeatureSpec]) -> Columns:
    """The columns that the specifications list, in their order."""
    return {spec.key: columns[spec.key] for spec in specs}


def columns_to_table(columns: Mapping[str, Column], specs: Sequence[FeatureSpec]) -> pa.Table:
    """Columns as a table: lists for vectors and ragged features, else single values."""
    return pa.table(
        {
            spec.key: to_flat_array(columns[spec.key])
            if spec.shape is Shape.SCALAR
            else to_list_array(columns[spec.key])
            for spec in specs
        }
    )
