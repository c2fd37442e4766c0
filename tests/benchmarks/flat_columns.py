"""Snapshots made by hand, for tests of the quality benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.quality_parts.snapshots import Column, Snapshots

Values = Sequence[float] | Sequence[int] | Sequence[str]


def column(rows: Sequence[Values]) -> Column:
    """One list of values a snapshot."""
    starts = np.cumsum([0, *(len(row) for row in rows)])
    flat = [value for row in rows for value in row]
    if any(isinstance(value, str) for value in flat):
        words = list(dict.fromkeys(str(value) for value in flat))
        codes = np.array([words.index(str(value)) for value in flat], np.int64)
        return Column(codes, starts, tuple(words))
    dtype = np.int64 if flat and all(isinstance(value, int) for value in flat) else np.float32
    return Column(np.array(flat, dtype), starts)


def snapshots(columns: Mapping[str, Sequence[Values]]) -> Snapshots:
    """By feature key, one list of values a snapshot."""
    counts = {len(rows) for rows in columns.values()}
    assert len(counts) == 1
    return Snapshots({key: column(rows) for key, rows in columns.items()}, counts.pop())
