"""The versions that answer, followed while the gateway runs.

A new version is read and loaded while the old one answers, and then takes its place in one
assignment. A request holds the version that it began with to its end.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from schemas.errors import GoalpathError
from serving.client.errors import DeadlineError, ModelServerError
from serving.client.model_client import ModelClient
from serving.gateway.model_health import ModelHealth
from serving.gateway.state_table import remove_imports
from serving.gateway.version_data import VersionData, read_version
from serving.version_choice import (
    CANARY,
    STABLE,
    VersionChoice,
    canary_of,
    in_share,
    read_choice,
    stable_of,
)
from serving.versions import Version, list_versions

STATUS_SECONDS: Final = 2.0
IMPORTS: Final = "versions"

_LOG: Final = logging.getLogger("goalpath.gateway")


@dataclasses.dataclass(frozen=True, eq=False)
class Served:
    """What answers at one time.

    Attributes:
      stable: answers most students.
      canary: answers the others; None: nobody is another.
      share: of students that the canary answers.
    """

    stable: VersionData
    canary: VersionData | None = None
    share: float = 0.0

    def of(self, student_id: str) -> tuple[str, VersionData]:
        """The label and version for a student."""
        if self.canary is not None and in_share(student_id, self.share):
            return CANARY, self.canary
        return STABLE, self.stable


class NothingServedError(GoalpathError):
    """No version can answer yet."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where versions are.

    Attributes:
      out: folder of `goalpath run`.
      model_name: of the model.
      folder: of what the gateway keeps.
    """

    out: Path
    model_name: str
    folder: Path


class ServedVersions:
    """Follows pushes, choices and the model server.

    Args:
      place: where versions are.
      client: of the model server.
      health: of it; told by this and by whoever asks.
      ask_for: is told which versions the model server should have, where that can be said.
      warm: asks the model server about a version once before anybody does, since what is
        asked first takes longest.
    """

    def __init__(
        self,
        place: Place,
        client: ModelClient,
        health: ModelHealth,
        ask_for: Callable[[Served | None, tuple[Version, ...]], None] | None = None,
        warm: Callable[[VersionData], None] | None = None,
    ) -> None:
        self._place = place
        self._client = client
        self._health = health
        self._ask_for = ask_for
        self._warm = warm
        self._loaded: frozenset[int] = frozenset()
        self._warmed: frozenset[int] = frozenset()
        self._served: Served | None = None
        self._broken: dict[int, str] = {}
        self._turn = threading.Lock()
        self._wake = threading.Event()
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def served(self) -> Served:
        """What answers now.

        Raises:
          NothingServedError: nothing does.
        """
        if self._served is None:
            reason = "; ".join(self._broken.values()) or "no complete version"
            raise NothingServedError(
                "a version must have been pushed before it can answer.",
                where=str(self._place.out),
                received=reason,
                remedy="run `goalpath run` and see that it ends with 0.",
            )
        return self._served

    @property
    def broken(self) -> tuple[str, ...]:
        """Versions that are wanted and cannot be read, with the reason."""
        return tuple(self._broken.values())

    def start(self, seconds: float) -> None:
        """Looks around once, and then every so many seconds until `stop`."""
        self.look()
        self._thread = threading.Thread(
            target=self._follow, args=(seconds,), name="versions", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Ends the following."""
        self._ends.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def look_soon(self) -> None:
        """Has the follower look at once: somebody met something that has changed."""
        self._wake.set()

    def look(self) -> None:
        """Looks around once."""
        with self._turn:
            versions = list_versions(self._place.out, self._place.model_name)
            choice = read_choice(self._place.out)
            stable, canary = stable_of(choice, versions), canary_of(choice, versions)
            wanted = tuple(each for each in (stable, canary) if each is not None)
            if self._ask_for is not None:
                self._ask_for(self._served, wanted)
            numbers = {each.number for each in wanted}
            self._broken = {n: why for n, why in self._broken.items() if n in numbers}
            there = self._see_server()
            read = {each.number: self._data(each) for each in wanted}
            if there:
                self._warm_up([data for data in read.values() if data is not None])
            if stable is not None:
                other = read[canary.number] if canary is not None else None
                self._take(choice, read[stable.number], other)

    def _follow(self, seconds: float) -> None:
        while not self._ends.is_set():
            self._wake.wait(seconds)
            self._wake.clear()
            if self._ends.is_set():
                return
            try:
                self.look()
            except (GoalpathError, OSError) as error:
                _LOG.warning("looking for versions failed: %s", error)
            time.sleep(min(seconds, 0.05))  # requests that fail at once may not make it spin

    def _see_server(self) -> bool:
        """Whether the model server is there, and which versions it has loaded."""
        try:
            found = self._client.versions(timeout_seconds=STATUS_SECONDS)
        except DeadlineError:
            # Busy, perhaps: whether it answers in time is found by requests.
            return False
        except ModelServerError as error:
            self._loaded = self._warmed = frozenset()
            self._health.went_away(f"{error.code.name}: {error.message}")
            return False
        self._loaded = frozenset(each.version for each in found if each.available)
        self._warmed &= self._loaded
        return True

    def _warm_up(self, read: list[VersionData]) -> None:
        for data in read:
            if data.number in self._loaded and data.number not in self._warmed:
                if self._warm is not None:
                    self._try_warm(data)
                self._warmed |= {data.number}
        self._health.was_seen(self._warmed)

    def _try_warm(self, data: VersionData) -> None:
        assert self._warm is not None
        try:
            self._warm(data)
        except ModelServerError as error:
            _LOG.warning("version %d did not answer at first: %s", data.number, error.code.name)

    def _take(
        self, choice: VersionChoice, first: VersionData | None, other: VersionData | None
    ) -> None:
        old = self._served
        if first is None or (old is not None and not self._can_swap(old.stable, first)):
            first = old.stable if old is not None else None
        if first is None:
            return
        if other is not None and not self._answers(other.number):
            other = None
        new = Served(first, other, choice.canary_share if other is not None else 0.0)
        if old is None or _names(old) != _names(new):
            _LOG.info("version %d answers%s", first.number, _also(new))
            self._served = new
            kept = [each.number for each in (new.stable, new.canary) if each is not None]
            remove_imports(self._place.folder / IMPORTS, kept)

    def _data(self, version: Version) -> VersionData | None:
        """The version read, from memory where it is; None where it cannot be."""
        old = self._served
        for each in (old.stable, old.canary) if old is not None else ():
            if each is not None and each.number == version.number:
                return each
        # A version that only the model server lacks yet is read once it has it.
        if old is not None and version.number not in self._loaded and self._answers_any(old):
            return None
        try:
            data = read_version(version, self._place.folder / IMPORTS)
        except GoalpathError as error:
            if version.number not in self._broken:
                _LOG.error("version %d cannot be read: %s", version.number, error)
            self._broken[version.number] = f"version {version.number}: {error}"
            return None
        self._broken.pop(version.number, None)
        return data

    def _can_swap(self, old: VersionData, new: VersionData) -> bool:
        return (
            old.number == new.number or self._answers(new.number) or not self._answers(old.number)
        )

    def _answers(self, number: int) -> bool:
        return self._health.reason is None and number in self._health.available

    def _answers_any(self, served: Served) -> bool:
        return self._answers(served.stable.number)


def _names(served: Served) -> tuple[int, int | None, float]:
    canary = served.canary.number if served.canary is not None else None
    return served.stable.number, canary, served.share


def _also(served: Served) -> str:
    if served.canary is None:
        return ""
    return f", and {served.canary.number} for {served.share:.1%} of students"
