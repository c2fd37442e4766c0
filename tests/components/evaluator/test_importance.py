"""Means of the sizes of attributions, worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest

from components.evaluator.importance import BATCH, HEADS, global_importance, spread
from schemas import names

Array = npt.NDArray[np.generic]
FEATURES = np.array([b"steps", b"age", b"mail"], object)


def attribute(rows: Mapping[str, Array], head: str) -> dict[str, Array]:
    """Of `x`: steps x, age -2, mail 0; ranking lists nothing where x is 0."""
    x = np.asarray(rows["x"], np.float32)
    parts = np.stack([x, np.full_like(x, -2.0), np.zeros_like(x)], axis=1)
    score = np.zeros_like(x)
    if head == names.RANKING_SCORE:
        score = np.where(x == 0, names.PAD_SCORE, score)
        parts = np.where(x[:, np.newaxis] == 0, 0.0, parts)
    return {
        names.ATTRIBUTED_FEATURE: np.tile(FEATURES, (len(x), 1)),
        names.ATTRIBUTION: parts,
        names.ATTRIBUTED_SCORE: score,
    }


def test_it_is_the_mean_size_over_all_batches_most_important_first() -> None:
    batches = [{"x": np.array([1.0, -5.0])}, {"x": np.array([3.0])}]
    found = global_importance(attribute, batches)
    assert set(found) == set(HEADS)
    for head in HEADS:
        assert list(found[head].items()) == [("steps", 3.0), ("age", 2.0), ("mail", 0.0)]


def test_snapshots_without_an_engagement_do_not_count_for_ranking() -> None:
    found = global_importance(attribute, [{"x": np.array([0.0, 8.0])}])
    assert found[names.RANKING_SCORE]["steps"] == 8.0
    assert found[names.RISK]["steps"] == 4.0
    nothing = global_importance(attribute, [{"x": np.zeros(3)}])
    assert nothing[names.RANKING_SCORE] == {}


@pytest.mark.parametrize(("have", "wanted", "sizes"), [(500, 130, [64, 64, 2]), (3, 9, [3])])
def test_examples_are_spread_evenly(have: int, wanted: int, sizes: list[int]) -> None:
    batches = spread([str(place).encode() for place in range(have)], wanted)
    assert [len(batch) for batch in batches] == sizes
    places = [int(text) for batch in batches for text in batch]
    assert places[0] == 0
    assert places[-1] == have - 1
    assert BATCH == 64
    assert len(set(places)) == len(places)
    assert np.ptp(np.diff(places)) <= 1


def test_of_no_examples_there_are_no_batches() -> None:
    assert spread([], 10) == []
