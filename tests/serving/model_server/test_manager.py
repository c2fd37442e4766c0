"""Versions come and go while they are used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from serving.model_server.manager import RetryPolicy, ServableManager
from serving.model_server.servable import Servable, ServableId, State, VersionState
from serving.wire.status import Code, StatusError
from serving.wire.tensors import Array

WAIT = 20.0


class FakeRunner:
    def __init__(self) -> None:
        self.closed = threading.Event()

    def run(
        self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout_ms: int | None
    ) -> list[Array]:
        assert not self.closed.is_set()
        return []

    def close(self) -> None:
        self.closed.set()


class Loads:
    """Loads what `broken` does not name; remembers the order."""

    def __init__(self) -> None:
        self.order: list[int] = []
        self.runners: dict[int, FakeRunner] = {}
        self.broken: dict[int, int] = {}
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, servable_id: ServableId, path: Path) -> Servable:
        self.order.append(servable_id.version)
        assert self.gate.wait(WAIT)
        if self.broken.get(servable_id.version, 0) > 0:
            self.broken[servable_id.version] -= 1
            raise StatusError(Code.DATA_LOSS, f"broken {path}")
        self.runners[servable_id.version] = runner = FakeRunner()
        return Servable(servable_id.name, servable_id.version, {}, runner)


@pytest.fixture(name="loads")
def _loads() -> Loads:
    return Loads()


@pytest.fixture(name="manager")
def _manager(loads: Loads) -> Iterator[ServableManager]:
    manager = ServableManager(loads, retry=RetryPolicy(1, 0.0), interval_seconds=0.01)
    manager.start()
    yield manager
    loads.gate.set()
    manager.stop()


def paths(*versions: int) -> dict[int, Path]:
    return {version: Path(str(version)) for version in versions}


def until(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(WAIT / 0.01)):
        if holds():
            return
        pause.wait(0.01)
    raise AssertionError("it never held")


def states(manager: ServableManager) -> dict[int, State]:
    return {version: state.state for version, state in manager.states("m").items()}


def test_the_newest_answers_and_others_by_number(manager: ServableManager, loads: Loads) -> None:
    manager.aspire("m", paths(3, 10, 9))
    until(lambda: states(manager) == dict.fromkeys((3, 9, 10), State.AVAILABLE))
    assert loads.order[0] == 10
    with manager.use("m", None) as newest, manager.use("m", 3) as third:
        assert (newest.version, third.version) == (10, 3)


def test_what_is_not_there(manager: ServableManager) -> None:
    for version, asked in ((None, "Latest(m)"), (4, "Specific(m, 4)")):
        with pytest.raises(StatusError) as caught, manager.use("m", version):
            pass
        assert str(caught.value) == f"NOT_FOUND: Servable not found for request: {asked}"


def test_the_old_one_answers_until_the_new_one_is_ready(
    manager: ServableManager, loads: Loads
) -> None:
    manager.aspire("m", paths(1))
    manager.wait_until_available(["m"])
    loads.gate.clear()
    manager.aspire("m", paths(2))
    until(lambda: states(manager)[2] is State.LOADING)
    with manager.use("m", None) as servable:
        assert servable.version == 1
        loads.gate.set()
        until(lambda: states(manager)[2] is State.AVAILABLE)
        until(lambda: states(manager)[1] is State.UNLOADING)
        assert not loads.runners[1].closed.is_set()  # it is still in use
    assert loads.runners[1].closed.wait(WAIT)
    until(lambda: states(manager)[1] is State.END)
    with manager.use("m", None) as servable:
        assert servable.version == 2


def test_no_version_wanted_unloads_all(manager: ServableManager, loads: Loads) -> None:
    manager.aspire("m", paths(1))
    manager.wait_until_available(["m"])
    manager.aspire("m", {})
    assert loads.runners[1].closed.wait(WAIT)
    until(lambda: states(manager) == {1: State.END})
    manager.aspire("m", paths(1))
    until(lambda: states(manager) == {1: State.AVAILABLE})


def test_a_load_is_tried_again(manager: ServableManager, loads: Loads) -> None:
    loads.broken[1] = 1
    manager.aspire("m", paths(1))
    manager.wait_until_available(["m"])
    assert loads.order == [1, 1]


def test_a_version_that_cannot_be_loaded_harms_no_other(
    manager: ServableManager, loads: Loads
) -> None:
    manager.aspire("m", paths(1))
    manager.wait_until_available(["m"])
    loads.broken[2] = 2
    manager.aspire("m", paths(2))
    until(lambda: states(manager)[2] is State.END)
    assert manager.states("m")[2] == VersionState(State.END, Code.DATA_LOSS, "broken 2")
    with manager.use("m", None) as servable:
        assert servable.version == 1


def test_waiting_ends_where_nothing_can_come(manager: ServableManager, loads: Loads) -> None:
    loads.broken[1] = 2
    manager.aspire("m", paths(1))
    with pytest.raises(StatusError) as caught:
        manager.wait_until_available(["m"])
    assert str(caught.value) == (
        "UNKNOWN: 1 servable(s) did not become available: "
        "{{{name: m version: 1} due to error: DATA_LOSS: broken 1}, }"
    )


def test_two_versions_without_successor_leave_one(loads: Loads) -> None:
    manager = ServableManager(loads, retry=RetryPolicy(0, 0.0), interval_seconds=0.01)
    manager.start()
    manager.aspire("m", paths(1, 2))
    until(lambda: states(manager) == dict.fromkeys((1, 2), State.AVAILABLE))
    loads.broken[3] = 1
    manager.aspire("m", paths(3))
    until(lambda: states(manager)[1] is State.END and states(manager)[3] is State.END)
    with manager.use("m", None) as servable:
        assert servable.version == 2
    manager.stop()
    assert loads.runners[2].closed.is_set()


def test_many_threads_see_a_version_at_every_moment(manager: ServableManager, loads: Loads) -> None:
    manager.aspire("m", paths(1))
    manager.wait_until_available(["m"])
    over, errors, seen = threading.Event(), [], set()

    def ask() -> None:
        while not over.is_set():
            try:
                with manager.use("m", None) as servable:
                    servable.runner.run({}, [], None)
                    seen.add(servable.version)
            except Exception as error:
                errors.append(error)
                return

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version in range(2, 12):
        manager.aspire("m", paths(version))
        until(lambda: loads.runners.get(version) is not None)  # noqa: B023
        assert loads.runners[version - 1].closed.wait(WAIT)
    until(lambda: 11 in seen)
    over.set()
    for thread in threads:
        thread.join()
    assert errors == []
