"""What a bundle has to hold as training left it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from schemas import names
from serving.versions import sha256_of

_FROM_TRAINING: Final = (
    names.CHECKSUMS_FILE,
    names.GOLDEN_FILE,
    names.KERAS_FILE,
    names.GOAL_PARAMETERS_FILE,
)
_TRANSFORM_FN: Final = "transform_fn"
_ASSETS: Final = "assets"


def originals(saved_model: Path, transform: Path) -> dict[str, str]:
    """File of the bundle -> SHA-256 of the original; "" for one that was never made.

    Checksums, golden values, `.keras` file and goal parameters, and the vocabularies:
    with those of another run the weights are right and every id means another one.

    Args:
      saved_model: of GoalCalibrator.
      transform: the transform output that the trainer was given.
    """
    folders = {f"{names.ASSETS_EXTRA}/{name}": saved_model for name in _FROM_TRAINING}
    transform_fn = transform / _TRANSFORM_FN
    vocabularies = sorted((transform_fn / _ASSETS).glob("*"))
    folders |= {path.relative_to(transform_fn).as_posix(): transform_fn for path in vocabularies}
    return {name: _digest(folder / name) for name, folder in folders.items()}


def _digest(path: Path) -> str:
    return sha256_of(path) if path.is_file() else ""
