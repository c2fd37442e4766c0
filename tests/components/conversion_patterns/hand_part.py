"""Training students of hand-made lives; days count from a Monday, see `hand_made`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.conversion_patterns.training_part import TrainingPart, training_part
from components.event_example_gen import clock
from components.event_example_gen.partition import Reference
from components.event_example_gen.splits import SplitPlan
from tests.components.event_example_gen.hand_made import ENGAGEMENTS, Row, day, make_tables
from tests.components.event_example_gen.in_memory import make_histories, make_reference
from tests.sample_data import DAY, START, sample_config

NEVER = None


def until(end: float, *, embargo: float = 0, calibration: float = 0) -> SplitPlan:
    """Everything before a day is training time."""
    return SplitPlan(
        method="time",
        seed=1,
        calibration_share=calibration,
        evaluation_start=day(end),
        embargo=round(embargo * DAY),
    )


def cohorts_of(*train: str) -> SplitPlan:
    """The students of some cohorts are of training."""
    return SplitPlan(
        method="cohort", seed=1, calibration_share=0, train_cohorts=train, eval_cohorts=()
    )


def make_part(
    students: Sequence[Row],
    events: Sequence[Row] = (),
    *,
    changes: Sequence[Row] = (),
    cohorts: Sequence[Row] | None = None,
    engagements: Sequence[Row] = ENGAGEMENTS,
    plan: SplitPlan | None = None,
    as_of: float = 1000,
    since: int = clock.MISSING,
) -> tuple[TrainingPart, Reference]:
    """The part, and what partitions share; in the order of the ids of the students."""
    config = sample_config(cohorts=cohorts is not None)
    tables = make_tables(
        students, events, changes=changes, cohorts=cohorts, engagements=engagements
    )
    reference = make_reference(tables, config, day(as_of))
    part = training_part(
        make_histories(tables, reference), reference, plan or until(as_of), since=since
    )
    return part, reference


def in_days(instants: npt.NDArray[np.int64]) -> list[float | None]:
    """Days since the start; None: never, or missing."""
    return [
        None if each in (clock.NEVER, clock.MISSING) else (each - START) / DAY
        for each in instants.tolist()
    ]
