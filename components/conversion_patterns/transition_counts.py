"""How many students reached which later stage, by day, time in the stage and arrival."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from components.conversion_patterns.competing_risks import Counts, Follow, count_days
from components.conversion_patterns.stage_visits import StageVisits, first_visits
from components.conversion_patterns.student_windows import classes
from components.conversion_patterns.training_part import TrainingPart
from components.event_example_gen import clock
from components.event_example_gen.segments import Places


@dataclasses.dataclass(frozen=True, eq=False)
class TransitionCounts:
    """Counts of a funnel of `K` stages; they add up over partitions.

    Attributes:
      counts: int64 `[pairs, L, A, H + 1, 3]`, of `competing_risks.count_days`, by pair
        as in `stage_pairs`, by what time in the stage the clock starts at, and by class
        of the time from entering the funnel to entering the stage.
    """

    counts: Counts

    def __add__(self, other: TransitionCounts) -> TransitionCounts:
        return TransitionCounts(self.counts + other.counts)


def stage_pairs(stages: int) -> tuple[tuple[int, int], ...]:
    """Every pair from < to of `stages` places, by from and then to."""
    return tuple(itertools.combinations(range(stages), 2))


def count_transitions(
    part: TrainingPart,
    *,
    days_in_stage: Sequence[int],
    arrival_days: Sequence[int],
    horizon: int,
) -> TransitionCounts:
    """Counts a partition.

    Args:
      part: its training students.
      days_in_stage: when to start the clock, `L` of them; 0 is the entry itself.
      arrival_days: bounds of the `A` classes of arrival, ascending, `A - 1` of them.
      horizon: in days, `H`.
    """
    stages = part.histories.records.stages
    visits = [first_visits(part, stage) for stage in range(stages - 1)]
    arrivals = [_arrivals(part, each, arrival_days) for each in visits]
    return TransitionCounts(
        np.stack(
            [
                [
                    [
                        _count(part, visits[origin].take(rows), target, after, horizon)
                        for rows in arrivals[origin]
                    ]
                    for after in days_in_stage
                ]
                for origin, target in stage_pairs(stages)
            ]
        )
    )


def _arrivals(part: TrainingPart, visits: StageVisits, arrival_days: Sequence[int]) -> list[Places]:
    """The visits of each class, by how long after the student they came."""
    found = classes(visits.entered - part.histories.entered[visits.student], arrival_days)
    return [np.flatnonzero(found == place) for place in range(len(arrival_days) + 1)]


def _count(
    part: TrainingPart, visits: StageVisits, target: int, after: int, horizon: int
) -> Counts:
    """Of those still in the stage so many days after they entered it."""
    origin = visits.entered + after * clock.DAY
    other, known = part.other[visits.student], part.known_until[visits.student]
    here = (visits.left >= origin) & (other >= origin) & (origin < known)
    rows = np.flatnonzero(here)
    return count_days(
        Follow(
            origin=origin[rows],
            reached=visits.reaches[rows, target],
            other=other[rows],
            known_until=known[rows],
        ),
        horizon,
    )
