"""The check of lists, on lists made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from components.model_validator.recommendations import (
    Recommended,
    check_lists,
    fresh_popularity,
    in_every_audience,
    states_of,
)
from schemas import names

PAD = names.PAD_SCORE
EXPECTED = {b"e1": 3.0, b"e2": 1.0, b"e3": 2.0}


def checked(ids: list[bytes], scores: list[float], expected: dict[bytes, float]) -> str:
    """What is wrong; "" if nothing is."""
    result = check_lists("l", [Recommended(ids, np.array(scores))], [expected])
    return "" if result.passed else result.detail


@pytest.mark.parametrize(
    ("ids", "scores"),
    [
        ([b"e1", b"e3"], [3.0, 2.0]),
        ([b"e1", b"e3", b"e2"], [3.0, 2.0, 1.0]),
        ([b"e1", b"e3", b"e2", b"", b""], [3.0, 2.0, 1.0, PAD, PAD]),
        ([b"e1", b"e3"], [3.0 + 1e-5, 2.0]),
    ],
)
def test_the_best_in_order_with_padding_after_them(ids: list[bytes], scores: list[float]) -> None:
    assert checked(ids, scores, EXPECTED) == ""


@pytest.mark.parametrize(
    ("ids", "scores", "said"),
    [
        ([b"e3", b"e1"], [2.0, 3.0], "scores do not descend"),
        ([b"e1", b"e2"], [3.0, 1.0], "listed [3.0, 1.0], the best are [3.0, 2.0]"),
        ([b"e3", b"e1"], [3.0, 2.0], "listed with [3.0, 2.0], `predict` scores them [2.0, 3.0]"),
        ([b"e1", b"e1"], [3.0, 3.0], "an engagement is listed twice"),
        ([b"e1", b"e9"], [3.0, 2.0], "e9 is not open to the student"),
        ([b"e1", b""], [3.0, PAD], "1 engagements, where 2 of 3 belong"),
        ([b"", b""], [PAD, PAD], "0 engagements, where 2 of 3 belong"),
        ([b"e1", b"e3", b"e2", b""], [3.0, 2.0, 1.0, 0.0], "no padding after the 3 engagements"),
        ([b"e1", b"e3", b"e2", b"e1"], [3.0, 2.0, 1.0, PAD], "no padding after the 3"),
    ],
)
def test_anything_else_is_refused(ids: list[bytes], scores: list[float], said: str) -> None:
    assert checked(ids, scores, EXPECTED).startswith(f"list 0: {said}")


def test_where_nothing_is_open_nothing_may_be_listed() -> None:
    assert checked([b"", b""], [PAD, PAD], {}) == ""
    assert "e1 is not open" in checked([b"e1", b""], [1.0, PAD], {})


def test_ties_may_stand_in_any_order() -> None:
    tied = {b"e1": 1.0, b"e2": 1.0, b"e3": 1.0}
    assert checked([b"e3", b"e1"], [1.0, 1.0], tied) == ""


def golden() -> dict[str, np.ndarray]:
    return {
        names.AUDIENCE: np.array([b"north", b"south"], object),
        names.SNAPSHOT_TIME: np.array([1, 2], np.int64),
        names.USED_COUNT: np.array([[1.0, 0.0], [2.0, 3.0]], np.float32),
        names.TOP_K_INPUT: np.array(10, np.int32),
        names.FRESH_AUDIENCE: np.array([], object),
        names.FRESH_ID: np.array([], object),
        **dict.fromkeys(names.FRESH_POPULARITY.values(), np.zeros(0, np.float32)),
    }


def test_students_are_taken_over_and_over() -> None:
    found = states_of(golden(), range(3))
    assert found[names.AUDIENCE].tolist() == [b"north", b"south", b"north"]
    assert found[names.USED_COUNT].tolist() == [[1, 0], [2, 3], [1, 0]]
    assert found[names.TOP_K_INPUT] == 10
    assert len(found[names.FRESH_ID]) == 0


def test_every_audience_gets_a_student() -> None:
    found = in_every_audience(golden(), [b"x", b"y", b""], t=7)
    assert found[names.AUDIENCE].tolist() == [b"x", b"y", b""]
    assert found[names.SNAPSHOT_TIME].tolist() == [7, 7, 7]
    assert len(found[names.USED_COUNT]) == 3


def test_fresh_popularity_turns_the_order_around() -> None:
    found = fresh_popularity(golden(), b"north", {b"e1": 3.0, b"e2": 1.0, b"e3": 2.0})
    assert found[names.FRESH_ID].tolist() == [b"e2", b"e3", b"e1"]
    assert found[names.FRESH_AUDIENCE].tolist() == [b"north"] * 3
    for key in names.FRESH_POPULARITY.values():
        np.testing.assert_allclose(found[key], [0.9, 0.45, 0.0])
    assert len(fresh_popularity(golden(), b"north", {})[names.FRESH_ID]) == 0
