"""What happens to the nodes of a run, as lines of a file.

Beam pickles the function that runs a node, so an observer cannot be handed a live
object. It is handed the path of a file instead; the display follows the file, and
after a crash it tells which node was running.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import json
import logging
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from schemas.errors import GoalpathError

PROGRESS_LOGGER: Final = "goalpath.progress"


class Happening(enum.Enum):
    """What an event says."""

    STARTED = "started"
    PROGRESS = "progress"
    RAN = "ran"
    CACHED = "cached"
    FAILED = "failed"


@dataclasses.dataclass(frozen=True)
class Cause:
    """Why a node failed.

    Attributes:
      type: class of the exception, without its module.
      message: its text.
      exit_code: of the GoalpathError that it is; None for any other.
      rule, where, received, remedy: of the GoalpathError; empty for any other.
      trace: the formatted traceback.
    """

    type: str
    message: str
    exit_code: int | None = None
    rule: str = ""
    where: str = ""
    received: str = ""
    remedy: str = ""
    trace: str = ""


@dataclasses.dataclass(frozen=True)
class NodeEvent:
    """One event of one node.

    Attributes:
      node: its id; "" for progress, which is of the node that runs.
      happening: what it says.
      at: seconds since the epoch.
      input_bytes: size of the input artifacts, with STARTED where it is known.
      text: with PROGRESS.
      cause: with FAILED.
    """

    node: str
    happening: Happening
    at: float
    input_bytes: int | None = None
    text: str = ""
    cause: Cause | None = None


@dataclasses.dataclass(frozen=True)
class EventLog:
    """The events of a run, one JSON object a line.

    Attributes:
      path: of the file; its folder exists.
    """

    path: Path

    def append(self, event: NodeEvent) -> None:
        """Adds `event` at the end, whole: one write of one line."""
        plain = {**dataclasses.asdict(event), "happening": event.happening.value}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(plain) + "\n")

    def read(self) -> list[NodeEvent]:
        """All events so far, in order."""
        return self.follow(0)[0]

    def follow(self, offset: int) -> tuple[list[NodeEvent], int]:
        """The events after `offset` bytes, and the offset to go on from."""
        if not self.path.exists():
            return [], offset
        with self.path.open("rb") as file:
            file.seek(offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        return [_parse(line) for line in whole.splitlines()], offset + len(whole)


class ProgressHandler(logging.Handler):
    """Turns records of the logger `goalpath.progress` into events."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(logging.INFO)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Appends the message of `record`."""
        text = record.getMessage()
        self._log.append(NodeEvent("", Happening.PROGRESS, record.created, text=text))


def describe_cause(error: BaseException) -> Cause:
    """What is known of `error`: its GoalpathError where there is one in its chain."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    for link in _chain(error):
        if isinstance(link, GoalpathError):
            return Cause(
                type(link).__name__,
                str(link),
                link.exit_code,
                link.rule,
                link.where,
                link.received,
                link.remedy,
                trace,
            )
    return Cause(type(error).__name__, str(error), trace=trace)


def observe(
    run: Callable[[], Happening],
    node: str,
    log: EventLog,
    clock: Callable[[], float],
    input_bytes: int | None,
) -> None:
    """Runs a node between two events.

    Args:
      run: runs it, and says whether it RAN or was CACHED.
      node: its id.
      log: where the events go.
      clock: seconds since the epoch.
      input_bytes: size of its input artifacts, where known.

    Raises:
      BaseException: what `run` raised, after it was logged where that could be.
    """
    log.append(NodeEvent(node, Happening.STARTED, clock(), input_bytes=input_bytes))
    try:
        happening = run()
    except BaseException as error:
        cause = describe_cause(error)
        with contextlib.suppress(OSError):  # a full disk must not hide what went wrong
            log.append(NodeEvent(node, Happening.FAILED, clock(), cause=cause))
        raise
    log.append(NodeEvent(node, happening, clock()))


def running_node(events: Iterable[NodeEvent]) -> str:
    """The node that started and has not ended; "" where there is none."""
    running = ""
    for event in events:
        if event.happening is Happening.STARTED:
            running = event.node
        elif event.node == running:
            running = ""
    return running


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _parse(line: bytes) -> NodeEvent:
    plain = json.loads(line)
    cause = plain.pop("cause")
    happening = Happening(plain.pop("happening"))
    return NodeEvent(**plain, happening=happening, cause=Cause(**cause) if cause else None)
