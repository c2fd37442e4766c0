"""True chances of lives that are worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.patterns_lifts import _lifts
from benchmarks.patterns_truth import NEVER, Lives, Population, true_chances
from datasets.simulator.parameters import STAGES
from datasets.simulator.process import DAY_S

FIRST, SECOND, THIRD = STAGES[:3]
ALL = Population(entered_before=1000 * DAY_S, origin_before=1000 * DAY_S)


def lives(rows: list[list[float | None]], lost: list[float | None]) -> Lives:
    """Days at which each stage is reached, and of the loss."""

    def seconds(days: list[float | None]) -> list[int]:
        return [NEVER if each is None else round(each * DAY_S) for each in days]

    return Lives(np.array([seconds(row) for row in rows]), np.array(seconds(lost)))


FOUR = lives(
    [
        [0, 3, 9, None, None],
        [0, 12, None, None, None],
        [5, None, None, None, None],
        [20, 21, None, None, None],
    ],
    [None, None, 6, None],
)


def test_a_chance_is_the_share_that_reaches_within_the_horizon() -> None:
    found = true_chances(FOUR, ALL, (0,), 10)
    assert (found[FIRST, SECOND][0].value, found[FIRST, SECOND][0].students) == (0.5, 4)
    assert found[FIRST, THIRD][0].value == 0.25
    assert found[SECOND, THIRD][0].value == pytest.approx(1 / 3)
    assert found[THIRD, STAGES[3]][0].value == 0.0
    assert (found[STAGES[3], STAGES[4]][0].value, found[STAGES[3], STAGES[4]][0].students) == (
        None,
        0,
    )


def test_later_clocks_are_of_those_still_there() -> None:
    # After four days the first student has left and the third is lost.
    found = true_chances(FOUR, ALL, (0, 4), 10)[FIRST, SECOND][1]
    assert (found.value, found.students) == (1.0, 1)


def test_only_the_population_counts() -> None:
    early = Population(entered_before=10 * DAY_S, origin_before=10 * DAY_S)
    found = true_chances(FOUR, early, (0,), 10)
    assert found[FIRST, SECOND][0].students == 3
    # The second student comes into the second stage on day 12, which is too late.
    assert (found[SECOND, THIRD][0].value, found[SECOND, THIRD][0].students) == (1.0, 1)


def test_the_lift_of_an_offer_is_against_what_else_is_sent() -> None:
    found = _lifts({"a": 0.3, "b": 0.2, "c": 0.1}, {"a": 0.5, "b": 0.25, "c": 0.25})
    assert found["a"] == pytest.approx(0.3 / 0.15)
    assert found["b"] == pytest.approx(0.2 / ((0.5 * 0.3 + 0.25 * 0.1) / 0.75))
