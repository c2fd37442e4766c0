"""What a node's container says of its failure, where Kubeflow shows it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pipeline import disk_full
from pipeline.disk_full import says_disk_full
from pipeline.failures import known_cause
from pipeline.node_events import Cause, describe_cause
from schemas.errors import GoalpathError

# Kubernetes shows the end of this file as the reason for which a container ended. A kubelet
# cuts it at 4096 bytes.
TERMINATION_LOG: Final = Path("/dev/termination-log")
_TERMINATION_BYTES: Final = 4096
# Less than this is no room for what a node writes next.
_FULL_BELOW_BYTES: Final = 16 << 20


class NodeError(GoalpathError):
    """The node failed.

    Args:
      exit_code: of the process.
      rule, where, received, remedy: as in `GoalpathError`.
    """

    def __init__(
        self, exit_code: int, rule: str, *, where: str, received: str, remedy: str
    ) -> None:
        self.exit_code = exit_code
        super().__init__(rule, where=where, received=received, remedy=remedy)


def node_error(error: BaseException, node: str, folders: Iterable[Path]) -> NodeError:
    """The error that made a node fail, as plain as it can be made.

    Args:
      error: what its executor raised.
      node: what the message calls it.
      folders: that it writes to; those without room are named where a disk is full.
    """
    cause = describe_cause(error)
    if cause.exit_code is None:
        if says_disk_full(cause.message) or says_disk_full(cause.trace):
            return _no_room(node, folders)
        cause = known_cause(cause) or cause
    return NodeError(
        cause.exit_code or 1,
        cause.rule or f"the node failed with {cause.type}: {_one_line(cause)}",
        where=f"{node}: {cause.where}" if cause.where else node,
        received=cause.received,
        remedy=cause.remedy or "the log of this pod has the traceback.",
    )


def write_termination_log(text: str, path: Path = TERMINATION_LOG) -> None:
    """Leaves the reason for Kubernetes, where there is such a file to write to."""
    if not path.is_file():
        return
    try:
        path.write_bytes(text.encode()[:_TERMINATION_BYTES])
    except OSError as error:
        os.write(2, f"cannot write {path}: {error.strerror}\n".encode())


def _no_room(node: str, folders: Iterable[Path]) -> NodeError:
    found = {_existing(folder): folder for folder in folders}
    free = {str(given): shutil.disk_usage(there).free for there, given in found.items()}
    full = {path: left for path, left in free.items() if left < _FULL_BELOW_BYTES} or free
    received = "; ".join(f"{path}: {left:,} bytes free" for path, left in sorted(full.items()))
    return NodeError(
        1,
        disk_full.RULE,
        where=node,
        received=received,
        remedy="enlarge that volume or remove old versions from it, then start the run again; "
        "nothing of this node is left.",
    )


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


def _one_line(cause: Cause) -> str:
    return " ".join(cause.message.split())[:600]
