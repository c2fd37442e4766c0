"""What was written and what was left out, added up over partitions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.event_example_gen.columns import Column, Columns, Numbers, row_count
from components.event_example_gen.generate import Batch
from components.event_example_gen.splits import ALL_SPLITS
from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import TrainingRefusedError

LIKELIHOOD, RISK, RANKING, GOAL = "likelihood", "risk", "ranking", "goal"
_LABELS = {
    LIKELIHOOD: (names.LIKELIHOOD_LABEL, names.LIKELIHOOD_WEIGHT),
    RISK: (names.RISK_LABEL, names.RISK_WEIGHT),
}
# Which students are in which of the two is decided by a hash of their ids.
_BY_STUDENT = {names.TRAIN: names.CALIBRATION, names.CALIBRATION: names.TRAIN}

Sums = Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class PartitionReport:
    """Counts of one partition, or of several added up.

    Attributes:
      counts: students, rows and snapshots by what became of them.
      splits: split -> sums over its Examples.
    """

    counts: Sums = dataclasses.field(default_factory=dict)
    splits: Mapping[str, Sums] = dataclasses.field(default_factory=dict)

    def with_batch(self, batch: Batch) -> PartitionReport:
        """With the Examples of a batch counted."""
        split = ALL_SPLITS[batch.split]
        sums = add_sums([self.splits.get(split, {}), _batch_sums(batch.columns)])
        return dataclasses.replace(self, splits={**self.splits, split: sums})


def add_sums(parts: Sequence[Sums]) -> Sums:
    """Key by key."""
    total: dict[str, float] = {}
    for part in parts:
        for key, value in part.items():
            total[key] = total.get(key, 0) + value
    return total


def add_reports(reports: Sequence[PartitionReport]) -> PartitionReport:
    """The report of all partitions together."""
    splits = {
        split: add_sums([report.splits.get(split, {}) for report in reports])
        for split in ALL_SPLITS
    }
    return PartitionReport(add_sums([report.counts for report in reports]), splits)


def _batch_sums(columns: Columns) -> Sums:
    sums: dict[str, float] = {"snapshots": row_count(columns[names.STUDENT_ID])}
    if names.C_ID not in columns:
        return sums
    for head, (label, weight) in _LABELS.items():
        sums[f"{head}_known"] = float(_values(columns[weight]).sum())
        sums[f"{head}_positive"] = float(_values(columns[label]).sum())
    stages = columns[names.GOAL_LABEL].width
    known = _values(columns[names.GOAL_WEIGHT]).reshape(-1, stages)
    positive = _values(columns[names.GOAL_LABEL]).reshape(-1, stages)
    for stage in range(stages):
        sums[f"{GOAL}_{stage}_known"] = float(known[:, stage].sum())
        sums[f"{GOAL}_{stage}_positive"] = float(positive[:, stage].sum())
    offsets = columns[names.C_ID].offsets
    assert offsets is not None
    sums["candidate_lists"] = float((np.diff(offsets) > 0).sum())
    sums["candidates"] = float(offsets[-1])
    sums[f"{RANKING}_known"] = float(_values(columns[names.RANKING_WEIGHT]).sum())
    sums["given"] = float((_values(columns[names.GIVEN_INDEX]) >= 0).sum())
    return sums


def _values(column: Column) -> np.ndarray[Any, np.dtype[Any]]:
    assert isinstance(column, Numbers)
    return column.values


def summarise(
    report: PartitionReport, config: GoalpathConfig, extra: Mapping[str, object]
) -> dict[str, Any]:
    """The content of `summary.json`.

    Args:
      report: of all partitions.
      config: names the stages.
      extra: further entries, such as `as_of`.
    """
    return {
        **extra,
        **{key: int(value) for key, value in report.counts.items()},
        "splits": {split: _split_summary(sums, config) for split, sums in report.splits.items()},
    }


def _split_summary(sums: Sums, config: GoalpathConfig) -> dict[str, Any]:
    summary: dict[str, Any] = {"snapshots": int(sums.get("snapshots", 0))}
    if "candidates" not in sums:
        return summary
    for key in ("candidate_lists", "candidates", "given"):
        summary[key] = int(sums[key])
    summary["labels"] = {
        LIKELIHOOD: _rate(sums, LIKELIHOOD),
        RISK: _rate(sums, RISK),
        RANKING: {"known": int(sums[f"{RANKING}_known"])},
        GOAL: {stage: _rate(sums, f"{GOAL}_{place}") for place, stage in enumerate(config.stages)},
    }
    return summary


def _rate(sums: Sums, label: str) -> dict[str, Any]:
    known, positive = int(sums[f"{label}_known"]), int(sums[f"{label}_positive"])
    return {"known": known, "positive": positive, "rate": positive / known if known else None}


def require_learnable(summary: Mapping[str, Any], config: GoalpathConfig) -> None:
    """Checks that every split has snapshots and every head known labels.

    Args:
      summary: of `summarise`.
      config: of the data set.

    Raises:
      TrainingRefusedError: a split of training, calibration or evaluation is empty,
        or no label of a head is known in training or evaluation.
    """
    for split in names.SPLITS:
        if not _snapshots(split, summary):
            raise _empty(split, summary, config)
    for split in (names.TRAIN, names.EVAL):
        labels = summary["splits"][split]["labels"]
        for head in (LIKELIHOOD, RISK, RANKING):
            if not labels[head]["known"]:
                raise _unknown(head, split, summary, config)
        if not any(rate["known"] for rate in labels[GOAL].values()):
            raise _unknown(GOAL, split, summary, config)


def _empty(split: str, summary: Mapping[str, Any], config: GoalpathConfig) -> TrainingRefusedError:
    received = f"none; {_span(summary)}"
    if split in _BY_STUDENT and _snapshots(_BY_STUDENT[split], summary):
        received += f"; students in all: {summary['students']}"
        change = "raise" if split == names.CALIBRATION else "lower"
        remedy = f"give more students, or {change} split.calibration_share."
    elif config.split.method == "cohort":
        remedy = "name cohorts under split.train and split.eval whose students have events."
    else:
        remedy = (
            "give data over a longer time, or shorten horizons, split.embargo_days, "
            "or the window of the run."
        )
    return TrainingRefusedError(
        "each of the splits needs snapshots.",
        where=f"split {split}",
        received=received,
        remedy=remedy,
    )


def _snapshots(split: str, summary: Mapping[str, Any]) -> int:
    return int(summary["splits"][split]["snapshots"])


def _unknown(
    head: str, split: str, summary: Mapping[str, Any], config: GoalpathConfig
) -> TrainingRefusedError:
    if head == RANKING:
        return TrainingRefusedError(
            "some snapshots must have a response to an eligible engagement in the ranking window.",
            where=f"split {split}",
            received=f"none within {config.ranking.window_days} days; {_span(summary)}",
            remedy=(
                "check that engagements are available to the students' audience when their "
                "events happen, that responses.grades gives some response more than 0, and "
                "that ranking.window_days fits the data."
            ),
        )
    days = getattr(config.horizons, f"{head}_days")
    return TrainingRefusedError(
        "some labels of each head must be known: their window has to end within the data.",
        where=f"split {split}, head {head}",
        received=f"a horizon of {days} days; {_span(summary)}",
        remedy=(
            f"set horizons.{head}_days to fewer days, give data over a longer time, or give "
            "cohorts that have closed."
        ),
    )


def _span(summary: Mapping[str, Any]) -> str:
    first = summary["first_snapshot"]
    text = "no snapshot" if first is None else f"snapshots from {first}"
    text += f", data until {summary['as_of']}"
    if summary.get("evaluation_start"):
        text += f", evaluation from {summary['evaluation_start']}"
    return text
