"""From counts to what stands in the document, by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from components.conversion_patterns.transition_counts import TransitionCounts
from components.conversion_patterns.transitions import chance_of, describe_transitions
from schemas.conversion_patterns import NOTHING_KNOWN

HORIZON = 10
Z = 1.959963984540054


def counts(rows: dict[int, tuple[int, int, int]]) -> npt.NDArray[np.int64]:
    """Day -> reached, lost or decided otherwise, end of observation."""
    found = np.zeros((HORIZON + 1, 3), np.int64)
    for day, row in rows.items():
        found[day] = row
    return found


def wilson(share: float, number: float) -> tuple[float, float]:
    """The roots p of (share - p)^2 = z^2 p (1 - p) / number."""
    z2 = Z * Z
    roots = np.roots([number + z2, -(2 * number * share + z2), number * share**2])
    return float(roots.min()), float(roots.max())


def test_every_pair_is_described() -> None:
    nobody = counts({})
    first = counts({2: (4, 0, 0), 4: (4, 2, 0), HORIZON: (0, 0, 10)})
    later = counts({1: (1, 0, 0), 3: (0, 0, 1), HORIZON: (0, 0, 3)})
    far = counts({5: (0, 3, 17)})
    found = describe_transitions(
        TransitionCounts(np.stack([[[first], [later]], [[far], [nobody]], [[nobody], [nobody]]])),
        ("A", "B", "C"),
        (0, 7),
        level=0.95,
    )
    near, distant, unseen = found
    assert [(each.from_stage, each.to_stage) for each in found] == [
        ("A", "B"),
        ("A", "C"),
        ("B", "C"),
    ]
    assert (near.entered, near.reached, near.lost, near.censored) == (20, 8, 2, 0)
    assert near.chance.probability == pytest.approx(0.4)
    assert (near.chance.lower, near.chance.upper) == pytest.approx(wilson(0.4, 20))
    # Half of the reached came on day 2, half on day 4; the curve is linear within a day.
    assert near.days is not None
    assert (near.days.lower_quartile, near.days.median) == (pytest.approx(2.5), pytest.approx(3))
    assert near.days.upper_quartile == pytest.approx(4.5)
    entry, week = near.from_now_on
    assert (entry.days_in_stage, entry.students, entry.reached) == (0, 20, 8)
    assert entry.chance == near.chance
    assert (week.days_in_stage, week.students, week.reached) == (7, 5, 1)
    assert week.chance.probability == pytest.approx(1 / 5)
    assert (distant.entered, distant.lost, distant.censored) == (20, 3, 17)
    assert distant.days is None
    assert (unseen.observed, unseen.entered, unseen.chance) == (False, 0, NOTHING_KNOWN)


def test_where_nobody_is_seen_to_the_end_there_is_no_probability_but_bounds() -> None:
    # 5 of 20 reach on day 0 and 15 are no longer observed on day 1.
    chance = chance_of(counts({0: (5, 0, 0), 1: (0, 0, 15)}), 0.95)
    lower, upper = wilson(0.25, 20)
    assert chance.probability is None
    assert chance.lower == pytest.approx(lower)
    # All of the three quarters that are left may reach.
    assert upper + 0.75 > 1
    assert chance.upper == 1.0


def test_the_bounds_leave_out_those_that_are_known_to_be_lost() -> None:
    # Of 20, 18 are lost on day 0 and 2 are not observed any more on day 1.
    chance = chance_of(counts({0: (0, 18, 0), 1: (0, 0, 2)}), 0.95)
    assert chance.probability is None
    assert chance.lower == 0.0
    # No event among 18 whose outcome is known: z^2 / (n + z^2), and a tenth is open.
    assert chance.upper == pytest.approx(Z * Z / (18 + Z * Z) + 0.1)


def test_of_nobody_nothing_is_known() -> None:
    assert chance_of(counts({}), 0.95) == NOTHING_KNOWN


@pytest.mark.parametrize(("reached", "expected"), [(7, 1.0), (0, 0.0)])
def test_all_or_none_reach(reached: int, expected: float) -> None:
    chance = chance_of(counts({3: (reached, 7 - reached, 0)}), 0.95)
    assert chance.probability == expected
    assert (chance.lower, chance.upper) == pytest.approx(wilson(expected, 7), abs=1e-9)
