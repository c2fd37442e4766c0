"""Puts a model version together: the SavedModel and all that belongs to it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from components.serving_bundle.model_card import model_card
from schemas import names, patterns_files
from schemas.config import GoalpathConfig
from schemas.errors import GoalpathError
from schemas.version import __version__
from serving.versions import BESIDE_STATES, STATES_FOLDER, manifest_path, sha256_of

_SAVED_MODEL: Final = "saved_model.pb"
SUMMARY_FILE: Final = "summary.json"


class IncompleteBundleError(GoalpathError):
    """Something that a model version needs was not made."""


@dataclasses.dataclass(frozen=True)
class BundleParts:
    """Where the parts of a version come from.

    Attributes:
      saved_model: GoalCalibrator's SavedModel, with its own `assets.extra/`.
      patterns: `patterns.json`.
      journeys: `journeys.parquet`.
      catalogue: `catalogue.parquet`.
      states: `states.parquet`.
      statistics: the training split's statistics, a binary TFMD proto.
      summary: `summary.json` of the Examples.
      engagement_vectors: `engagement_vectors.parquet`.
      beside_states: file name -> what else is pushed beside the states.
    """

    saved_model: Path
    patterns: Path
    journeys: Path
    catalogue: Path
    states: Path
    statistics: Path
    summary: Path
    engagement_vectors: Path
    beside_states: Mapping[str, Path]


# What is copied into `assets.extra/`: name there -> which part.
COPIED: Final[Mapping[str, Callable[[BundleParts], Path]]] = {
    patterns_files.PATTERNS_FILE: lambda parts: parts.patterns,
    patterns_files.JOURNEYS_FILE: lambda parts: parts.journeys,
    names.CATALOGUE_FILE: lambda parts: parts.catalogue,
    names.STATISTICS_FILE: lambda parts: parts.statistics,
    names.ENGAGEMENT_VECTORS_FILE: lambda parts: parts.engagement_vectors,
}
# What Trainer and GoalCalibrator have to have left in `assets.extra/`.
FROM_TRAINING: Final = (
    names.KERAS_FILE,
    names.CHECKSUMS_FILE,
    names.GOLDEN_FILE,
    names.GOAL_PARAMETERS_FILE,
)


def build_bundle(
    parts: BundleParts,
    target: Path,
    *,
    config: GoalpathConfig,
    created: dt.datetime,
    library_versions: Mapping[str, str],
    inputs: str = "",
) -> dict[str, object]:
    """Writes a complete model version into `target`.

    Args:
      parts: what it is made from; every file must be there.
      target: folder of the version; an unfinished one from a killed run is replaced.
      config: of the data set.
      created: aware; its seconds since the epoch are the version's number.
      library_versions: package -> version the model was made with.
      inputs: name of all that the model is made from; "" where it is not known.

    Returns:
      The manifest.

    Raises:
      IncompleteBundleError: a part is missing.
    """
    _require(parts)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(parts.saved_model, target)
    extra = target / names.ASSETS_EXTRA
    for name, part in COPIED.items():
        shutil.copyfile(part(parts), extra / name)
    summary = json.loads(parts.summary.read_text(encoding="utf-8"))
    card = model_card(config, summary, created=created, library_versions=library_versions)
    _write_json(extra / names.MODEL_CARD_FILE, card)
    manifest = _manifest(
        parts,
        target,
        config=config,
        summary=summary,
        created=created,
        library_versions=library_versions,
        inputs=inputs,
    )
    _write_json(manifest_path(target), manifest)
    return manifest


def describe_files(folder: Path) -> dict[str, dict[str, object]]:
    """Path relative to `folder` -> SHA-256 and size in bytes, of every file but the manifest."""
    own = manifest_path(folder)
    return {
        path.relative_to(folder).as_posix(): {
            "sha256": sha256_of(path),
            "bytes": path.stat().st_size,
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != own
    }


def _manifest(
    parts: BundleParts,
    target: Path,
    *,
    config: GoalpathConfig,
    summary: Mapping[str, Any],
    created: dt.datetime,
    library_versions: Mapping[str, str],
    inputs: str,
) -> dict[str, object]:
    number = int(created.timestamp())
    return {
        "version": number,
        "model_name": config.serving.model_name,
        "created": created.astimezone(dt.timezone.utc).isoformat(timespec="seconds"),
        "goalpath_version": __version__,
        "library_versions": dict(library_versions),
        "as_of": summary["as_of"],
        "stages": list(config.stages),
        "examples": {split: sums["snapshots"] for split, sums in summary["splits"].items()},
        "config": config.model_dump(mode="json"),
        "inputs": inputs,
        "states": _beside(number, names.STATES_FILE, parts.states),
        BESIDE_STATES: {
            name: _beside(number, name, path) for name, path in sorted(parts.beside_states.items())
        },
        "files": describe_files(target),
    }


def _beside(number: int, name: str, path: Path) -> dict[str, object]:
    """How the manifest describes a file of `OUT/states/<version>/`."""
    return {
        "path": f"{STATES_FOLDER}/{number}/{name}",
        "sha256": sha256_of(path),
        "bytes": path.stat().st_size,
    }


def _require(parts: BundleParts) -> None:
    wanted = {
        "model": parts.saved_model / _SAVED_MODEL,
        **{name: parts.saved_model / names.ASSETS_EXTRA / name for name in FROM_TRAINING},
        "patterns": parts.patterns,
        "journeys": parts.journeys,
        "catalogue": parts.catalogue,
        "states": parts.states,
        "statistics": parts.statistics,
        "summary": parts.summary,
        "engagement vectors": parts.engagement_vectors,
        **parts.beside_states,
    }
    missing = [f"{what} ({path})" for what, path in wanted.items() if not path.is_file()]
    if missing:
        raise IncompleteBundleError(
            "a model version needs every one of its parts.",
            where="ServingBundle",
            received=f"no {', no '.join(missing)}",
            remedy="run again with --no-cache: an earlier node left its output unfinished.",
        )


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
