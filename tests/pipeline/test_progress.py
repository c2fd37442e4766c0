"""What a run shows while it goes on."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.node_events import EventLog, Happening, NodeEvent
from pipeline.progress import (
    LiveDisplay,
    NodeTimes,
    PlainDisplay,
    following,
    format_bytes,
    format_seconds,
    new_display,
)

EVENTS = (
    NodeEvent("EventExampleGen", Happening.STARTED, 100.0),
    NodeEvent("EventExampleGen", Happening.CACHED, 100.04),
    NodeEvent("Trainer", Happening.STARTED, 101.0, input_bytes=4_120_000),
    NodeEvent("", Happening.PROGRESS, 130.0, text="epoch 1 of 6"),
    NodeEvent("Trainer", Happening.RAN, 190.0),
    NodeEvent("Evaluator", Happening.STARTED, 190.0, input_bytes=12),
    NodeEvent("Evaluator", Happening.FAILED, 193.5),
)


def test_plain_lines() -> None:
    stream = io.StringIO()
    display = PlainDisplay(stream, started=95.0)
    for event in EVENTS:
        display.show(event)
    assert stream.getvalue().splitlines() == [
        "[  5.0 s] EventExampleGen          started",
        "[  5.0 s] EventExampleGen          cached in 0.0 s",
        "[  6.0 s] Trainer                  started (4.1 MB in)",
        "[   35 s] Trainer                  epoch 1 of 6",
        "[   1:35] Trainer                  ran in 1:29",
        "[   1:35] Evaluator                started (12 B in)",
        "[   1:38] Evaluator                failed in 3.5 s",
    ]


def test_times_of_nodes() -> None:
    times = NodeTimes()
    for event in EVENTS[:4]:
        if event.node:
            times.take(event)
    assert times.seconds("EventExampleGen", 999.0) == pytest.approx(0.04)
    assert times.state("EventExampleGen") == "cached"
    assert times.seconds("Trainer", 141.0) == 40.0
    assert times.state("Trainer") == "started"
    assert times.input_bytes("Trainer") == 4_120_000
    assert times.seconds("Evaluator", 141.0) is None
    assert times.state("Evaluator") == ""


def test_the_live_table_has_a_row_for_every_node() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    nodes = ("EventExampleGen", "Trainer", "Evaluator")
    display = LiveDisplay(console, nodes, clock=lambda: 141.0)
    try:
        for event in EVENTS[:4]:
            display.show(event)
        table = display.table()
    finally:
        display.close()
    plain = Console(file=io.StringIO(), width=100, record=True)
    plain.print(table)
    rows = [line.split() for line in plain.export_text().splitlines()]
    assert rows[1][:2] == ["EventExampleGen", "cached"]
    assert rows[2] == ["Trainer", "running", "40", "s", "4.1", "MB", "epoch", "1", "of", "6"]
    assert rows[3] == ["Evaluator", "waiting"]


def test_a_file_gets_plain_lines() -> None:
    assert isinstance(new_display(io.StringIO(), (), lambda: 0.0), PlainDisplay)


def test_everything_written_before_the_end_is_shown(tmp_path: Path) -> None:
    stream = io.StringIO()
    log = EventLog(tmp_path / "events.jsonl")
    with following(log, PlainDisplay(stream, started=95.0)):
        for event in EVENTS:
            log.append(event)
    assert len(stream.getvalue().splitlines()) == len(EVENTS)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (48.4, "48 s"),
        (59.6, "1:00"),
        (185, "3:05"),
        (3765, "1:02:45"),
    ],
)
def test_seconds(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (4120, "4.1 kB"), (1_200_000, "1.2 MB"), (3 * 10**9, "3.0 GB")],
)
def test_bytes(size: int, text: str) -> None:
    assert format_bytes(size) == text
