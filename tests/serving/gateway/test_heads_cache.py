"""What was said is kept for the state that it was said of, and for no other."""

from __future__ import annotations

import numpy as np

from serving.gateway.heads_cache import HeadsCache


def test_it_is_by_version_student_and_posted_events() -> None:
    cache = HeadsCache()
    said = {"likelihood": np.array([0.5])}
    cache.put((1, "s", 0), said)
    assert cache.get((1, "s", 0)) is said
    for other in ((2, "s", 0), (1, "t", 0), (1, "s", 1)):
        assert cache.get(other) is None


def test_the_one_not_asked_for_longest_goes_first() -> None:
    cache = HeadsCache(kept=2)
    for student in ("a", "b"):
        cache.put((1, student, 0), {})
    cache.get((1, "a", 0))
    cache.put((1, "c", 0), {})
    assert cache.get((1, "b", 0)) is None
    assert cache.get((1, "a", 0)) == {}
    assert cache.get((1, "c", 0)) == {}
