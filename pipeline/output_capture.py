"""Sends what libraries print to the log of the run, at the level of the process.

TensorFlow, gRPC and ML Metadata write to file descriptor 2 from C++, where Python's
`sys.stderr` is not asked. So the descriptors themselves are turned to the log, and
the terminal stays reachable through copies made before.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TextIO

_STREAMS: Final = (1, 2)
_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextmanager
def output_to(log: Path) -> Iterator[TextIO]:
    """While it lasts, standard output and error of the process go to `log`.

    Args:
      log: file to append to; its folder exists.

    Yields:
      The standard error there was before, for the display.
    """
    with ExitStack() as stack:
        terminal = stack.enter_context(
            os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace", buffering=1)
        )
        stack.enter_context(_redirected(log))
        stack.enter_context(_logging_to(sys.stderr))
        yield terminal


@contextmanager
def _redirected(log: Path) -> Iterator[None]:
    _flush()
    saved = [os.dup(stream) for stream in _STREAMS]
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        for stream in _STREAMS:
            os.dup2(target, stream)
        yield
    finally:
        _flush_or_drop()
        for stream, copy in zip(_STREAMS, saved, strict=True):
            os.dup2(copy, stream)
            os.close(copy)
        os.close(target)


@contextmanager
def _logging_to(stream: TextIO) -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(_FORMAT))
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)


def _flush_or_drop() -> None:
    """Lets what a full disk has no room for go, so that it does not reach the terminal."""
    try:
        _flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in _STREAMS:
            os.dup2(nowhere, stream)
        os.close(nowhere)
        _flush()


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
