"""Puts a version where it is served from: whole, or not at all.

Everything is copied beside its destination under a name that no server reads,
flushed to the disk, compared with the manifest, and renamed. The states go first and
the model last, since servers watch the model's folder.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from schemas import names
from schemas.errors import GoalpathError
from serving.versions import beside_states, read_manifest, sha256_of, verify_files

# TF Serving takes folders whose name is an integer, and nothing else.
_PARTIAL: Final = ".partial-"


class PushError(GoalpathError):
    """The version could not be put in place; nothing of it is served."""


@dataclasses.dataclass(frozen=True)
class Destination:
    """Where versions go.

    Attributes:
      serving_dir: the model's folder, that a server watches.
      states_dir: folder of the states, one folder a version.
    """

    serving_dir: Path
    states_dir: Path

    def model(self, number: int) -> Path:
        """Folder of a version's SavedModel."""
        return self.serving_dir / str(number)

    def states(self, number: int) -> Path:
        """Folder of a version's student states."""
        return self.states_dir / str(number)


def push_version(
    bundle: Path, states: Sequence[Path], destination: Destination
) -> tuple[int, Path]:
    """Copies a bundle and its states to where they are served from.

    A version that is already there with the same manifest is left as it is, so that
    a push can be repeated.

    Args:
      bundle: the version's folder, as ServingBundle made it.
      states: the folders that hold its states, and what the manifest names beside them.
      destination: on a file system that renames atomically.

    Returns:
      The version's number and the folder of its model.

    Raises:
      PushError: there is no room, bundle or states are not what the manifest says, or
        another model has that number. What was copied is removed.
    """
    manifest = read_manifest(bundle)
    number = int(str(manifest["version"]))
    model_dir = destination.model(number)
    if model_dir.exists():
        _require_same(model_dir, manifest)
        return number, model_dir
    _remove_leftovers(destination)
    described = {names.STATES_FILE: _description(manifest), **beside_states(manifest)}
    files = {name: _find(name, states) for name in described}
    _require_room(bundle, files.values(), destination)
    try:
        _place_states(files, destination.states(number), described)
        _place_model(bundle, model_dir)
    except OSError as error:
        _remove_leftovers(destination)
        raise _failed(error, destination) from error
    return number, model_dir


def _description(manifest: Mapping[str, object]) -> Mapping[str, object]:
    described = manifest["states"]
    return described if isinstance(described, dict) else {}


def _find(name: str, folders: Sequence[Path]) -> Path:
    found = [folder / name for folder in folders if (folder / name).is_file()]
    if not found:
        raise PushError(
            "every file that the manifest names must be there.",
            where=", ".join(map(str, folders)),
            received=f"no {name}",
            remedy="run again with --no-cache.",
        )
    return found[0]


def _place_states(
    files: Mapping[str, Path], target: Path, described: Mapping[str, Mapping[str, object]]
) -> None:
    # States without a model are of a push that died between the two renames.
    shutil.rmtree(target, ignore_errors=True)
    partial = _partial(target)
    partial.mkdir(parents=True)
    for name, path in files.items():
        copy = partial / name
        shutil.copyfile(path, copy)
        expected = described[name].get("sha256")
        if sha256_of(copy) != expected:
            shutil.rmtree(partial)
            raise PushError(
                "the student states must be those that the manifest names.",
                where=str(path),
                received=f"SHA-256 {sha256_of(path)}, manifest {expected}",
                remedy="run again with --no-cache.",
            )
    _rename(partial, target)


def _place_model(bundle: Path, target: Path) -> None:
    partial = _partial(target)
    shutil.copytree(bundle, partial)
    differences = verify_files(partial)
    if differences:
        shutil.rmtree(partial)
        raise PushError(
            "a bundle must be what its manifest says.",
            where=str(bundle),
            received="; ".join(differences),
            remedy="run again with --no-cache.",
        )
    _rename(partial, target)


def _rename(partial: Path, target: Path) -> None:
    for path in sorted(partial.rglob("*")):
        _flush(path)
    _flush(partial)
    # Unlike os.replace this refuses a folder that is there and not empty.
    os.rename(partial, target)
    _flush(target.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _partial(target: Path) -> Path:
    return target.parent / f"{_PARTIAL}{target.name}"


def _remove_leftovers(destination: Destination) -> None:
    for folder in (destination.serving_dir, destination.states_dir):
        for leftover in folder.glob(f"{_PARTIAL}*"):
            shutil.rmtree(leftover, ignore_errors=True)


def _require_same(model_dir: Path, manifest: dict[str, object]) -> None:
    if read_manifest(model_dir) != manifest:
        raise PushError(
            "a version that is served is never overwritten.",
            where=str(model_dir),
            received="another model under the same number",
            remedy="run again with --no-cache: the new version gets a number of its own.",
        )


def _require_room(bundle: Path, states: Iterable[Path], destination: Destination) -> None:
    model_bytes = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
    needed = (
        (destination.serving_dir, model_bytes),
        (destination.states_dir, sum(path.stat().st_size for path in states)),
    )
    for folder, size in needed:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if free < size:
            raise _no_room(folder, f"{size} bytes to write, {free} bytes free")


def _failed(error: OSError, destination: Destination) -> PushError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(destination.serving_dir).free
        return _no_room(destination.serving_dir, f"{error.strerror}, {free} bytes free")
    return PushError(
        "a version must be copied to where it is served from.",
        where=str(error.filename or destination.serving_dir),
        received=error.strerror or str(error),
        remedy="check that the folder can be written to; nothing of the version is served.",
    )


def _no_room(folder: Path, received: str) -> PushError:
    return PushError(
        "the disk must have room for the version.",
        where=str(folder),
        received=received,
        remedy="free some space, old versions for instance, and run again: it goes on from here.",
    )
