"""Counts windows by what was met in them, within strata of alike windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from components.conversion_patterns.strata import Codes, Tally, add_tallies, tally
from components.conversion_patterns.student_windows import (
    Flags,
    StudentWindows,
    classes,
    meetings,
    recency,
    student_windows,
)
from components.conversion_patterns.training_part import TrainingPart
from components.event_example_gen import clock
from components.event_example_gen.segments import Places, offsets_of
from schemas.config import PatternsConfig
from schemas.conversion_patterns import Subject

# Columns of a key: the stratum, and in `met` what was met after it.
STAGE, WEEK, RECENCY, TIME_IN_STAGE, OFFERED, CHOSEN, LENGTH = range(7)
STRATUM_WIDTH = 7
SUBJECTS = (Subject.TYPE, Subject.ENGAGEMENT, Subject.SEQUENCE)
NO_TYPE = -1
LONGEST_SEQUENCE = 3


@dataclasses.dataclass(frozen=True, eq=False)
class EffectCounts:
    """Counts that add up over partitions.

    Attributes:
      pool: subject -> windows that could be compared, by stratum.
      met: subject -> windows in which it was met, by stratum and code: a type, an
        engagement, or `LONGEST_SEQUENCE` types with `NO_TYPE` in front of short ones.
    """

    pool: dict[Subject, Tally]
    met: dict[Subject, Tally]


def add_effect_counts(parts: Sequence[EffectCounts]) -> EffectCounts:
    """Of all partitions together."""
    return EffectCounts(
        {subject: add_tallies([part.pool[subject] for part in parts]) for subject in SUBJECTS},
        {subject: add_tallies([part.met[subject] for part in parts]) for subject in SUBJECTS},
    )


@dataclasses.dataclass(frozen=True, eq=False)
class TypeUse:
    """How the types were met, `T` of them; it adds up over partitions.

    Attributes:
      met: events of training students in training time, int64 `[T]`.
      active: of these, active ones.
    """

    met: Codes
    active: Codes

    def __add__(self, other: TypeUse) -> TypeUse:
        return TypeUse(self.met + other.met, self.active + other.active)

    def self_chosen(self, share: float) -> Flags:
        """Types that are nearly never met without an active event, bool `[T]`.

        Nobody is seen to have been offered such a type and to have let it be, so that
        its meetings tell of the student's own choice.
        """
        return (self.met > 0) & (self.active >= share * self.met)


def count_type_use(part: TrainingPart, types: int) -> TypeUse:
    """Counts a partition's events of training students before their end of knowledge."""
    events = part.histories.events
    known = part.chosen[events.student] & (events.time < part.known_until[events.student])
    return TypeUse(
        np.bincount(events.type[known], minlength=types),
        np.bincount(events.type[known & events.active], minlength=types),
    )


def count_effects(
    part: TrainingPart, chosen_type: Flags, *, window_days: int, patterns: PatternsConfig
) -> EffectCounts:
    """Counts a partition.

    Args:
      part: its training students.
      chosen_type: types that students choose themselves, bool `[T]`.
      window_days: length of a window.
      patterns: bounds of the strata.
    """
    windows = student_windows(part, window_days)
    met = meetings(part, windows)
    events = part.histories.events
    strata = _strata(part, windows, patterns)
    strata[:, WEEK] = windows.t // (window_days * clock.DAY)
    own_choice = chosen_type[events.type[met.place]]
    for column, kind in ((OFFERED, ~own_choice), (CHOSEN, own_choice)):
        number = np.bincount(met.window[kind], minlength=len(windows))
        strata[:, column] = np.minimum(number, patterns.most_meetings)
    begin = np.maximum(windows.stage_since, windows.end - patterns.sequence_days * clock.DAY)
    pool = tally(strata, windows.moved)
    sequence_pool, sequences = _sequences(part, windows, strata, begin, ~chosen_type)
    return EffectCounts(
        pool={Subject.TYPE: pool, Subject.ENGAGEMENT: pool, Subject.SEQUENCE: sequence_pool},
        met={
            Subject.TYPE: _tally_met(windows, strata, met.window, events.type[met.place]),
            Subject.ENGAGEMENT: _tally_met(
                windows, strata, met.window, events.engagement[met.place]
            ),
            Subject.SEQUENCE: sequences,
        },
    )


def _strata(part: TrainingPart, windows: StudentWindows, patterns: PatternsConfig) -> Codes:
    """`[n, STRATUM_WIDTH]` by stage, recency and time in stage; the rest is still 0."""
    strata = np.zeros((len(windows), STRATUM_WIDTH), np.int64)
    strata[:, STAGE] = windows.stage
    strata[:, RECENCY] = recency(part, windows, patterns.recency_days)
    strata[:, TIME_IN_STAGE] = classes(windows.t - windows.stage_since, patterns.stage_time_days)
    return strata


def _tally_met(windows: StudentWindows, strata: Codes, window: Places, code: Places) -> Tally:
    """Windows by stratum and what was met, once each."""
    pairs = np.unique(np.stack([window, code], axis=1), axis=0)
    keys = np.concatenate([strata[pairs[:, 0]], pairs[:, 1:]], axis=1)
    return tally(keys, windows.moved[pairs[:, 0]])


def _sequences(
    part: TrainingPart,
    windows: StudentWindows,
    strata: Codes,
    begin: clock.Instants,
    offered_type: Flags,
) -> tuple[Tally, Tally]:
    """Windows by the last two and three offered types, the last of them in the window.

    Args:
      part: of the windows.
      windows: `n` of them.
      strata: `[n, STRATUM_WIDTH]`.
      begin: no part of a sequence is before it, `[n]`.
      offered_type: types that students do not choose themselves, bool `[T]`.
    """
    events = part.histories.events
    offered = offered_type[events.type]
    before, kinds = offsets_of(offered), events.type[np.flatnonzero(offered)]
    first = before[events.count_before(windows.student, begin)]
    stop = before[events.count_before(windows.student, windows.end)]
    pools, found = [], []
    for length in range(2, LONGEST_SEQUENCE + 1):
        rows = np.flatnonzero((strata[:, OFFERED] > 0) & (stop - first >= length))
        own = strata[rows].copy()
        own[:, LENGTH] = length
        codes = np.full((len(rows), LONGEST_SEQUENCE), NO_TYPE)
        for back in range(1, length + 1):
            codes[:, -back] = kinds[stop[rows] - back]
        pools.append(tally(own, windows.moved[rows]))
        found.append(tally(np.concatenate([own, codes], axis=1), windows.moved[rows]))
    return add_tallies(pools), add_tallies(found)
