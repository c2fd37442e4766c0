"""Shows how a run goes on: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipeline.node_events import EventLog, Happening, NodeEvent

_POLL_SECONDS: Final = 0.2
_WIDTH: Final = 24
_STYLES: Final = {
    "": "dim",
    Happening.STARTED.value: "bold cyan",
    Happening.RAN.value: "green",
    Happening.CACHED.value: "blue",
    Happening.FAILED.value: "bold red",
}


class Display(Protocol):
    """What shows the events of a run."""

    def show(self, event: NodeEvent) -> None:
        """Takes in one event."""

    def close(self) -> None:
        """Leaves the terminal in order."""


class NodeTimes:
    """State and duration of each node, from the events so far."""

    def __init__(self) -> None:
        self.running: str = ""
        self._started: dict[str, NodeEvent] = {}
        self._ended: dict[str, NodeEvent] = {}

    def take(self, event: NodeEvent) -> None:
        """Takes in one event that is not of progress."""
        if event.happening is Happening.STARTED:
            self.running = event.node
            self._started[event.node] = event
            self._ended.pop(event.node, None)
        else:
            self._ended[event.node] = event

    def state(self, node: str) -> str:
        """What happened to `node` last; "" where nothing did."""
        last = self._ended.get(node) or self._started.get(node)
        return last.happening.value if last else ""

    def seconds(self, node: str, now: float) -> float | None:
        """How long `node` took, or has been running at `now`; None: not begun."""
        if node not in self._started:
            return None
        end = self._ended[node].at if node in self._ended else now
        return end - self._started[node].at

    def input_bytes(self, node: str) -> int | None:
        """The size of the input artifacts of `node`, where known."""
        started = self._started.get(node)
        return started.input_bytes if started else None


class PlainDisplay:
    """A line when a node starts, goes on, and ends.

    Args:
      stream: where the lines go.
      started: when the run began, in seconds since the epoch.
    """

    def __init__(self, stream: TextIO, started: float) -> None:
        self._stream = stream
        self._started = started
        self._times = NodeTimes()

    def show(self, event: NodeEvent) -> None:
        """Writes the line of one event."""
        if event.happening is Happening.PROGRESS:
            self._write(event.at, self._times.running, event.text)
            return
        self._times.take(event)
        if event.happening is Happening.STARTED:
            size = "" if event.input_bytes is None else f" ({format_bytes(event.input_bytes)} in)"
            self._write(event.at, event.node, f"started{size}")
            return
        took = self._times.seconds(event.node, event.at)
        self._write(
            event.at, event.node, f"{event.happening.value} in {format_seconds(took or 0.0)}"
        )

    def close(self) -> None:
        """Nothing is left open."""

    def _write(self, at: float, node: str, text: str) -> None:
        since = format_seconds(at - self._started)
        self._stream.write(f"[{since:>7}] {node:<{_WIDTH}} {text}\n")
        self._stream.flush()


class LiveDisplay:
    """A table of all nodes that is redrawn in place.

    Args:
      console: of a terminal.
      nodes: ids in the order of the pipeline.
      clock: seconds since the epoch.
    """

    def __init__(self, console: Console, nodes: Sequence[str], clock: Callable[[], float]) -> None:
        self._nodes = nodes
        self._clock = clock
        self._times = NodeTimes()
        self._note = ""
        self._live = Live(
            get_renderable=self.table,
            console=console,
            refresh_per_second=4,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def show(self, event: NodeEvent) -> None:
        """Takes in one event; the table is drawn on its own time."""
        if event.happening is Happening.PROGRESS:
            self._note = event.text
            return
        self._times.take(event)
        self._note = ""

    def close(self) -> None:
        """Draws the table a last time and lets the terminal go."""
        self._live.stop()

    def table(self) -> Table:
        """The table as of now."""
        table = Table(box=None, pad_edge=False)
        for heading in ("node", "state", "time", "input", ""):
            table.add_column(heading, justify="right" if heading in ("time", "input") else "left")
        for node in self._nodes:
            state = self._times.state(node)
            took = self._times.seconds(node, self._clock())
            size = self._times.input_bytes(node)
            is_running = state == Happening.STARTED.value
            table.add_row(
                node,
                Text("running" if is_running else state or "waiting", style=_STYLES[state]),
                "" if took is None else format_seconds(took),
                "" if size is None else format_bytes(size),
                Text(self._note if is_running else "", style="dim"),
            )
        return table


def new_display(
    stream: TextIO, nodes: Sequence[str], clock: Callable[[], float] = time.time
) -> Display:
    """A live table where `stream` is a terminal, else plain lines."""
    if stream.isatty():
        return LiveDisplay(Console(file=stream, force_terminal=True), nodes, clock)
    return PlainDisplay(stream, clock())


@contextmanager
def following(log: EventLog, display: Display) -> Iterator[None]:
    """While it lasts, a thread shows the events of `log` as they come."""
    stop = threading.Event()
    thread = threading.Thread(target=_follow, args=(log, display, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        display.close()


def _follow(log: EventLog, display: Display, stop: threading.Event) -> None:
    offset = 0
    while True:
        ending = stop.wait(_POLL_SECONDS)
        events, offset = log.follow(offset)
        for event in events:
            display.show(event)
        if ending:
            return


def format_seconds(seconds: float) -> str:
    """Such as `7.3 s`, `48 s`, `3:05`, `1:02:45`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_bytes(size: int) -> str:
    """Such as `812 B`, `4.1 kB`, `1.2 GB`; powers of 1000."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
