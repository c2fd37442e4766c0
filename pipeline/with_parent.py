"""`python -m pipeline.with_parent PID COMMAND...`: becomes a command that ends with its parent.

Between fork and exec of a process with threads little can be done safely, so that it is done
by this program instead, which the command then replaces.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # prctl(2); it outlives exec


def with_parent(command: Sequence[str]) -> list[str]:
    """The command line that ends `command` when the calling process dies, however it does."""
    return [sys.executable, "-m", "pipeline.with_parent", str(os.getpid()), *command]


def main(arguments: Sequence[str]) -> None:
    """Does not return but where the parent is gone already.

    Args:
      arguments: process id of the parent, and the command with its arguments.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(arguments[0]):
        sys.exit(1)
    os.execvp(arguments[1], list(arguments[1:]))


if __name__ == "__main__":
    main(sys.argv[1:])
