"""What the model said of a state, kept: of the same state the same version says the same.

A screen about one student asks for the goal, the readiness and the insights in one breath.
It is only looked at while the model server is there, so that nothing here answers in its place.
"""

from __future__ import annotations

import collections
import threading
from typing import Final

import numpy as np
import numpy.typing as npt

KEPT: Final = 20_000

Tensors = dict[str, npt.NDArray[np.generic]]
Key = tuple[int, str, int]
"""Version, student, and how many posted events are in the state: events are only ever added."""


class HeadsCache:
    """The last answers; the one that was not asked for longest goes first.

    Args:
      kept: how many.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._size = kept
        self._lock = threading.Lock()
        self._kept: collections.OrderedDict[Key, Tensors] = collections.OrderedDict()

    def get(self, key: Key) -> Tensors | None:
        """What was said; None where it is not known."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Key, said: Tensors) -> None:
        """Keeps what was said."""
        with self._lock:
            self._kept[key] = said
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
