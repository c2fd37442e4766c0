"""Which pushed version a new model is compared with, and how TFX gets to see it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from schemas import names
from schemas.config import GoalpathConfig, stored_config
from schemas.errors import InputError
from schemas.features import FeatureSpec, candidate_features, query_features

SERVING_DIR: Final = "serving_dir"
BASELINE: Final = "baseline"
LATEST: Final = "latest"
_SERVING_FORMAT: Final = "Format-Serving"
_SAVED_MODEL: Final = "saved_model.pb"


def choose_baseline(serving_dir: Path, baseline: str) -> Path | None:
    """The folder of the version to compare with.

    Args:
      serving_dir: folder of the pushed versions.
      baseline: `LATEST`, the number of a version, or "" for none.

    Returns:
      None where none is asked for, or `LATEST` finds no version.

    Raises:
      InputError: the version named is not there.
    """
    if not baseline:
        return None
    if baseline == LATEST:
        versions = pushed_versions(serving_dir)
        return versions[-1] if versions else None
    version = serving_dir / baseline
    if not (version / _SAVED_MODEL).is_file():
        raise InputError(
            "the baseline must be a pushed version.",
            where=str(serving_dir),
            received=repr(baseline),
            remedy=f"use {LATEST!r}, or one of "
            f"{[path.name for path in pushed_versions(serving_dir)]}.",
        )
    return version


def pushed_versions(serving_dir: Path) -> list[Path]:
    """The folders of the versions in `serving_dir`, oldest first."""
    if not serving_dir.is_dir():
        return []
    found = [path for path in serving_dir.iterdir() if (path / _SAVED_MODEL).is_file()]
    return sorted((path for path in found if path.name.isdecimal()), key=lambda p: int(p.name))


def missing_features(version: Path, config: GoalpathConfig) -> list[str]:
    """What the model of `version` reads and Examples of `config` do not hold.

    A column taken out of the configuration since the version was pushed is no longer
    in the Examples, and its model could not parse them.

    Args:
      version: folder of a pushed version, with its manifest.
      config: the configuration that the Examples are made by.

    Returns:
      Sorted feature keys; empty where the version can be compared.

    Raises:
      ConfigError: the configuration in the manifest is none.
    """
    manifest = version / names.ASSETS_EXTRA / names.MANIFEST_FILE
    pushed = json.loads(manifest.read_text(encoding="utf-8"))["config"]
    old = _layout(stored_config(pushed, where=str(manifest)))
    new = _layout(config)
    return sorted(key for key, layout in old.items() if new.get(key) != layout)


def link_baseline(version: Path, folder: Path) -> Path:
    """Lays `version` out as a TFX `Model` artifact, without copying it.

    Args:
      version: folder of a pushed version.
      folder: an empty folder.

    Returns:
      `folder`.
    """
    (folder / _SERVING_FORMAT).symlink_to(version.resolve(), target_is_directory=True)
    return folder


def _layout(config: GoalpathConfig) -> dict[str, tuple[object, ...]]:
    specs: tuple[FeatureSpec, ...] = (*query_features(config), *candidate_features(config))
    return {spec.key: (spec.dtype, spec.shape, spec.size) for spec in specs}
