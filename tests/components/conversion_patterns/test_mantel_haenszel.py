"""Pooled ratios by hand, and what they must not be fooled by."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from components.conversion_patterns.mantel_haenszel import Ratio, Strata, pooled_ratio


def ratio(*strata: tuple[float, float, float, float]) -> Ratio:
    """Of (moved and met, met, moved and not, not met) by stratum."""
    a, n1, c, n0 = np.array(strata, np.float64).reshape(-1, 4).T
    return pooled_ratio(Strata(n1, a, n1 + n0, a + c), level=0.95)


def test_of_one_stratum_it_is_the_ratio_of_shares() -> None:
    found = ratio((30, 100, 20, 200))
    deviation = math.sqrt(1 / 30 - 1 / 100 + 1 / 20 - 1 / 200)
    assert found.value == pytest.approx(3.0)
    assert found.lower == pytest.approx(3 * math.exp(-1.959964 * deviation), rel=1e-5)
    assert found.upper == pytest.approx(3 * math.exp(1.959964 * deviation), rel=1e-5)
    # Without strata it is Fisher's exact test, of which twice the smaller tail is taken.
    tails = [
        stats.fisher_exact([[30, 70], [20, 180]], alternative=side).pvalue
        for side in ("greater", "less")
    ]
    assert found.p_value == pytest.approx(2 * min(tails), rel=1e-9)


def test_of_two_strata_all_tables_with_their_margins_are_weighed() -> None:
    # Of 5 of whom 2 met it 3 moved, of 4 of whom 2 met it 1 did; both that met it and moved
    # in the first, and the one of the second. Every larger sum than 2 + 1 is impossible:
    # the chance of it is C(3,2)/C(5,2) times C(3,1)/C(4,2).
    found = ratio((2, 2, 1, 3), (1, 2, 0, 2))
    assert found.p_value == pytest.approx(2 * (3 / 10) * (3 / 6))


def test_many_meetings_are_tested_by_the_normal_approximation_and_it_agrees() -> None:
    # 3,000 possible numbers in one stratum.
    large = ratio((1100, 3000, 1900, 6000))
    pearson = stats.chi2_contingency([[1100, 1900], [1900, 4100]], correction=False).statistic
    assert large.p_value == pytest.approx(stats.chi2.sf(pearson * 8999 / 9000, 1), rel=1e-6)
    exact = stats.fisher_exact([[1100, 1900], [1900, 4100]], alternative="greater").pvalue
    assert np.log(large.p_value) == pytest.approx(np.log(2 * exact), rel=0.02)


def test_of_rare_meetings_of_no_effect_few_are_called_findings() -> None:
    # Met once in each of 30 strata of 20, of whom 2 move: 3 expected, and skewed.
    rng = np.random.default_rng(6)
    p_values = []
    for _ in range(4000):
        a = (rng.random(30) < 0.1).astype(float)
        ones = np.ones(30)
        p_values.append(pooled_ratio(Strata(ones, a, 20 * ones, 2 * ones), level=0.95).p_value)
    # At most .001 of them, and three standard deviations of such a share.
    assert np.mean(np.array(p_values) <= 0.001) <= 0.001 + 3 * 0.0005
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05


def test_what_only_busy_students_meet_is_not_credited_with_their_success() -> None:
    # Half of the busy and a tenth of the quiet move on, whether they met it or not; the
    # busy meet it nine times as often.
    found = ratio((45, 90, 5, 10), (1, 10, 9, 90))
    crude = (46 / 100) / (14 / 100)
    assert crude > 3
    assert found.value == pytest.approx(1.0)
    assert found.p_value == pytest.approx(1.0)


def test_a_stratum_with_one_side_alone_says_nothing() -> None:
    both = ratio((30, 100, 20, 200))
    assert ratio((30, 100, 20, 200), (7, 9, 0, 0), (0, 0, 3, 5)) == both


@pytest.mark.parametrize(
    "stratum",
    [(0, 50, 0, 50), (5, 50, 0, 50), (0, 50, 5, 50), (0, 0, 0, 0), (1, 1, 0, 0)],
    ids=["nobody moved", "none of the others", "none that met it", "nobody", "one student"],
)
def test_without_events_on_both_sides_there_is_no_ratio(
    stratum: tuple[float, float, float, float],
) -> None:
    found = ratio(stratum)
    assert (found.value, found.lower, found.upper) == (None, None, None)
    assert 0 < found.p_value <= 1


def test_of_no_strata_nothing_is_said() -> None:
    assert ratio() == Ratio(None, None, None, 1.0)
