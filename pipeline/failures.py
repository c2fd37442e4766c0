"""Turns the failure of a node into one message a person can act on."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Final

from pipeline import disk_full
from pipeline.disk_full import says_disk_full
from pipeline.node_events import Cause
from schemas import errors
from schemas.errors import GoalpathError

# Beam hands the error of a worker over as text: the formatted traceback.
_IN_TRACE: Final = re.compile(r"^(?:[\w.]+\.)?(?P<type>\w+Error): (?P<message>.+)$", re.MULTILINE)
_WHILE_RUNNING: Final = re.compile(r"\s*\[while running .*$")
_LONGEST: Final = 600


class NodeFailedError(GoalpathError):
    """A node of the pipeline failed.

    Args:
      node: its id.
      cause: what is known of the failure.
      log: of the run.
    """

    def __init__(self, node: str, cause: Cause, log: Path) -> None:
        self.node = node
        self.exit_code = cause.exit_code or 1
        super().__init__(
            cause.rule or f"the node failed with {cause.type}: {_shorten(cause.message)}",
            where=f"{node}: {cause.where}" if cause.where else node,
            received=cause.received,
            remedy=f"{cause.remedy} The log is {log}.".strip(),
        )


def failure(node: str, cause: Cause, log: Path) -> NodeFailedError:
    """The error of a failed node, its cause made as plain as it can be.

    Args:
      node: its id.
      cause: as the event log has it.
      log: of the run.
    """
    if cause.exit_code is not None:
        return NodeFailedError(node, cause, log)
    if says_disk_full(cause.message) or says_disk_full(cause.trace):
        return NodeFailedError(node, _disk_full(log), log)
    return NodeFailedError(node, known_cause(cause) or cause, log)


def _disk_full(log: Path) -> Cause:
    return Cause(
        type="OSError",
        message="",
        rule=disk_full.RULE,
        received=os.strerror(errno.ENOSPC),
        remedy=disk_full.remedy(log.parent.parent),
    )


def known_cause(cause: Cause) -> Cause | None:
    """The GoalpathError that a traceback ends with; None where there is none."""
    for match in reversed(list(_IN_TRACE.finditer(cause.trace))):
        known = getattr(errors, match["type"], None)
        if isinstance(known, type) and issubclass(known, GoalpathError):
            message = _WHILE_RUNNING.sub("", match["message"].replace("\\n", " "))
            return Cause(match["type"], message, known.exit_code, rule=message)
    return None


def _shorten(message: str) -> str:
    text = " ".join(message.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
