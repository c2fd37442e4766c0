"""Whether the model server answers, so that nobody waits for one that does not."""

from __future__ import annotations

import threading


class ModelHealth:
    """What is known of the model server. It counts as there until it is found away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: str | None = None
        self._available: frozenset[int] | None = None

    @property
    def reason(self) -> str | None:
        """Why it is not asked; None while it is."""
        return self._reason

    @property
    def available(self) -> frozenset[int]:
        """The versions it answered for when it was last looked at."""
        return self._available or frozenset()

    def lacks(self, number: int) -> bool:
        """Whether it was looked at, and had no such version."""
        return self._available is not None and number not in self._available

    def went_away(self, reason: str) -> None:
        """A request found no server."""
        with self._lock:
            self._reason = reason

    def was_seen(self, available: frozenset[int]) -> None:
        """It said which versions it has."""
        with self._lock:
            self._reason = None
            self._available = available
