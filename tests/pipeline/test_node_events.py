"""Events of nodes: written, read back, followed, and what a failure leaves."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.node_events import (
    PROGRESS_LOGGER,
    Cause,
    EventLog,
    Happening,
    NodeEvent,
    ProgressHandler,
    describe_cause,
    observe,
    running_node,
)
from schemas.errors import DataError


def ticking() -> Iterator[float]:
    yield from (float(second) for second in range(100, 200))


def test_events_come_back_as_they_were(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    cause = Cause("DataError", "text", 2, "rule", "where", "received", "remedy", "a\ntrace")
    events = [
        NodeEvent("Trainer", Happening.STARTED, 1.5, input_bytes=12),
        NodeEvent("", Happening.PROGRESS, 2.0, text="epoch 1, größer"),
        NodeEvent("Trainer", Happening.FAILED, 3.0, cause=cause),
    ]
    for event in events:
        log.append(event)
    assert log.read() == events


def test_a_log_is_followed_line_by_line_and_a_half_line_waits(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    assert log.follow(0) == ([], 0)
    first = NodeEvent("A", Happening.STARTED, 1.0)
    log.append(first)
    events, offset = log.follow(0)
    assert events == [first]
    whole = log.path.read_bytes()
    log.path.write_bytes(whole + whole[:10])
    assert log.follow(offset) == ([], offset)
    log.path.write_bytes(whole + whole)
    assert log.follow(offset) == ([first], 2 * offset)


def test_a_node_runs_between_two_events(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    clock = ticking()
    observe(lambda: Happening.CACHED, "A", log, lambda: next(clock), 7)
    assert log.read() == [
        NodeEvent("A", Happening.STARTED, 100.0, input_bytes=7),
        NodeEvent("A", Happening.CACHED, 101.0),
    ]


def test_a_failure_is_logged_and_raised(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")

    def fail() -> Happening:
        raise OSError("broken pipe")

    with pytest.raises(OSError, match="broken pipe"):
        observe(fail, "A", log, lambda: 1.0, None)
    last = log.read()[-1]
    assert last.happening is Happening.FAILED
    assert last.cause is not None
    assert (last.cause.type, last.cause.message, last.cause.exit_code) == (
        "OSError",
        "broken pipe",
        None,
    )
    assert "in fail" in last.cause.trace


def test_a_failure_is_raised_though_it_cannot_be_logged(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")

    def fail() -> Happening:
        log.path.unlink()
        log.path.mkdir()
        raise ValueError("what went wrong")

    with pytest.raises(ValueError, match="what went wrong"):
        observe(fail, "A", log, lambda: 1.0, None)


@pytest.mark.parametrize(
    ("events", "running"),
    [
        ([], ""),
        ([("A", Happening.STARTED)], "A"),
        ([("A", Happening.STARTED), ("", Happening.PROGRESS)], "A"),
        ([("A", Happening.STARTED), ("A", Happening.RAN)], ""),
        ([("A", Happening.STARTED), ("A", Happening.CACHED), ("B", Happening.STARTED)], "B"),
    ],
)
def test_the_running_node_is_the_one_that_has_not_ended(
    events: list[tuple[str, Happening]], running: str
) -> None:
    assert running_node(NodeEvent(node, happening, 1.0) for node, happening in events) == running


def test_the_goalpath_error_in_the_chain_is_the_cause() -> None:
    try:
        try:
            raise DataError("a rule.", where="table t", received="x", remedy="mend it.")
        except DataError as error:
            raise RuntimeError("wrapped") from error
    except RuntimeError as error:
        cause = describe_cause(error)
    assert (cause.type, cause.exit_code, cause.rule, cause.where, cause.received, cause.remedy) == (
        "DataError",
        2,
        "a rule.",
        "table t",
        "x",
        "mend it.",
    )


def test_records_of_the_progress_logger_become_events(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    logger = logging.getLogger(f"{PROGRESS_LOGGER}.test")
    logger.setLevel(logging.INFO)
    handler = ProgressHandler(log)
    logger.addHandler(handler)
    try:
        logger.info("epoch %d of %d", 2, 6)
        logger.debug("not shown")
    finally:
        logger.removeHandler(handler)
    assert [(event.happening, event.text) for event in log.read()] == [
        (Happening.PROGRESS, "epoch 2 of 6")
    ]
