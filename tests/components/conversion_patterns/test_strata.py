"""Sums by key."""

from __future__ import annotations

import numpy as np

from components.conversion_patterns.strata import Tally, add_tallies, tally


def as_dict(found: Tally) -> dict[tuple[int, ...], tuple[int, int]]:
    return {
        tuple(key): (windows, moved)
        for key, windows, moved in zip(
            found.keys.tolist(), found.windows.tolist(), found.moved.tolist(), strict=True
        )
    }


def test_windows_are_counted_by_their_whole_key() -> None:
    keys = np.array([[1, 2], [0, 9], [1, 2], [1, 0], [1, 2]])
    found = tally(keys, np.array([True, False, False, True, True]))
    assert found.keys.tolist() == [[0, 9], [1, 0], [1, 2]]
    assert as_dict(found) == {(0, 9): (1, 0), (1, 0): (1, 1), (1, 2): (3, 2)}
    assert len(found) == 3


def test_parts_add_up_to_the_tally_of_all() -> None:
    rng = np.random.default_rng(2)
    keys, moved = rng.integers(-1, 3, (200, 3)), rng.random(200) < 0.3
    parts = [tally(keys[rows], moved[rows]) for rows in np.split(np.arange(200), [17, 17, 120])]
    whole: dict[tuple[int, ...], tuple[int, int]] = {}
    for key, came in zip(keys.tolist(), moved.tolist(), strict=True):
        windows, on = whole.get(tuple(key), (0, 0))
        whole[tuple(key)] = (windows + 1, on + came)
    assert as_dict(add_tallies(parts)) == whole
    assert as_dict(add_tallies(parts[::-1])) == whole


def test_of_no_windows_there_are_no_keys() -> None:
    nothing = tally(np.zeros((0, 4), np.int64), np.zeros(0, bool))
    assert (len(nothing), nothing.keys.shape) == (0, (0, 4))
    some = tally(np.ones((2, 4), np.int64), np.ones(2, bool))
    assert as_dict(add_tallies([nothing, some, nothing])) == {(1, 1, 1, 1): (2, 2)}
