"""Recognises a full disk, however a library says it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from schemas.errors import GoalpathError

_NUMBERS: Final = (errno.ENOSPC, errno.EDQUOT)
_TEXTS: Final = (
    *(os.strerror(number) for number in _NUMBERS),
    *(f"[Errno {number}]" for number in _NUMBERS),
    "database or disk is full",  # SQLite, below ML Metadata
    # Without room SQLite takes a transaction back by itself, and ML Metadata, which does
    # not know, tells of the commit that came to nothing.
    "cannot commit - no transaction is active",
)
RULE: Final = "the disk is full."


class DiskFullError(GoalpathError):
    """There is no room for what had to be written.

    Args:
      where: the file or the folder.
      received: what the system said.
      out: as in `remedy`.
    """

    def __init__(self, where: str, received: str, out: str = "") -> None:
        super().__init__(RULE, where=where, received=received, remedy=remedy(out))


def remedy(out: str | Path) -> str:
    """What to do about a full disk.

    Args:
      out: the folder of a run, to free space in; "" for other commands.
    """
    if not str(out):
        return "free space on the disk that is written to, then give the command again."
    return f"free space under {out}, then run again: finished nodes are kept."


def says_disk_full(text: str) -> bool:
    """Whether a message or a traceback tells of a full disk."""
    return any(each in text for each in _TEXTS)


def as_disk_full(error: BaseException, out: str | Path = "") -> DiskFullError | None:
    """The error as one that a person can act on; None where it is none of a full disk.

    Args:
      error: any.
      out: as in `remedy`.
    """
    if isinstance(error, GoalpathError) or not says_disk_full(str(error)):
        return None
    name = getattr(error, "filename", None)
    received = getattr(error, "strerror", None) or " ".join(str(error).split())
    return DiskFullError(str(name or out), received, str(out))
