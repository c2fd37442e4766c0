"""Requests that are joined and cut apart again."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from serving.model_server.batching import BatchingOptions, BatchingRunner
from serving.wire.status import Code, StatusError
from serving.wire.tensors import Array

WAIT = 20.0


class Doubling:
    """Doubles `x`; the negative is refused. Remembers the sizes it saw."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.closed = False

    def run(
        self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout_ms: int | None
    ) -> list[Array]:
        self.entered.set()
        assert self.gate.wait(WAIT)
        x = feeds["x"]
        self.sizes.append(len(x))
        if (x < 0).any():
            raise StatusError(Code.INVALID_ARGUMENT, "negative")
        return [x * 2 for _ in fetches]

    def close(self) -> None:
        self.closed = True


def rows(*values: float) -> dict[str, Array]:
    return {"x": np.array(values, np.float32)}


class Waiting:
    """A request in a thread of its own."""

    def __init__(self, runner: BatchingRunner, feeds: dict[str, Array]) -> None:
        self.values: list[Array] = []
        self.error: StatusError | None = None
        self._thread = threading.Thread(target=self._ask, args=(runner, feeds))
        self._thread.start()

    def _ask(self, runner: BatchingRunner, feeds: dict[str, Array]) -> None:
        try:
            self.values = runner.run(feeds, ["y"], None)
        except StatusError as error:
            self.error = error

    def join(self) -> Waiting:
        self._thread.join(WAIT)
        return self


def waiting_rows(runner: BatchingRunner) -> int:
    return sum(task.rows for queue in runner._queues.values() for task in queue)


def held(
    options: BatchingOptions, requests: Sequence[dict[str, Array]]
) -> tuple[Doubling, list[Waiting]]:
    """Sends the requests while another keeps the only thread busy, then lets it go on."""
    inner = Doubling()
    runner = BatchingRunner(inner, options)
    inner.gate.clear()
    first = Waiting(runner, rows(0))
    assert inner.entered.wait(WAIT)
    sent = []
    for request in requests:
        before = waiting_rows(runner)
        sent.append(Waiting(runner, request))
        while waiting_rows(runner) == before:
            threading.Event().wait(0.001)
    inner.gate.set()
    answers = [request.join() for request in sent]
    first.join()
    runner.close()
    assert inner.closed
    return inner, answers


def test_waiting_requests_are_one_batch() -> None:
    inner, answers = held(BatchingOptions(), [rows(1), rows(2, 3), rows(4)])
    assert inner.sizes == [1, 4]
    assert [answer.values[0].tolist() for answer in answers] == [[2], [4, 6], [8]]


def test_a_batch_has_a_largest_size() -> None:
    inner, answers = held(BatchingOptions(max_batch_size=3), [rows(1), rows(2, 3), rows(4)])
    assert inner.sizes == [1, 3, 1]
    assert [answer.values[0].tolist() for answer in answers] == [[2], [4, 6], [8]]


def test_batches_are_filled_up_to_an_allowed_size() -> None:
    options = BatchingOptions(max_batch_size=8, allowed_sizes=(4, 8))
    inner, answers = held(options, [rows(1), rows(2)])
    assert inner.sizes == [4, 4]
    assert [answer.values[0].tolist() for answer in answers] == [[2], [4]]


def test_a_bad_request_harms_no_other() -> None:
    _, answers = held(BatchingOptions(), [rows(1), rows(-1), rows(3)])
    assert [answer.error and answer.error.message for answer in answers] == [None, "negative", None]
    assert [answers[0].values[0].tolist(), answers[2].values[0].tolist()] == [[2], [6]]


def test_other_shapes_and_types_are_other_batches() -> None:
    wide = {"x": np.ones((2, 3), np.float32)}
    double = {"x": np.ones(2, np.float64)}
    inner, answers = held(BatchingOptions(), [rows(1, 1), wide, double])
    assert sorted(inner.sizes) == [1, 2, 2, 2]
    assert answers[1].values[0].shape == (2, 3)
    assert answers[2].values[0].dtype == np.float64


def test_the_queue_has_an_end() -> None:
    options = BatchingOptions(max_batch_size=2, max_enqueued_batches=1)
    inner = Doubling()
    runner = BatchingRunner(inner, options)
    inner.gate.clear()
    first = Waiting(runner, rows(0))
    assert inner.entered.wait(WAIT)
    second = Waiting(runner, rows(1, 2))
    while not waiting_rows(runner):
        threading.Event().wait(0.001)
    with pytest.raises(StatusError, match="queue to which this task was submitted is full") as full:
        runner.run(rows(3), ["y"], None)
    assert full.value.code is Code.UNAVAILABLE
    inner.gate.set()
    assert second.join().values[0].tolist() == [2, 4]
    first.join()
    runner.close()


def test_time_runs_out() -> None:
    inner = Doubling()
    runner = BatchingRunner(inner, BatchingOptions())
    inner.gate.clear()
    with pytest.raises(StatusError) as caught:
        runner.run(rows(1), ["y"], 20)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    inner.gate.set()
    runner.close()


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        ({"x": np.float32(1).reshape(())},
         "Batching Run() input tensors must have at least one dimension"),
        ({"x": np.ones(2, np.float32), "z": np.ones(3, np.float32)},
         "Batching Run() input tensors must have equal 0th-dimension size"),
        (rows(1, 2, 3), "Task size 3 is larger than maximum input batch size 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_joined(feeds: dict[str, Array], message: str) -> None:
    runner = BatchingRunner(Doubling(), BatchingOptions(max_batch_size=2))
    with pytest.raises(StatusError) as caught:
        runner.run(feeds, ["y"], None)
    assert str(caught.value) == f"INVALID_ARGUMENT: {message}"
    runner.close()


def test_no_rows_are_rows_too() -> None:
    runner = BatchingRunner(Doubling(), BatchingOptions(allowed_sizes=(4,), max_batch_size=4))
    with pytest.raises(StatusError):  # nothing to fill up with: the inner answer has no rows
        runner.run(rows(), ["y"], None)
    runner.close()
    runner = BatchingRunner(Doubling(), BatchingOptions())
    assert runner.run(rows(), ["y"], None)[0].tolist() == []
    runner.close()
