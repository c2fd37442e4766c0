"""The views in which likelihood and risk are measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts import figures
from benchmarks.quality_parts.bootstrap import StudentBootstrap
from benchmarks.quality_parts.calibration_bins import CalibrationBins
from benchmarks.quality_parts.figures import Json, Rows, figure_table, rounded
from benchmarks.quality_parts.known_labels import LABELS, given_places, known_rows
from benchmarks.quality_parts.progress import Progress
from benchmarks.quality_parts.snapshots import Snapshots
from schemas import names
from schemas.config import GoalpathConfig

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

POOLED: Final = "pooled"
ACTIVE: Final = "active_14"
NO_EVENT: Final = "no_event"
ONE_EVENT: Final = "one_event"
GIVEN: Final = "given"
NOT_TOLD: Final = ", not told"

SLICE_ROWS: Final = 500
_WEEK: Final = 7 * 86_400_000_000
_MONDAY: Final = 4 * 86_400_000_000  # 1970-01-05
_NOISE_DRAWS: Final = 100
_SLICED: Final = frozenset({figures.OURS, figures.TRUTH, figures.LIGHTGBM})


@dataclasses.dataclass(frozen=True, eq=False)
class HeadAnswers:
    """What all methods say of one head.

    Attributes:
      head: LIKELIHOOD or RISK.
      alone: method -> probability without an engagement, `(n,)`.
      given: method -> the same with the engagement met next; NaN where none is.
    """

    head: str
    alone: Mapping[str, Floats]
    given: Mapping[str, Floats]


def strata_codes(snapshots: Snapshots) -> Places:
    """Equal where cohort, calendar week of t and stage are: `(n,)`.

    In a cohort with weekly snapshots, the same week is the same t.
    """
    week = (snapshots.integers(names.SNAPSHOT_TIME) - _MONDAY) // _WEEK
    cohort = snapshots.columns[names.COHORT].values.astype(np.int64)
    stage = snapshots.columns[names.Q_STAGE].values.astype(np.int64)
    keys = np.stack([cohort, week, stage], axis=1)
    codes: Places = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    return codes


def event_counts(snapshots: Snapshots) -> Floats:
    """Events of any response before t: `(n,)`."""
    return snapshots.numbers(names.Q_EVENTS[0])


def recently_active(snapshots: Snapshots) -> Flags:
    """Whether there is an active event in the last 14 days: `(n,)`."""
    weekly = snapshots.numbers(names.Q_WEEKLY_ACTIVE)
    active: Flags = weekly[:, :2].sum(axis=1) > 0
    return active


def measure_head(
    answers: HeadAnswers, snapshots: Snapshots, bootstrap: StudentBootstrap, progress: Progress
) -> Json:
    """View -> {"rows", "students", "positives", "metrics"}."""
    known = known_rows(snapshots, answers.head)
    counts = event_counts(snapshots)
    few = (figures.AUC, figures.LOG_LOSS)
    every = (
        figures.AUC,
        figures.STRATA_AUC,
        figures.LOG_LOSS,
        figures.BRIER,
        figures.ECE,
    )
    views = {
        POOLED: (known, answers.alone, every),
        ACTIVE: (known & recently_active(snapshots), answers.alone, few),
        NO_EVENT: (known & (counts == 0), answers.alone, few),
        ONE_EVENT: (known & (counts == 1), answers.alone, few),
        GIVEN: (
            known & (given_places(snapshots) >= 0),
            {
                **answers.given,
                **{method + NOT_TOLD: answers.alone[method] for method in answers.given},
            },
            (*few, figures.ECE),
        ),
    }
    found: Json = {}
    for view, (rows, methods, metrics) in views.items():
        found[view] = _measure_rows(
            answers.head,
            rows=rows,
            methods=methods,
            metrics=metrics,
            snapshots=snapshots,
            bootstrap=bootstrap,
        )
        progress.say(f"{answers.head}: figures of {view}")
    return found


def _measure_rows(
    head: str,
    *,
    rows: Flags,
    methods: Mapping[str, Floats],
    metrics: tuple[str, ...],
    snapshots: Snapshots,
    bootstrap: StudentBootstrap,
) -> Json:
    student = snapshots.columns[names.STUDENT_ID].values.astype(np.int64)[rows]
    labels = snapshots.numbers(LABELS[head][0])[rows]
    view = Rows(student, labels, strata_codes(snapshots)[rows])
    # The truth, for one, need not know every snapshot.
    whole = {method: values[rows] for method, values in methods.items()}
    whole = {method: values for method, values in whole.items() if not np.isnan(values).any()}
    return {
        "rows": int(rows.sum()),
        "students": len(np.unique(student)),
        "positives": int(labels.sum()),
        "metrics": figure_table(whole, view.measures(metrics), student, bootstrap)
        if len(labels)
        else {},
    }


def slice_calibration(
    answers: HeadAnswers, snapshots: Snapshots, config: GoalpathConfig, seed: int
) -> list[Json]:
    """The calibration error of every slice with `SLICE_ROWS` snapshots, largest first.

    Slices by the engagement met next are of the probabilities that were told it.

    Returns:
      {"slice", "value", "rows", "noise", "ece": {method: error}} each.
    """
    known = known_rows(snapshots, answers.head)
    labels = snapshots.numbers(LABELS[answers.head][0])
    found = []
    for key in (names.Q_STAGE, *(names.PROFILE_PREFIX + c for c in config.evaluation.slices)):
        column = snapshots.columns[key]
        for code, word in enumerate(column.vocabulary):
            rows = known & (column.values == code)
            found.append(_slice((key, word), rows, labels, answers.alone, seed))
    place = given_places(snapshots)
    types = snapshots.columns[names.C_TYPE]
    for code, word in enumerate(types.vocabulary):
        rows = known & (place >= 0)
        rows[rows] = types.values[place[rows]] == code
        found.append(_slice((names.C_TYPE, word), rows, labels, answers.given, seed))
    kept = [entry for entry in found if entry is not None]
    return sorted(kept, key=_own_error, reverse=True)


def _own_error(entry: Json) -> float:
    return float(entry["ece"][figures.OURS])


def _slice(
    value: tuple[str, str],
    rows: Flags,
    labels: Floats,
    answers: Mapping[str, Floats],
    seed: int,
) -> Json | None:
    key, word = value
    if rows.sum() < SLICE_ROWS:
        return None
    shown = {
        method: values[rows]
        for method, values in answers.items()
        if method in _SLICED and not np.isnan(values[rows]).any()
    }
    own = CalibrationBins(labels[rows], shown[figures.OURS])
    errors = {
        method: rounded(CalibrationBins(labels[rows], values).error())
        for method, values in shown.items()
    }
    return {
        "slice": key.removeprefix(names.PROFILE_PREFIX),
        "value": word,
        "rows": int(rows.sum()),
        "noise": rounded(own.noise(_NOISE_DRAWS, seed)),
        "ece": errors,
    }


def distance_to_truth(
    answers: HeadAnswers, snapshots: Snapshots, bootstrap: StudentBootstrap
) -> Json | None:
    """How far probabilities are from the true ones, where the truth is known.

    Returns:
      {"rows", "auc_short_of_truth", "methods": {method: {"correlation",
      "mean_absolute_error", "mean_error"}}}; None without a truth.
    """
    truth = answers.alone.get(figures.TRUTH)
    if truth is None:
        return None
    rows = known_rows(snapshots, answers.head) & ~np.isnan(truth)
    student = snapshots.columns[names.STUDENT_ID].values.astype(np.int64)[rows]
    view = Rows(
        student, snapshots.numbers(LABELS[answers.head][0])[rows], strata_codes(snapshots)[rows]
    )
    short: Json = {}
    for metric, measure_of in view.measures((figures.AUC, figures.STRATA_AUC)).items():
        own, true = (
            bootstrap.estimate(measure_of(answers.alone[method][rows]), student)
            for method in (figures.OURS, figures.TRUTH)
        )
        short[metric] = figures.as_triple(true.minus(own))
    return {
        "rows": int(rows.sum()),
        "short_of_truth": short,
        "methods": {
            method: _closeness(values[rows], truth[rows])
            for method, values in answers.alone.items()
            if method != figures.TRUTH
        },
    }


def _closeness(values: Floats, truth: Floats) -> Json:
    constant = values.std() < 1e-12 or truth.std() < 1e-12
    return {
        "correlation": None if constant else rounded(float(np.corrcoef(values, truth)[0, 1])),
        "mean_absolute_error": rounded(float(np.abs(values - truth).mean())),
        "mean_error": rounded(float((values - truth).mean())),
    }
