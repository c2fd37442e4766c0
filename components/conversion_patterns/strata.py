"""Sums over strata that are named by numbers, and add up over partitions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class Tally:
    """How many windows each key has, and how many of them were followed by moving on.

    Attributes:
      keys: int64 `[n, width]`, distinct and in lexicographic order.
      windows: int64 `[n]`.
      moved: int64 `[n]`.
    """

    keys: Codes
    windows: Codes
    moved: Codes

    def __len__(self) -> int:
        return len(self.windows)


def tally(keys: Codes, moved: npt.NDArray[np.bool_]) -> Tally:
    """Counts windows by their keys.

    Args:
      keys: `[n, width]`, repeated.
      moved: `[n]`.
    """
    return _sum(keys, np.ones(len(keys), np.int64), moved.astype(np.int64))


def add_tallies(parts: Sequence[Tally]) -> Tally:
    """Key by key; at least one part."""
    return _sum(
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.windows for part in parts]),
        np.concatenate([part.moved for part in parts]),
    )


def _sum(keys: Codes, windows: Codes, moved: Codes) -> Tally:
    if not len(keys):
        return Tally(keys, windows, moved)
    order = np.lexsort(keys.T[::-1])
    keys = keys[order]
    fresh = np.ones(len(keys), bool)
    fresh[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    first = np.flatnonzero(fresh)
    return Tally(
        keys[first],
        np.add.reduceat(windows[order], first),
        np.add.reduceat(moved[order], first),
    )
