"""One run at a time in an output folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from schemas.errors import GoalpathError

LOCK_FILE: Final = ".lock"


class OutputInUseError(GoalpathError):
    """Another run has the output folder."""


@contextmanager
def run_lock(out: Path) -> Iterator[None]:
    """Holds `out` for this process; the system lets go when the process ends or dies.

    Args:
      out: an existing folder.

    Raises:
      OutputInUseError: another process holds it.
    """
    path = out / LOCK_FILE
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise OutputInUseError(
                "only one run at a time may write to an output folder.",
                where=str(out),
                received=f"a run is going on, process {holder}",
                remedy="wait for it, or give another --out.",
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
