"""What is tried again, when, and for how long; with a clock that the test turns."""

from __future__ import annotations

import pytest

from serving.client.errors import (
    DeadlineError,
    ModelNotFoundError,
    ModelServerError,
    RequestRefusedError,
    ServerUnavailableError,
    server_error,
)
from serving.client.retry import Retrier, RetryPolicy
from serving.wire.status import Code

POLICY = RetryPolicy(attempts=4, first_wait_seconds=0.1, factor=2.0, longest_wait_seconds=0.3)


class World:
    """A clock; each attempt takes a second, and ends as the list says."""

    def __init__(self, *ends: Code | str, takes: float = 1.0) -> None:
        self.now = 100.0
        self.waits: list[float] = []
        self.lefts: list[float] = []
        self.bounds: list[float] = []
        self._ends = list(ends)
        self._takes = takes

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def uniform(self, low: float, high: float) -> float:
        self.bounds.append(high)
        return (low + high) / 2

    def attempt(self, left: float) -> str:
        self.lefts.append(left)
        self.now += self._takes
        end = self._ends.pop(0)
        if isinstance(end, Code):
            raise server_error(end, "no", "there")
        return end

    def call(self, timeout: float) -> str:
        retrier = Retrier(POLICY, clock=lambda: self.now, sleep=self.sleep, uniform=self.uniform)
        return retrier.call(self.attempt, timeout)


def test_the_first_answer_is_the_answer() -> None:
    world = World("yes")
    assert world.call(5.0) == "yes"
    assert (world.waits, world.lefts) == ([], [5.0])


def test_waits_grow_to_a_bound_and_time_runs() -> None:
    world = World(Code.UNAVAILABLE, Code.UNAVAILABLE, Code.UNAVAILABLE, "yes")
    assert world.call(10.0) == "yes"
    assert world.bounds == pytest.approx([0.1, 0.2, 0.3])
    assert world.waits == pytest.approx([0.05, 0.1, 0.15])
    assert world.lefts == pytest.approx([10.0, 8.95, 7.85, 6.7])


def test_attempts_have_an_end() -> None:
    world = World(*[Code.UNAVAILABLE] * 5)
    with pytest.raises(ServerUnavailableError):
        world.call(60.0)
    assert len(world.lefts) == 4


def test_no_attempt_begins_after_the_deadline() -> None:
    world = World(Code.UNAVAILABLE, Code.UNAVAILABLE, "late")
    with pytest.raises(ServerUnavailableError):
        world.call(2.1)  # two seconds of attempts, 0.05 s of waiting, and 0.1 s more would be
    assert len(world.lefts) == 2


def test_no_time_is_no_attempt() -> None:
    world = World("yes")
    with pytest.raises(DeadlineError, match="no answer in 0 s"):
        world.call(0.0)
    assert world.lefts == []


@pytest.mark.parametrize("code", [c for c in Code if c not in (Code.OK, Code.UNAVAILABLE)])
def test_nothing_else_is_tried_again(code: Code) -> None:
    world = World(code, "yes")
    with pytest.raises(ModelServerError) as caught:
        world.call(60.0)
    assert caught.value.code is code
    assert len(world.lefts) == 1


def test_errors_say_what_can_be_done() -> None:
    assert isinstance(server_error(Code.NOT_FOUND, "m", "w"), ModelNotFoundError)
    assert isinstance(server_error(Code.INVALID_ARGUMENT, "m", "w"), RequestRefusedError)
    error = server_error(Code.UNAVAILABLE, "refused", "model m at h:1")
    assert str(error) == (
        "model m at h:1: the model server can be reached. Received: UNAVAILABLE: refused. "
        "Remedy: see that it runs (`goalpath serve`), and that the address is right."
    )
