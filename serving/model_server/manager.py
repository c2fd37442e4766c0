"""Loads and unloads versions of models while requests are answered.

The order is that of TF Serving's AvailabilityPreservingPolicy: an old version is unloaded
only when a wanted one is ready, and of several that are to be loaded the newest is first.
A version in use is closed when its last request has been answered.
"""

from __future__ import annotations

import dataclasses
import enum
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from serving.model_server.freed_memory import return_freed_memory
from serving.model_server.servable import Servable, ServableId, State, VersionState
from serving.wire.status import Code, StatusError

_LOG: Final = logging.getLogger(__name__)

Load = Callable[[ServableId, Path], Servable]


class _Phase(enum.Enum):
    NEW = enum.auto()
    LOADING = enum.auto()
    READY = enum.auto()
    QUIESCING = enum.auto()
    OVER = enum.auto()


@dataclasses.dataclass
class _Managed:
    id: ServableId
    path: Path
    aspired: bool = True
    phase: _Phase = _Phase.NEW
    servable: Servable | None = None
    users: int = 0
    failures: int = 0
    not_before: float = 0.0


@dataclasses.dataclass(frozen=True)
class RetryPolicy:
    """What happens to a version that does not load.

    Attributes:
      retries: further attempts, while the version is wanted.
      wait_seconds: between attempts.
    """

    retries: int = 5
    wait_seconds: float = 60.0


