"""What earlier runs of an output folder left, and the baseline that follows from it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from components.evaluator.baseline import pushed_versions
from schemas.config import GoalpathConfig


def inputs_digest(
    fingerprint: str, config: GoalpathConfig, as_of: str, window_days: int, code: str
) -> str:
    """A name for what a model is made from: the same inputs, the same digest.

    The code is one of them. What it made of the same data before it was changed is
    another model, and the one to compare with.

    Args:
      fingerprint: of the data.
      config: of the data set.
      as_of: as asked for.
      window_days: as asked for.
      code: identity of the code.
    """
    parts = [fingerprint, config.model_dump_json(), as_of, str(window_days), code]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def choose_baseline_version(serving_dir: Path, runs: Path, digest: str) -> str:
    """The newest pushed version that was made from other inputs; "" where none was.

    A run with the inputs of an earlier one finds all its nodes in the cache, the model
    that the earlier one pushed among them. Compared with itself, that model would
    have to be evaluated and pushed anew.

    Args:
      serving_dir: folder of the pushed versions.
      runs: folder of the summaries of earlier runs.
      digest: of this run's inputs.
    """
    own = {
        str(summary["version"])
        for summary in read_summaries(runs)
        if summary.get("version") and summary["inputs"]["digest"] == digest
    }
    others = [path.name for path in pushed_versions(serving_dir) if path.name not in own]
    return others[-1] if others else ""


def read_summaries(runs: Path) -> list[dict[str, Any]]:
    """The summaries of earlier runs, oldest first."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(runs.glob("*.json"))]
