"""`run.json`: what a run did, measured and decided, as one JSON object."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.exit_codes import ExitCode
from pipeline.missed_threshold import MissedThreshold
from pipeline.node_events import NodeEvent
from pipeline.progress import NodeTimes
from schemas.errors import GoalpathError

PUSHED: Final = "pushed"
UNCHANGED: Final = "unchanged"
NOT_BLESSED: Final = "not_blessed"
FAILED: Final = "failed"
RUNNING: Final = "running"
NOT_RUN: Final = "not run"

HeadMetrics = Mapping[str, Mapping[str, "float | None"]]


@dataclasses.dataclass(frozen=True)
class Blessing:
    """What one judge said.

    Attributes:
      by: id of the node.
      blessed: whether the model is let through.
      reasons: why it is not.
      details: the same for programs.
    """

    by: str
    blessed: bool
    reasons: tuple[str, ...] = ()
    details: tuple[Mapping[str, Any], ...] = ()


@dataclasses.dataclass(frozen=True)
class RunInputs:
    """What a run was made from.

    Attributes:
      data: the folder given.
      fingerprint: of its tables.
      as_of: as asked for; "" where it follows from the data.
      window_days: as asked for; 0 for all.
      config: name of the configuration.
      code: identity of the code, see `schemas.code_identity`.
      digest: of all of them.
      runner: that ran the nodes.
    """

    data: str
    fingerprint: str
    as_of: str
    window_days: int
    config: str
    code: str
    digest: str
    runner: str


@dataclasses.dataclass(frozen=True)
class RunOutcome:
    """What a run that reached its end found.

    Attributes:
      as_of: of the snapshots; "" where not known.
      examples: Examples per split.
      metrics: slice -> head -> metric -> value.
      baseline: version compared with; "" for none.
      baseline_skipped: why a version that is there was not compared with.
      baseline_metrics: as `metrics`, of the baseline; empty without one.
      blessings: of all judges.
      version: that these inputs led to; "" where none was let through.
      version_path: its folder; "" likewise.
      pushed_now: this run pushed it, and not an earlier one.
    """

    as_of: str
    examples: Mapping[str, int]
    metrics: Mapping[str, HeadMetrics]
    baseline: str
    baseline_skipped: str
    baseline_metrics: Mapping[str, HeadMetrics]
    blessings: tuple[Blessing, ...]
    version: str
    version_path: str
    pushed_now: bool

    @property
    def status(self) -> str:
        """PUSHED, UNCHANGED or NOT_BLESSED."""
        if not self.version:
            return NOT_BLESSED
        return PUSHED if self.pushed_now else UNCHANGED

    @property
    def exit_code(self) -> ExitCode:
        """What the process says with its exit code."""
        return ExitCode.NOT_BLESSED if self.status == NOT_BLESSED else ExitCode.DONE


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """What is known of a run whatever became of it.

    Attributes:
      run_id: its name in ML Metadata.
      started, finished: seconds since the epoch.
      inputs: what it was made from.
      nodes: ids in the order of the pipeline.
      events: of its nodes.
      quarantined: rows set aside, per table.
      log: its log.
    """

    run_id: str
    started: float
    finished: float
    inputs: RunInputs
    nodes: tuple[str, ...]
    events: tuple[NodeEvent, ...]
    quarantined: Mapping[str, int]
    log: str


def summarise(
    record: RunRecord, outcome: RunOutcome | None, error: BaseException | None
) -> dict[str, Any]:
    """The content of `run.json`.

    Args:
      record: of the run.
      outcome: where it reached its end.
      error: where it did not. With neither the run is going on, or was killed.
    """
    status, exit_code = _status(outcome, error)
    summary: dict[str, Any] = {
        "status": status,
        "exit_code": exit_code,
        "run_id": record.run_id,
        "started": record.started,
        "finished": None if status == RUNNING else record.finished,
        "seconds": round(record.finished - record.started, 3),
        "inputs": dataclasses.asdict(record.inputs),
        "quarantined_rows": dict(record.quarantined),
        "nodes": _nodes(record),
        "log": record.log,
    }
    if outcome:
        summary.update(_outcome(outcome))
    if error:
        summary["error"] = _describe(error)
    return summary


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes `content` to `path`, which is whole or as it was."""
    partial = path.with_suffix(".partial")
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        partial.write_text(text + "\n", encoding="utf-8")
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def replace_json(path: Path, content: Mapping[str, Any]) -> None:
    """As `write_json`, but gives up the old file where a full disk has no room for both.

    What cannot be written even so is left out: there is an error under way already,
    and it matters more.
    """
    try:
        write_json(path, content)
    except OSError:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            write_json(path, content)


def missed(by: str, blessed: bool, thresholds: Iterable[MissedThreshold]) -> Blessing:
    """The blessing of Evaluator, from the thresholds that the model missed."""
    found = tuple(thresholds)
    return Blessing(
        by=by,
        blessed=blessed,
        reasons=tuple(each.describe() for each in found),
        details=tuple(dataclasses.asdict(each) for each in found),
    )


def _status(outcome: RunOutcome | None, error: BaseException | None) -> tuple[str, int | None]:
    if outcome:
        return outcome.status, int(outcome.exit_code)
    return (FAILED, int(_exit_code(error))) if error else (RUNNING, None)


def _exit_code(error: BaseException) -> ExitCode:
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    return ExitCode(error.exit_code) if isinstance(error, GoalpathError) else ExitCode.FAILED


def _describe(error: BaseException) -> dict[str, str]:
    if not isinstance(error, GoalpathError):
        return {"rule": f"{type(error).__name__}: {error}"}
    return {
        "node": getattr(error, "node", ""),
        "rule": error.rule,
        "where": error.where,
        "received": error.received,
        "remedy": error.remedy,
    }


def _nodes(record: RunRecord) -> list[dict[str, Any]]:
    times = NodeTimes()
    for event in record.events:
        if event.node:
            times.take(event)
    rows = []
    for node in record.nodes:
        seconds = times.seconds(node, record.finished)
        rows.append(
            {
                "node": node,
                "state": times.state(node) or NOT_RUN,
                "seconds": None if seconds is None else round(seconds, 3),
                "input_bytes": times.input_bytes(node),
            }
        )
    return rows


def _outcome(outcome: RunOutcome) -> dict[str, Any]:
    return {
        "as_of": outcome.as_of,
        "examples": dict(outcome.examples),
        "metrics": outcome.metrics,
        "baseline": {
            "version": outcome.baseline,
            "skipped": outcome.baseline_skipped,
            "metrics": outcome.baseline_metrics,
        },
        "blessings": [dataclasses.asdict(blessing) for blessing in outcome.blessings],
        "version": outcome.version,
        "version_path": outcome.version_path,
        "pushed_now": outcome.pushed_now,
    }
