"""The pushed versions of a model: which are there, whole, and untouched.

A version is `OUT/serving/<model_name>/<version>/` together with
`OUT/states/<version>/states.parquet` and what its manifest names beside that. It is
complete when all are there. Standard library alone: gateways use it too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from schemas import names
from schemas.errors import GoalpathError, InputError

SERVING_FOLDER: Final = "serving"
STATES_FOLDER: Final = "states"
BESIDE_STATES: Final = "beside_states"  # in a manifest: what else is in the folder of the states
_CHUNK: Final = 1 << 20


class NoVersionError(InputError):
    """Nothing was pushed yet, or no pushed version is complete."""


class BrokenVersionError(GoalpathError):
    """A version whose files are not what its manifest says."""


@dataclasses.dataclass(frozen=True)
class Version:
    """One pushed version.

    Attributes:
      number: name of its folder, an integer as TF Serving wants it.
      model_dir: the SavedModel's folder.
      states_path: of the student states that belong to it.
      manifest: content of `assets.extra/manifest.json`.
    """

    number: int
    model_dir: Path
    states_path: Path
    manifest: Mapping[str, object]

    @property
    def as_of(self) -> str:
        """The instant its states are of, ISO 8601."""
        return str(self.manifest.get("as_of", ""))


def serving_dir(out: Path, model_name: str) -> Path:
    """Where the versions of a model are."""
    return out / SERVING_FOLDER / model_name


def states_path(out: Path, number: int) -> Path:
    """Where the student states of a version are."""
    return out / STATES_FOLDER / str(number) / names.STATES_FILE


def manifest_path(model_dir: Path) -> Path:
    """Where the manifest of a version is."""
    return model_dir / names.ASSETS_EXTRA / names.MANIFEST_FILE


def read_manifest(model_dir: Path) -> dict[str, object]:
    """The manifest of a version.

    Raises:
      BrokenVersionError: it is missing or is no JSON object.
    """
    path = manifest_path(model_dir)
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BrokenVersionError(
            "a model version needs a manifest.",
            where=str(path),
            received=str(error),
            remedy="push again with `goalpath run`.",
        ) from error
    if not isinstance(manifest, dict):
        raise BrokenVersionError(
            "a manifest is a JSON object.", where=str(path), received=type(manifest).__name__
        )
    return manifest


def beside_states(manifest: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    """Name -> description of the files that belong beside the states; none in old versions."""
    listed = manifest.get(BESIDE_STATES)
    return dict(listed) if isinstance(listed, dict) else {}


def list_versions(out: Path, model_name: str) -> tuple[Version, ...]:
    """Every complete version, oldest first; what is half there is left out."""
    folder = serving_dir(out, model_name)
    if not folder.is_dir():
        return ()
    numbers = sorted(int(entry.name) for entry in folder.iterdir() if entry.name.isdigit())
    found = (_complete(out, folder / str(number), number) for number in numbers)
    return tuple(version for version in found if version is not None)


def newest_version(out: Path, model_name: str) -> Version:
    """The complete version with the highest number.

    Raises:
      NoVersionError: there is none.
    """
    versions = list_versions(out, model_name)
    if not versions:
        raise NoVersionError(
            "a model must have been pushed before it can answer.",
            where=str(serving_dir(out, model_name)),
            received="no complete version",
            remedy="run `goalpath run --data DATA --out OUT` and see that it ends with 0.",
        )
    return versions[-1]


def model_names(out: Path) -> tuple[str, ...]:
    """The models that have a folder in `OUT/serving`, sorted."""
    folder = out / SERVING_FOLDER
    if not folder.is_dir():
        return ()
    return tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir()))


def verify_files(model_dir: Path) -> tuple[str, ...]:
    """Differences between a version's files and its manifest; empty where there are none.

    Raises:
      BrokenVersionError: there is no manifest to compare with.
    """
    manifest = read_manifest(model_dir)
    listed = manifest.get("files")
    expected: Mapping[str, Mapping[str, object]] = listed if isinstance(listed, dict) else {}
    own = manifest_path(model_dir).relative_to(model_dir).as_posix()
    present = {
        path.relative_to(model_dir).as_posix() for path in model_dir.rglob("*") if path.is_file()
    }
    missing = [f"{name}: is missing" for name in sorted(set(expected) - present)]
    extra = [f"{name}: is not in the manifest" for name in sorted(present - set(expected) - {own})]
    changed = [
        f"{name}: its SHA-256 is not the manifest's"
        for name in sorted(set(expected) & present)
        if sha256_of(model_dir / name) != expected[name].get("sha256")
    ]
    return (*missing, *extra, *changed)


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _complete(out: Path, model_dir: Path, number: int) -> Version | None:
    try:
        manifest = read_manifest(model_dir)
    except BrokenVersionError:
        return None
    states = states_path(out, number)
    wanted = (states, *(states.parent / name for name in beside_states(manifest)))
    if manifest.get("version") != number or not all(path.is_file() for path in wanted):
        return None
    return Version(number, model_dir, states, manifest)
