"""What the exit code of `goalpath` says."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """Exit codes of every command, and of a process that a signal ended."""

    DONE = 0  # done; of `run`: pushed
    FAILED = 1
    BAD_INPUT = 2  # data, configuration or command line
    NOT_BLESSED = 3  # `run` came to its end, and the model was not let through
    INTERRUPTED = 130  # 128 + SIGINT, as shells report it
    BROKEN_PIPE = 141  # 128 + SIGPIPE
