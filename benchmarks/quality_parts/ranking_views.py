"""The views in which ranking is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts import figures
from benchmarks.quality_parts.bootstrap import StudentBootstrap, weighted_mean
from benchmarks.quality_parts.candidate_lists import CandidateLists
from benchmarks.quality_parts.feature_table import codes_of
from benchmarks.quality_parts.figures import Json, figure_table
from benchmarks.quality_parts.probability_views import NO_EVENT, ONE_EVENT, event_counts
from benchmarks.quality_parts.progress import Progress
from benchmarks.quality_parts.snapshots import Snapshots
from schemas import names

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ALL: Final = "all"
NEW: Final = "new_engagements"
NEW_AMONG_ALL: Final = "new_among_all"
_METRICS: Final = (figures.NDCG, figures.RECALL)


def new_engagements(train: Snapshots, evaluation: Snapshots) -> Flags:
    """Which evaluation candidates have an id that no training list has: `(total,)`."""
    seen = train.columns[names.C_ID].vocabulary
    unseen: Flags = codes_of(evaluation.columns[names.C_ID], seen) < 0
    return unseen


def measure_ranking(
    answers: Mapping[str, Floats],
    lists: CandidateLists,
    *,
    train: Snapshots,
    evaluation: Snapshots,
    bootstrap: StudentBootstrap,
    progress: Progress,
) -> Json:
    """View -> {"lists", "students", "candidates", "metrics"}.

    Args:
      answers: method -> scores of the candidates of `lists`.
      lists: to measure on.
      train: whose lists say which engagements are new.
      evaluation: the split that `lists` is of.
      bootstrap: of the split's students.
      progress: is told what goes on.
    """
    answers = {**answers, figures.CHANCE: np.zeros(len(lists.places))}
    new = new_engagements(train, evaluation)[lists.places]
    per_list = _per_list(answers, lists)
    progress.say("ranking: measured every list")
    counts = event_counts(evaluation)[lists.snapshot]
    everything = np.ones(len(lists.snapshot), bool)
    found: Json = {
        view: _view(per_list, lists, rows, evaluation, bootstrap)
        for view, rows in (
            (ALL, everything),
            (NO_EVENT, counts == 0),
            (ONE_EVENT, counts == 1),
        )
    }
    parts = {NEW: lists.restricted(new), NEW_AMONG_ALL: lists.graded_by(new)}
    for view, (part, chosen) in parts.items():
        of_part = _per_list({method: s[chosen] for method, s in answers.items()}, part)
        every = np.ones(len(part.snapshot), bool)
        found[view] = _view(of_part, part, every, evaluation, bootstrap)
    return found


def _per_list(answers: Mapping[str, Floats], lists: CandidateLists) -> dict[str, dict[str, Floats]]:
    return {
        metric: {method: lists.measure(metric, scores) for method, scores in answers.items()}
        for metric in _METRICS
    }


def _view(
    per_list: Mapping[str, Mapping[str, Floats]],
    lists: CandidateLists,
    rows: Flags,
    evaluation: Snapshots,
    bootstrap: StudentBootstrap,
) -> Json:
    student = evaluation.columns[names.STUDENT_ID].values.astype(np.int64)
    student = student[lists.snapshot[rows]]
    metrics: Json = {}
    for metric, methods in per_list.items() if rows.any() else ():
        kept = {method: values[rows] for method, values in methods.items()}
        metrics |= figure_table(kept, {metric: weighted_mean}, student, bootstrap)
    return {
        "lists": int(rows.sum()),
        "students": len(np.unique(student)),
        "candidates": int(lists.lengths[rows].sum()),
        "metrics": metrics,
    }
