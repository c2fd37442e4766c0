"""Probabilities from next to nothing: a constant, a table, one feature."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from benchmarks.quality_parts.snapshots import Snapshots
from schemas import names

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_PRIOR_ROWS = 20.0


def constant(labels: Floats, count: int) -> Floats:
    """The rate of the training labels, `count` times."""
    return np.full(count, labels.mean())


def stage_week_codes(snapshots: Snapshots) -> tuple[Places, Places]:
    """The stage, and the stage with the week, of each snapshot.

    Weeks count from the start of the cohort, without one from the student's entry.
    """
    stage = np.round(snapshots.numbers(names.Q_STAGE_POSITION) * 1000).astype(np.int64)
    in_cohort = snapshots.numbers(names.Q_COHORT_KNOWN) > 0
    days = np.where(
        in_cohort,
        snapshots.numbers(names.Q_DAYS_SINCE_START),
        snapshots.numbers(names.Q_DAYS_SINCE_ENTRY),
    )
    week = np.floor(days / 7).astype(np.int64)
    return stage, stage * 10_000 + week


def frequency(labels: Floats, train: tuple[Places, Places], rows: tuple[Places, Places]) -> Floats:
    """The rate of the training rows with the same stage and week.

    It is drawn to the rate of the stage, and that to the rate of all, as if by
    `_PRIOR_ROWS` rows more.

    Args:
      labels: of shape `(m,)`, of the training rows.
      train: codes of stage, and of stage and week, `(m,)`.
      rows: the same of n rows.

    Returns:
      `(n,)` in [0, 1].
    """
    estimate = np.full(len(rows[0]), labels.mean())
    prior = np.full(len(labels), labels.mean())
    for have, want in zip(train, rows, strict=True):
        values, place = np.unique(have, return_inverse=True)
        count, hits = np.bincount(place), np.bincount(place, weights=labels)
        # All rows of a code have the same prior, that of the code above it.
        above = np.bincount(place, weights=prior) / count
        rate = (hits + _PRIOR_ROWS * above) / (count + _PRIOR_ROWS)
        prior = rate[place]
        found = np.minimum(np.searchsorted(values, want), len(values) - 1)
        estimate = np.where(values[found] == want, rate[found], estimate)
    return estimate


def one_feature(labels: Floats, train: Floats, rows: Floats) -> Floats:
    """Logistic regression on log1p of one number of days: it orders as the days do.

    Args:
      labels: of shape `(m,)`.
      train: of shape `(m,)`.
      rows: of shape `(n,)`.

    Returns:
      `(n,)` in [0, 1].
    """
    model = LogisticRegression().fit(np.log1p(train)[:, None], labels)
    found: Floats = model.predict_proba(np.log1p(rows)[:, None])[:, 1]
    return found
