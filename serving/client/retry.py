"""Tries again what may be tried again, within a deadline."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable
from typing import TypeVar

from serving.client.errors import DeadlineError, ServerUnavailableError
from serving.wire.status import Code

Answer = TypeVar("Answer")


@dataclasses.dataclass(frozen=True)
class RetryPolicy:
    """How often and when.

    The wait before attempt i + 1 is drawn from [0, min(longest, first * factor**i)), which
    is "full jitter": clients that failed together do not come back together.

    Attributes:
      attempts: in all; 1: none is repeated.
      first_wait_seconds: at most, before the second attempt.
      factor: by which it grows.
      longest_wait_seconds: bound of it.
    """

    attempts: int = 4
    first_wait_seconds: float = 0.05
    factor: float = 2.0
    longest_wait_seconds: float = 1.0

    def longest(self, failures: int) -> float:
        """The bound of the wait after so many failures, in seconds."""
        grown = self.first_wait_seconds * self.factor ** (failures - 1)
        return min(self.longest_wait_seconds, grown)


class Retrier:
    """Calls again what was not available.

    Args:
      policy: how often and when.
      clock: seconds, never going back.
      sleep: waits so many seconds.
      uniform: draws between two bounds.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._sleep = sleep
        self._uniform = uniform

    def call(self, attempt: Callable[[float], Answer], timeout_seconds: float) -> Answer:
        """What `attempt` returns, which is given the seconds that are left.

        Only for requests that change nothing: a server that did not answer may have
        done what was asked.

        Raises:
          DeadlineError: no time was left.
          ServerUnavailableError: the last attempt found no server either.
          ModelServerError: whatever else `attempt` raised, at once.
        """
        ends = self._clock() + timeout_seconds
        failures = 0
        while True:
            left = ends - self._clock()
            if left <= 0:
                raise DeadlineError(
                    Code.DEADLINE_EXCEEDED, f"no answer in {timeout_seconds:g} s", ""
                )
            try:
                return attempt(left)
            except ServerUnavailableError:
                failures += 1
                wait = self._uniform(0.0, self._policy.longest(failures))
                if failures >= self._policy.attempts or self._clock() + wait >= ends:
                    raise
                self._sleep(wait)
