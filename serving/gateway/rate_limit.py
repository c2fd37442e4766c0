"""How often a client may ask: a bucket of tokens for each."""

from __future__ import annotations

import collections
import math
import threading
import time
from collections.abc import Callable
from typing import Final

CLIENTS: Final = 10_000
"""Clients that are remembered; the one that has not asked for longest is forgotten first."""


class RateLimit:
    """So many requests a minute of each client, and so many at once.

    Args:
      a_minute: requests; 0: no limit.
      burst: at once.
      clock: seconds, never going back.
    """

    def __init__(
        self, a_minute: int, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._a_second = a_minute / 60
        self._burst = float(burst)
        self._clock = clock
        self._lock = threading.Lock()
        self._left: collections.OrderedDict[str, tuple[float, float]] = collections.OrderedDict()

    def wait(self, client: str) -> int:
        """Takes a token: 0 where there is one, else the whole seconds until there is."""
        if not self._a_second:
            return 0
        with self._lock:
            now = self._clock()
            left, since = self._left.pop(client, (self._burst, now))
            left = min(self._burst, left + (now - since) * self._a_second)
            enough = left >= 1
            self._left[client] = (left - 1 if enough else left, now)
            while len(self._left) > CLIENTS:
                self._left.popitem(last=False)
        return 0 if enough else math.ceil((1 - left) / self._a_second)
