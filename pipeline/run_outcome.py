"""Reads from ML Metadata and the artifacts what a finished run found."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from components.evaluator.baseline import pushed_versions
from components.evaluator.executor import BASELINE_SKIPPED, BASELINE_VERSION
from pipeline.evaluation_results import (
    read_baseline_metrics,
    read_metrics,
    read_missed_thresholds,
)
from pipeline.executions import NodeExecution, OutputArtifact
from pipeline.node_ids import EVALUATOR, MODEL_VALIDATOR, SERVING_BUNDLE
from pipeline.run_summary import Blessing, RunOutcome, missed
from schemas import names
from schemas.errors import GoalpathError

_SERVING_FORMAT: Final = "Format-Serving"
_BLESSED: Final = "blessed"
_REPORT: Final = "report.json"


class PushMissingError(GoalpathError):
    """The model was blessed, and is not where it is served from."""


def read_outcome(
    executions: Mapping[str, NodeExecution], serving_dir: Path, pushed_before: Collection[str]
) -> RunOutcome:
    """What the run found, measured and pushed.

    Args:
      executions: of all its nodes, all done.
      serving_dir: folder of the pushed versions.
      pushed_before: the versions that were there when the run began.

    Raises:
      PushMissingError: all judges blessed the model, and its version is not there.
        TFX's Pusher is silent about that.
    """
    manifest = _read_manifest(executions[SERVING_BUNDLE].outputs["bundle"])
    blessing = executions[EVALUATOR].outputs["blessing"]
    evaluation = executions[EVALUATOR].outputs["evaluation"].uri
    baseline = str(blessing.properties.get(BASELINE_VERSION, ""))
    blessings = (
        missed(EVALUATOR, _is_blessed(blessing), read_missed_thresholds(evaluation)),
        _validator_blessing(executions[MODEL_VALIDATOR].outputs["blessing"]),
    )
    version = str(manifest["version"])
    if all(each.blessed for each in blessings):
        _require_pushed(serving_dir, version)
    else:
        version = ""
    return RunOutcome(
        as_of=str(manifest["as_of"]),
        examples=manifest["examples"],
        metrics=read_metrics(evaluation, has_baseline=bool(baseline)),
        baseline=baseline,
        baseline_skipped=str(blessing.properties.get(BASELINE_SKIPPED, "")),
        baseline_metrics=read_baseline_metrics(evaluation) if baseline else {},
        blessings=blessings,
        version=version,
        version_path=str(serving_dir / version) if version else "",
        pushed_now=bool(version) and version not in pushed_before,
    )


def _read_manifest(bundle: OutputArtifact) -> dict[str, Any]:
    path = bundle.uri / _SERVING_FORMAT / names.ASSETS_EXTRA / names.MANIFEST_FILE
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def _is_blessed(blessing: OutputArtifact) -> bool:
    return blessing.properties.get(_BLESSED) == 1


def _validator_blessing(blessing: OutputArtifact) -> Blessing:
    report = json.loads((blessing.uri / _REPORT).read_text(encoding="utf-8"))
    failed = tuple(check for check in report["checks"] if not check["passed"])
    return Blessing(
        by=MODEL_VALIDATOR,
        blessed=_is_blessed(blessing),
        reasons=tuple(f"{check['name']}: {check['detail']}" for check in failed),
        details=failed,
    )


def _require_pushed(serving_dir: Path, version: str) -> None:
    versions = [path.name for path in pushed_versions(serving_dir)]
    if version not in versions:
        raise PushMissingError(
            "a model that every judge blessed must be where it is served from.",
            where=str(serving_dir),
            received=f"versions {versions}, without {version}",
            remedy="it was removed after an earlier run pushed it; "
            "`goalpath run --no-cache` makes and pushes it anew.",
        )
