"""Surveys and popularity as tables, to be passed on as files."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from components.event_example_gen.popularity import Breakpoints, Popularity
from components.event_example_gen.segments import Places, offsets_of

_KEYS = ("audience", "engagement", "day")
_COUNTS = ("active_7", "active_28", "students_7", "students_28")
_PAIR = ("audience", "day")


def breakpoints_to_table(breakpoints: Breakpoints) -> pa.Table:
    """Breakpoints, one a row."""
    columns = [breakpoints.audience, breakpoints.engagement, breakpoints.day]
    return pa.table(
        [*map(pa.array, columns), *_count_arrays(breakpoints.change)], [*_KEYS, *_COUNTS]
    )


def breakpoints_from_table(table: pa.Table) -> Breakpoints:
    """What `breakpoints_to_table` was given."""
    return Breakpoints(
        audience=_integers(table, "audience"),
        engagement=_integers(table, "engagement"),
        day=_integers(table, "day"),
        change=_counts(table),
    )


def pairs_to_table(audience: Places, day: Places) -> pa.Table:
    """Pairs of audience and day, one a row."""
    return pa.table([pa.array(audience), pa.array(day)], list(_PAIR))


def pairs_from_table(table: pa.Table) -> tuple[Places, Places]:
    """What `pairs_to_table` was given."""
    return _integers(table, "audience"), _integers(table, "day")


def popularity_to_tables(popularity: Popularity) -> tuple[pa.Table, pa.Table]:
    """The pairs with their totals, and the engagements of all pairs with their counts."""
    sizes = np.diff(popularity.start)
    pairs = pa.table(
        [
            pa.array(popularity.audience),
            pa.array(popularity.day),
            pa.array(sizes),
            *_count_arrays(popularity.total),
        ],
        [*_PAIR, "size", *_COUNTS],
    )
    rows = pa.table(
        [pa.array(popularity.engagement), *_count_arrays(popularity.count)],
        ["engagement", *_COUNTS],
    )
    return pairs, rows


def popularity_from_tables(pairs: pa.Table, rows: pa.Table) -> Popularity:
    """What `popularity_to_tables` was given."""
    return Popularity(
        audience=_integers(pairs, "audience"),
        day=_integers(pairs, "day"),
        total=_counts(pairs),
        start=offsets_of(_integers(pairs, "size")),
        engagement=_integers(rows, "engagement"),
        count=_counts(rows),
    )


def _count_arrays(counts: Places) -> list[pa.Array]:
    return [pa.array(np.ascontiguousarray(counts[:, place])) for place in range(len(_COUNTS))]


def _counts(table: pa.Table) -> Places:
    return np.stack([_integers(table, key) for key in _COUNTS], axis=1)


def _integers(table: pa.Table, column: str) -> Places:
    values: Places = table[column].to_numpy()
    return values
