"""What the benchmark is doing, on standard error."""

from __future__ import annotations

import sys
import time


class Progress:
    """Prints lines with the seconds since its making."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since its making."""
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        """Prints a line at once."""
        print(f"[{self.seconds:6.0f} s] {text}", file=sys.stderr, flush=True)
