"""A data folder appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import InputError


@contextlib.contextmanager
def new_data_folder(out: Path, *, force: bool = False) -> Iterator[Path]:
    """Yields a temporary folder beside `out` that becomes `out` on success.

    Whatever happens inside the block, `out` is either untouched or complete: the
    temporary folder is renamed into place, and removed if the block raises.

    Args:
      out: the folder to create; its parents are made.
      force: replace `out` where it is a data folder already.

    Raises:
      InputError: `out` is a file, or a non-empty folder that may not be replaced.
    """
    _check_replaceable(out, force=force)
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
    scratch.chmod(0o777 & ~_umask())
    try:
        yield scratch
        _move_into_place(scratch, out)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_config(folder: Path, config: GoalpathConfig, *, comment: str) -> None:
    """Writes the keys of `config` that were set, as `goalpath.yaml`.

    Args:
      folder: the data folder.
      config: keys left at their defaults without being named are not written.
      comment: one or more lines to put on top, without the `#`.
    """
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    body = yaml.safe_dump(
        config.model_dump(mode="json", exclude_unset=True), sort_keys=False, allow_unicode=True
    )
    (folder / names.CONFIG_FILE).write_text(head + body, encoding="utf-8")


def _check_replaceable(out: Path, *, force: bool) -> None:
    if out.is_file():
        raise InputError(
            "--out must name a folder.",
            where=str(out),
            received="a file",
            remedy="choose another path.",
        )
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not force:
        raise InputError(
            "the output folder must be new or empty.",
            where=str(out),
            received="a folder with files in it",
            remedy="choose another path, or replace this data folder with --force.",
        )
    if not (out / names.CONFIG_FILE).is_file():
        raise InputError(
            "--force replaces data folders only.",
            where=str(out),
            received=f"a folder without {names.CONFIG_FILE}",
            remedy="choose another path, or remove the folder yourself.",
        )


def _move_into_place(scratch: Path, out: Path) -> None:
    if not out.is_dir():
        scratch.rename(out)
        return
    retired = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".old", dir=out.parent))
    out.rename(retired / out.name)
    scratch.rename(out)
    shutil.rmtree(retired)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
