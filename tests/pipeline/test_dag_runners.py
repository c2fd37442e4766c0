"""The runners on a tiny pipeline: order, cache, failures, and a kill in each place."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.node_events import EventLog, Happening
from pipeline.runner_names import BEAM, LOCAL, RUNNERS

pytestmark = pytest.mark.slow

FIRST, SECOND, THIRD = "First", "Second", "Third"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def switches(tmp_path: Path) -> Path:
    folder = tmp_path / "switches"
    folder.mkdir()
    return folder


def run(out: Path, switches: Path, runner: str, run_id: str) -> list[tuple[str, Happening]]:
    from pipeline.dag_runners import new_runner
    from tests.pipeline.tiny_pipeline import tiny_pipeline

    log = EventLog(out / f"{run_id}.jsonl")
    new_runner(runner, log, run_id).run(tiny_pipeline(out, switches))
    return happenings(log)


def happenings(log: EventLog) -> list[tuple[str, Happening]]:
    return [(event.node, event.happening) for event in log.read()]


def ends(log: list[tuple[str, Happening]]) -> list[tuple[str, Happening]]:
    return [pair for pair in log if pair[1] is not Happening.STARTED]


@pytest.mark.parametrize("runner", RUNNERS)
def test_nodes_run_in_order_and_come_from_the_cache_the_second_time(
    out: Path, switches: Path, runner: str
) -> None:
    first = run(out, switches, runner, "one")
    again = run(out, switches, runner, "two")
    assert first == [
        (node, happening)
        for node in (FIRST, SECOND, THIRD)
        for happening in (Happening.STARTED, Happening.RAN)
    ]
    assert ends(again) == [(node, Happening.CACHED) for node in (FIRST, SECOND, THIRD)]


@pytest.mark.parametrize("runner", RUNNERS)
def test_the_cause_of_a_failure_is_kept_whatever_the_runner_makes_of_it(
    out: Path, switches: Path, runner: str
) -> None:
    (switches / f"{SECOND}-fail").touch()
    with pytest.raises(Exception, match="a test must hold"):
        run(out, switches, runner, "one")
    log = EventLog(out / "one.jsonl")
    assert ends(happenings(log)) == [(FIRST, Happening.RAN), (SECOND, Happening.FAILED)]
    cause = log.read()[-1].cause
    assert cause is not None
    assert (cause.type, cause.exit_code) == ("DataError", 2)
    assert (cause.rule, cause.where, cause.received, cause.remedy) == (
        "a test must hold.",
        "table t",
        "7 rows",
        "mend the rows.",
    )


def test_the_size_of_the_inputs_is_in_the_event(out: Path, switches: Path) -> None:
    run(out, switches, LOCAL, "one")
    started = {
        event.node: event.input_bytes
        for event in EventLog(out / "one.jsonl").read()
        if event.happening is Happening.STARTED
    }
    # First writes 4 + 1000 bytes, Second 4 + 10.
    assert started == {FIRST: None, SECOND: 1004, THIRD: 14}


@pytest.mark.parametrize("runner", [BEAM, LOCAL])
@pytest.mark.parametrize("victim", [FIRST, SECOND])
def test_a_killed_run_goes_on_after_the_last_node_that_finished(
    out: Path, switches: Path, runner: str, victim: str
) -> None:
    hang = switches / f"{victim}-hang"
    hang.touch()
    kill_once_hanging(out, switches, runner, victim)
    half_done = list((out / "pipeline" / victim).glob("*/*/half"))
    assert half_done, "the killed node had begun to write"

    hang.unlink()
    subprocess.run(command(out, switches, runner, "two"), cwd=ROOT, check=True, timeout=300)
    second_run = happenings(EventLog(out / "events.jsonl"))
    second_run = second_run[max(i for i, e in enumerate(second_run) if e[0] == FIRST) - 1 :]
    expected = {
        FIRST: [(FIRST, Happening.RAN), (SECOND, Happening.RAN), (THIRD, Happening.RAN)],
        SECOND: [(FIRST, Happening.CACHED), (SECOND, Happening.RAN), (THIRD, Happening.RAN)],
    }
    assert ends(second_run) == expected[victim]
    assert not half_done[0].exists(), "what the killed node left is removed"
    assert open_executions(out) == []


def command(out: Path, switches: Path, runner: str, run_id: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "tests.pipeline.run_tiny",
        str(out),
        str(switches),
        runner,
        run_id,
    ]


def kill_once_hanging(out: Path, switches: Path, runner: str, victim: str) -> None:
    process = subprocess.Popen(command(out, switches, runner, "one"), cwd=ROOT)
    deadline = time.monotonic() + 300
    while not (switches / f"{victim}-hanging").exists():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def open_executions(out: Path) -> list[int]:
    from ml_metadata.proto import metadata_store_pb2

    from pipeline.executions import open_store

    store = open_store(out / "metadata.sqlite")
    running = metadata_store_pb2.Execution.RUNNING
    return [e.id for e in store.get_executions() if e.last_known_state == running]
