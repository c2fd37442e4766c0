"""Which split each snapshot goes to."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.event_example_gen import clock, hashing
from components.event_example_gen.state import Snapshots
from components.event_example_gen.students import Students
from schemas import names
from schemas.config import CohortSplitConfig, GoalpathConfig, TimeSplitConfig

SERVING: Final = "serving"
ALL_SPLITS: Final = (*names.SPLITS, SERVING)
TRAIN, CALIBRATION, EVAL = range(3)  # places in names.SPLITS
LEFT_OUT: Final = -1

_CALIBRATION_DRAW: Final = 1  # tells this use of a student's hash from others


@dataclasses.dataclass(frozen=True)
class SplitPlan:
    """How snapshots are split.

    Attributes:
      method: `time` or `cohort`.
      seed: of the draw of calibration students.
      calibration_share: of training students.
      evaluation_start: first instant of evaluation; None with method `cohort`.
      embargo: microseconds without training snapshots before it.
      train_cohorts: with method `cohort`.
      eval_cohorts: with method `cohort`.
    """

    method: str
    seed: int
    calibration_share: float
    evaluation_start: int | None = None
    embargo: int = 0
    train_cohorts: tuple[str, ...] = ()
    eval_cohorts: tuple[str, ...] = ()

    def assign(self, students: Students, snapshots: Snapshots) -> npt.NDArray[np.int64]:
        """The split of each snapshot: a place in `names.SPLITS`, or `LEFT_OUT`."""
        train, evaluation = self._sides(students, snapshots)
        calibration = self.is_calibration(students.hashes)[snapshots.student]
        split = np.where(calibration, CALIBRATION, TRAIN)
        return np.select([train, evaluation], [split, np.full(len(split), EVAL)], LEFT_OUT)

    def is_calibration(self, hashes: hashing.Hashes) -> npt.NDArray[np.bool_]:
        """Which students are set apart for calibration, where they are trained on."""
        drawn = hashing.mix(hashing.mix(hashes, self.seed), _CALIBRATION_DRAW)
        return hashing.uniform(drawn) < self.calibration_share

    def barriers(self, split: npt.NDArray[np.int64]) -> clock.Instants:
        """The instants that no label of the snapshots may reach past: `[n]`."""
        before = np.isin(split, (TRAIN, CALIBRATION))
        limit = clock.NEVER if self.evaluation_start is None else self.evaluation_start
        return np.where(before, limit, clock.NEVER)

    def _sides(
        self, students: Students, snapshots: Snapshots
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        if self.evaluation_start is not None:
            train = snapshots.t + self.embargo < self.evaluation_start
            return train, snapshots.t >= self.evaluation_start
        return (
            _in_cohorts(students, self.train_cohorts)[snapshots.student],
            _in_cohorts(students, self.eval_cohorts)[snapshots.student],
        )


def _in_cohorts(students: Students, cohorts: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    named = pc.is_in(students.cohort.vocabulary, value_set=pa.array(cohorts, pa.large_string()))
    is_in: npt.NDArray[np.bool_] = named.to_numpy(zero_copy_only=False)[students.cohort.codes]
    return is_in


def plan_splits(config: GoalpathConfig, *, first_snapshot: int, as_of: int) -> SplitPlan:
    """How the snapshots of a data set are split.

    Args:
      config: of the data set.
      first_snapshot: of all students; `clock.NEVER` where there is none.
      as_of: rows at or after it do not exist.
    """
    split, seed = config.split, config.training.seed
    if isinstance(split, CohortSplitConfig):
        return SplitPlan(
            method=split.method,
            seed=seed,
            calibration_share=split.calibration_share,
            train_cohorts=split.train,
            eval_cohorts=split.eval,
        )
    horizons = config.horizons
    embargo_days = split.embargo_days
    if embargo_days is None:
        embargo_days = max(horizons.likelihood_days, horizons.risk_days)
    return SplitPlan(
        method=split.method,
        seed=seed,
        calibration_share=split.calibration_share,
        evaluation_start=evaluation_start(
            split, min(first_snapshot, as_of), as_of, horizons.longest_days * clock.DAY
        ),
        embargo=embargo_days * clock.DAY,
    )


def evaluation_start(split: TimeSplitConfig, first: int, as_of: int, horizon: int) -> int:
    """The first instant of evaluation.

    Args:
      split: of the configuration.
      first: the first snapshot.
      as_of: rows at or after it do not exist.
      horizon: the longest, in microseconds.
    """
    if split.evaluation_from is not None:
        midnight = dt.datetime.combine(split.evaluation_from, dt.time(), dt.timezone.utc)
        return clock.from_datetime(midnight)
    usable_end = max(as_of - horizon, first + (as_of - first) // 2)
    start = first + int((1 - split.evaluation_share) * (usable_end - first))
    return start // clock.DAY * clock.DAY
