"""A bounded random sample of states with what came after each.

There is one state for each training student and stage, at the beginning of a window
drawn by hash. Which states are in the sample depends on the students and the seed alone,
so that samples of partitions put together are the sample of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.conversion_patterns.competing_risks import Follow
from components.conversion_patterns.training_part import TrainingPart
from components.event_example_gen import clock, hashing
from components.event_example_gen.generate import columns_to_table
from components.event_example_gen.partition import Reference
from components.event_example_gen.segments import Places, expand, offsets_of
from components.event_example_gen.state import Snapshots, StateSource, compute_states
from schemas.features import query_features

# Columns beside the query features. Instants are microseconds after the state.
PRIORITY: Final = "sample_priority"  # uint64; the smallest ones are the sample
STAGE: Final = "sample_stage"  # int64, place in the funnel
REACHED_AFTER: Final = "sample_reached_after"  # list<int64> [K]; `clock.NEVER`: never
OTHER_AFTER: Final = "sample_other_after"  # int64, loss or close
KNOWN_FOR: Final = "sample_known_for"  # int64
TYPES_ON_THE_WAY: Final = "sample_types"  # list<string>, until the furthest stage reached
ENGAGEMENTS_ON_THE_WAY: Final = "sample_engagements"  # likewise

_WHICH_STATE: Final = 21  # tells these uses of a student's hash from others
_WHICH_STUDENTS: Final = 22


def sample_states(
    part: TrainingPart,
    reference: Reference,
    *,
    window_days: int,
    horizon_days: int,
    size: int,
) -> pa.Table:
    """The sample of a partition.

    Args:
      part: its training students.
      reference: what all partitions share.
      window_days: states are taken at the beginnings of windows of so many days.
      horizon_days: what is met is listed up to the furthest stage reached within it.
      size: states of the sample, at most.

    Returns:
      Every query feature and the columns above; no id of a student.
    """
    at, stage, priority = _drawn(part, reference.config.training.seed, window_days)
    kept = np.argsort(priority, kind="stable")[:size]
    at, stage, priority = at.take(kept), stage[kept], priority[kept]
    follow = _follow(part, at)
    columns = compute_states(StateSource(part.histories, reference), at)
    specs = query_features(reference.config)
    table = columns_to_table({spec.key: columns[spec.key] for spec in specs}, specs)
    stop = _end_of_the_way(part, at, stage, follow, horizon_days)
    for name, values in (
        (PRIORITY, pa.array(priority, pa.uint64())),
        (STAGE, pa.array(stage, pa.int64())),
        (REACHED_AFTER, _lists(_after(follow.reached, at.t[:, None]))),
        (OTHER_AFTER, pa.array(_after(follow.other, at.t))),
        (KNOWN_FOR, pa.array(_after(follow.known_until, at.t))),
        *_on_the_way(part, reference, at, stop),
    ):
        table = table.append_column(name, values)
    return table


def add_samples(parts: Sequence[pa.Table], size: int) -> pa.Table:
    """The sample of several partitions: the `size` smallest priorities of all."""
    table = pa.concat_tables(parts).combine_chunks()
    order = pc.sort_indices(table[PRIORITY])
    return table.take(order.slice(0, size)).combine_chunks()


def _drawn(
    part: TrainingPart, seed: int, window_days: int
) -> tuple[Snapshots, Places, hashing.Hashes]:
    """One state for each student and stage short of the last, with its priority."""
    records, students = part.histories.records, part.histories.students
    at = part.windows(window_days)
    stage, _ = records.at(at.student, at.t, at.t)
    open_rows = np.flatnonzero((stage < records.stages - 1) & (part.other[at.student] >= at.t))
    at, stage = at.take(open_rows), stage[open_rows]
    seeded = hashing.mix(students.hashes[at.student], seed)
    draw = hashing.mix(hashing.mix(seeded, _WHICH_STATE), at.t)
    order = np.lexsort((draw, stage, at.student))
    at, stage, seeded = at.take(order), stage[order], seeded[order]
    first = np.ones(len(at), bool)
    first[1:] = (at.student[1:] != at.student[:-1]) | (stage[1:] != stage[:-1])
    at, stage, seeded = at.take(np.flatnonzero(first)), stage[first], seeded[first]
    return at, stage, hashing.mix(hashing.mix(seeded, _WHICH_STUDENTS), stage)


def _follow(part: TrainingPart, at: Snapshots) -> Follow:
    """What came after each state; `reached` is `[n, K]`."""
    records = part.histories.records
    place = records.count_before(at.student, at.t)
    stop = records.start[at.student + 1]
    times = np.append(records.time, clock.NEVER)
    reached = []
    for stage in range(records.stages):
        beyond = records.position >= stage
        count = len(beyond)
        following = np.where(beyond, np.arange(count), count)
        following = np.append(np.minimum.accumulate(following[::-1])[::-1], count)
        found = following[place]
        reached.append(np.where(found < stop, times[found], clock.NEVER))
    return Follow(
        origin=at.t,
        reached=np.stack(reached, axis=1),
        other=part.other[at.student],
        known_until=part.known_until[at.student],
    )


def _after(instant: clock.Instants, t: clock.Instants) -> clock.Instants:
    never = instant == clock.NEVER
    return np.where(never, clock.NEVER, np.where(never, 0, instant) - t)


def _end_of_the_way(
    part: TrainingPart, at: Snapshots, stage: Places, follow: Follow, horizon_days: int
) -> clock.Instants:
    """When the furthest stage within the horizon was reached; t itself for who stayed."""
    limit = np.minimum(at.t + horizon_days * clock.DAY, follow.known_until)
    limit = np.minimum(limit, np.where(follow.other == clock.NEVER, clock.NEVER, follow.other))
    stop: clock.Instants = at.t.copy()
    for target in range(part.histories.records.stages):
        arrived = (target > stage) & (follow.reached[:, target] < limit)
        stop = np.where(arrived, follow.reached[:, target], stop)
    return stop


def _on_the_way(
    part: TrainingPart, reference: Reference, at: Snapshots, stop: clock.Instants
) -> list[tuple[str, pa.Array]]:
    """Active events in [t, stop), by type and by engagement, in their order."""
    events, engagements = part.histories.events, reference.engagements
    first, last = events.count_before(at.student, at.t), events.count_before(at.student, stop)
    owner, place = expand(first, np.maximum(last - first, 0))
    active = events.active[place] if len(events) else np.zeros(0, bool)
    owner, place = owner[active], place[active]
    offsets = pa.array(offsets_of(np.bincount(owner, minlength=len(at))), pa.int32())
    types = engagements.types.vocabulary.take(pa.array(events.type[place], pa.int64()))
    items = engagements.ids.take(pa.array(events.engagement[place], pa.int64()))
    return [
        (name, pa.ListArray.from_arrays(offsets, values.cast(pa.string())))
        for name, values in ((TYPES_ON_THE_WAY, types), (ENGAGEMENTS_ON_THE_WAY, items))
    ]


def _lists(values: npt.NDArray[np.int64]) -> pa.Array:
    offsets = np.arange(len(values) + 1) * values.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(values.reshape(-1)))
