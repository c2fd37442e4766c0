"""Searches and sums in an array of sorted segments laid end to end.

A segment is what belongs to one student, or to one student and engagement. All
functions work on all queries at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]


def offsets_of(counts: npt.NDArray[np.integer[Any] | np.bool_]) -> Places:
    """Where each segment of the given lengths starts, and where the last ends: `[n + 1]`."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def expand(start: Places, counts: Places) -> tuple[Places, Places]:
    """All places of the ranges [start, start + count), one range after the other.

    Returns:
      The range that each place is of, and the place; both `[sum(counts)]`.
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    first = offsets_of(counts)[:-1]
    places = np.arange(len(owner)) + np.repeat(start - first, counts)
    return owner, places


def count_before(
    values: npt.NDArray[np.int64], start: Places, stop: Places, bounds: npt.NDArray[np.int64]
) -> Places:
    """The place in each queried segment of the first value >= its bound.

    A binary search, in step for all queries.

    Args:
      values: ascending within each segment.
      start: first place of each query's segment; broadcasts with `bounds`.
      stop: the place after its last.
      bounds: of any shape.

    Returns:
      Places in [start, stop], in the shape of `bounds`.
    """
    low = np.broadcast_to(start, bounds.shape).astype(np.int64)
    high = np.broadcast_to(stop, bounds.shape).astype(np.int64)
    if not len(values) or not low.size:
        return low
    last = len(values) - 1
    for _ in range(int((high - low).max()).bit_length()):
        middle = (low + high) >> 1
        earlier = (values[np.minimum(middle, last)] < bounds) & (low < high)
        low = np.where(earlier, middle + 1, low)
        high = np.where(earlier, high, middle)
    return low


def running_sums(values: npt.NDArray[np.float64], start_of_own: Places) -> npt.NDArray[np.float64]:
    """Sums from the start of the segment up to and with each place.

    Added by doubling, so that a sum depends on its own segment alone: a running sum
    over the whole array would round by what other segments hold.

    Args:
      values: shape `[n]`.
      start_of_own: for each place, where its segment starts.
    """
    sums = values.astype(np.float64)
    depth = np.arange(len(values)) - start_of_own
    step = 1
    longest = int(depth.max(initial=0))
    while step <= longest:
        inside = np.flatnonzero(depth >= step)
        sums[inside] = sums[inside] + sums[inside - step]
        step *= 2
    return sums


def last_true(flags: npt.NDArray[np.bool_]) -> Places:
    """For each place, the last place up to and with it whose flag is set; -1: none."""
    places = np.where(flags, np.arange(len(flags)), -1)
    return np.maximum.accumulate(places) if len(places) else places