class ServableManager:
    """The versions of all models.

    Args:
      load: makes a servable of a folder, or raises.
      retry: of loads.
      clock: seconds, never going back.
      interval_seconds: how long a wanted change may wait for its turn.
    """

    def __init__(
        self,
        load: Load,
        *,
        retry: RetryPolicy,
        clock: Callable[[], float] = time.monotonic,
        interval_seconds: float = 0.1,
    ) -> None:
        self._load = load
        self._retry = retry
        self._clock = clock
        self._interval = interval_seconds
        self._changed = threading.Condition()
        self._managed: dict[ServableId, _Managed] = {}
        self._serving: dict[str, dict[int, _Managed]] = {}
        self._states: dict[str, dict[int, VersionState]] = {}
        self._stopped = False
        self._thread = threading.Thread(target=self._manage, name="manage", daemon=True)

    def start(self) -> None:
        """Begins to load and unload."""
        self._thread.start()

    def stop(self) -> None:
        """Stops managing and closes every servable, when its requests are answered."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        with self._changed:
            ready = [entry for entry in self._managed.values() if entry.phase is _Phase.READY]
            for entry in ready:
                self._withdraw(entry)
        for entry in ready:
            self._close(entry)

    def aspire(self, name: str, versions: Mapping[int, Path]) -> None:
        """Wants exactly these versions of a model."""
        with self._changed:
            for entry in list(self._managed.values()):
                if entry.id.name == name and entry.id.version not in versions:
                    entry.aspired = False
                    self._forget_unused(entry)
            for version, path in versions.items():
                servable_id = ServableId(name, version)
                # One that is being unloaded comes back with a later call.
                if servable_id not in self._managed:
                    self._managed[servable_id] = _Managed(servable_id, path)
                    self._publish(servable_id, VersionState(State.START))
            self._changed.notify_all()

    @contextmanager
    def use(self, name: str, version: int | None) -> Iterator[Servable]:
        """A servable, held open while it is used.

        Args:
          name: of the model.
          version: its number; None: the highest that is loaded.

        Raises:
          StatusError: NOT_FOUND.
        """
        entry = self._take(name, version)
        try:
            assert entry.servable is not None
            yield entry.servable
        finally:
            with self._changed:
                entry.users -= 1
                if entry.phase is _Phase.QUIESCING:
                    self._changed.notify_all()

    def states(self, name: str) -> dict[int, VersionState]:
        """The state of every version that was ever wanted, by version; empty: none was."""
        with self._changed:
            return dict(sorted(self._states.get(name, {}).items()))

    def wait_until_available(self, names: Collection[str]) -> None:
        """Returns when each of the models has a version that answers.

        Raises:
          StatusError: every version of a model ended before it could answer, or the
            manager was stopped.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._awaited(names))
            failed = [name for name in sorted(names) if not self._serving.get(name)]
            if failed:
                raise StatusError(Code.UNKNOWN, self._not_available(failed))

    def _awaited(self, names: Collection[str]) -> list[str]:
        return [
            name
            for name in names
            if not self._serving.get(name)
            and not (
                (states := self._states.get(name))
                and all(state.state is State.END for state in states.values())
            )
        ]

    def _not_available(self, failed: list[str]) -> str:
        reasons = [
            f"{{{ServableId(name, version)} due to error: {state.code.name}: {state.message}}}"
            for name in failed
            for version, state in sorted(self._states.get(name, {}).items())
        ]
        return (
            f"{len(failed)} servable(s) did not become available: {{" + ", ".join(reasons) + ", }"
        )

    def _take(self, name: str, version: int | None) -> _Managed:
        with self._changed:
            ready = self._serving.get(name) or {}
            chosen = max(ready, default=None) if version is None else version
            if chosen is None or chosen not in ready:
                asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
                raise StatusError(Code.NOT_FOUND, f"Servable not found for request: {asked}")
            entry = ready[chosen]
            entry.users += 1
            return entry

    def _manage(self) -> None:
        while True:
            with self._changed:
                if self._stopped:
                    return
                action = self._next_action()
                if action is None:
                    self._changed.wait(self._interval)
                    continue
                entry, unload = action
                if unload:
                    self._withdraw(entry)
                else:
                    entry.phase = _Phase.LOADING
                    self._publish(entry.id, VersionState(State.LOADING))
            if unload:
                closing = threading.Thread(target=self._close, args=(entry,), daemon=True)
                closing.start()
            else:
                self._load_one(entry)

    def _next_action(self) -> tuple[_Managed, bool] | None:
        by_name: dict[str, list[_Managed]] = {}
        for entry in self._managed.values():
            by_name.setdefault(entry.id.name, []).append(entry)
        to_unload = filter(None, map(_to_unload, by_name.values()))
        unload = next(to_unload, None)
        if unload is not None:
            return unload, True
        now = self._clock()
        waiting = [
            entry
            for entry in self._managed.values()
            if entry.aspired and entry.phase is _Phase.NEW and entry.not_before <= now
        ]
        if not waiting:
            return None
        return max(waiting, key=lambda entry: entry.id.version), False

    def _load_one(self, entry: _Managed) -> None:
        _LOG.info("Loading servable version %s", entry.id)
        try:
            servable = self._load(entry.id, entry.path)
        except Exception as error:  # whatever a model does, the others are served
            self._load_failed(entry, as_status(error))
            return
        with self._changed:
            entry.servable = servable
            entry.phase = _Phase.READY
            self._serving.setdefault(entry.id.name, {})[entry.id.version] = entry
            self._publish(entry.id, VersionState(State.AVAILABLE))
        return_freed_memory()
        _LOG.info("Successfully loaded servable version %s", entry.id)

    def _load_failed(self, entry: _Managed, error: StatusError) -> None:
        _LOG.error("Loading servable: %s failed: %s", entry.id, error)
        with self._changed:
            entry.failures += 1
            if entry.aspired and entry.failures <= self._retry.retries:
                entry.phase = _Phase.NEW
                entry.not_before = self._clock() + self._retry.wait_seconds
                return
            entry.phase = _Phase.OVER
            self._publish(entry.id, VersionState(State.END, error.code, error.message))
            self._forget_unused(entry)

    def _withdraw(self, entry: _Managed) -> None:
        entry.phase = _Phase.QUIESCING
        del self._serving[entry.id.name][entry.id.version]
        self._publish(entry.id, VersionState(State.UNLOADING))

    def _close(self, entry: _Managed) -> None:
        with self._changed:
            self._changed.wait_for(lambda: entry.users == 0)
        assert entry.servable is not None
        entry.servable.runner.close()
        with self._changed:
            entry.servable = None
            entry.phase = _Phase.OVER
            self._publish(entry.id, VersionState(State.END))
            self._forget_unused(entry)
        return_freed_memory()
        _LOG.info("Unloaded servable version %s", entry.id)

    def _forget_unused(self, entry: _Managed) -> None:
        if entry.aspired or entry.phase not in (_Phase.NEW, _Phase.OVER):
            return
        if entry.phase is _Phase.NEW:
            self._publish(entry.id, VersionState(State.END))
        self._managed.pop(entry.id, None)

    def _publish(self, servable_id: ServableId, state: VersionState) -> None:
        self._states.setdefault(servable_id.name, {})[servable_id.version] = state
        self._changed.notify_all()


def as_status(error: Exception) -> StatusError:
    """An error as a status; what is none already is INTERNAL, with its type."""
    if isinstance(error, StatusError):
        return error
    return StatusError(Code.INTERNAL, f"{type(error).__name__}: {error}")


def _to_unload(entries: list[_Managed]) -> _Managed | None:
    """The version of one model that may go now, if there is one."""
    leaving = [e for e in entries if not e.aspired and e.phase is _Phase.READY]
    aspired = [e for e in entries if e.aspired]
    if not leaving:
        return None
    replaced = any(e.phase is _Phase.READY for e in aspired)
    if aspired and not replaced and len(leaving) == 1:
        return None
    return min(leaving, key=lambda entry: entry.id.version)
