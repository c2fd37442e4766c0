"""What a model is made from, and the baseline that follows from it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from components.evaluator.baseline import pushed_versions
from schemas.config import GoalpathConfig
from serving.versions import BrokenVersionError, read_manifest


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


def choose_baseline_version(serving_dir: Path, digest: str) -> str:
    """The newest pushed version that was made from other inputs; "" where there is none.

    A run with the inputs of an earlier one finds all its nodes in the cache, the model
    that the earlier one pushed among them. Compared with itself, that model would
    have to be evaluated and pushed anew. The versions say themselves what they were
    made from, so this holds after a run that was killed as soon as it had pushed.

    Args:
      serving_dir: folder of the pushed versions.
      digest: of this run's inputs.
    """
    versions = pushed_versions(serving_dir)
    others = [path.name for path in versions if _made_from_other_inputs(path, digest)]
    return others[-1] if others else ""


def _made_from_other_inputs(version: Path, digest: str) -> bool:
    try:
        return read_manifest(version).get("inputs") != digest
    except BrokenVersionError:  # not one of ours, or damaged: nothing to compare with
        return False
