"""Ratios of shares over strata: who met something, against who did not."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special, stats

MOST_EXACT: Final = 2_000  # possible numbers, of which all chances are worked out

Reals = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Strata:
    """Counts of `n` strata: float64 `[n]` each.

    Attributes:
      met: who met it.
      met_moved: of these, who moved on.
      all: who met it or not.
      all_moved: of these, who moved on.
    """

    met: Reals
    met_moved: Reals
    all: Reals
    all_moved: Reals


@dataclasses.dataclass(frozen=True)
class Ratio:
    """A ratio with its interval.

    Attributes:
      value: None where one side never moved on, or nothing could be compared.
      lower: of the interval; None without a value.
      upper: likewise.
      p_value: two-sided; 1 where nothing could be compared.
    """

    value: float | None
    lower: float | None
    upper: float | None
    p_value: float


def pooled_ratio(strata: Strata, *, level: float) -> Ratio:
    """Mantel and Haenszel's pooled ratio of shares.

    With a of n1 moved on among those that met it, c of n0 among the others, N = n1 + n0:
    ratio = sum(a n0 / N) / sum(c n1 / N), and the variance of its logarithm
    sum((n1 n0 (a + c) - a c N) / N^2) / (sum(a n0 / N) sum(c n1 / N)) (Greenland and
    Robins, "Estimation of a common effect parameter from sparse follow-up data", 1985).
    It holds for many sparse strata as well as for few large ones.

    The p-value is exact: given the margins of each stratum, the number that met it and
    moved on is a sum of hypergeometric numbers where meeting it makes no difference (Gart,
    "Point and interval estimation of the common odds ratio in the combination of 2 x 2
    tables with fixed marginals", 1970); it is twice the smaller tail. Where more than
    `MOST_EXACT` numbers are possible, it is that of the Cochran-Mantel-Haenszel test, without
    continuity correction, which is too small for rare meetings.

    Args:
      strata: a stratum with nobody on one side says nothing.
      level: of the interval.
    """
    n1, total = strata.met, np.maximum(strata.all, 1.0)
    n0 = strata.all - n1
    a, c = strata.met_moved, strata.all_moved - strata.met_moved
    above, below = float((a * n0 / total).sum()), float((c * n1 / total).sum())
    p_value = _p_value(strata)
    if above <= 0 or below <= 0:
        return Ratio(None, None, None, p_value)
    spread = (n1 * n0 * (a + c) - a * c * total) / total**2
    deviation = float(np.sqrt(spread.sum() / (above * below)))
    value, reach = above / below, stats.norm.ppf((1 + level) / 2) * deviation
    return Ratio(value, float(value * np.exp(-reach)), float(value * np.exp(reach)), p_value)


def _p_value(strata: Strata) -> float:
    n1, moved, total = strata.met, strata.all_moved, strata.all
    least, most = np.maximum(n1 + moved - total, 0.0), np.minimum(n1, moved)
    use = most > least
    if not use.any():
        return 1.0
    told = Strata(n1[use], strata.met_moved[use], total[use], moved[use])
    if (most - least)[use].sum() <= MOST_EXACT:
        return _exact(told, least[use], most[use])
    expected = told.met * told.all_moved / told.all
    spread = (
        expected * (told.all - told.met) * (told.all - told.all_moved) / told.all / (told.all - 1)
    )
    square = (told.met_moved - expected).sum() ** 2 / spread.sum()
    return float(stats.chi2.sf(square, df=1))


def _exact(strata: Strata, least: Reals, most: Reals) -> float:
    """Twice the smaller tail of the sum of hypergeometric numbers in [least, most]."""
    possible = least[:, None] + np.arange(int((most - least).max()) + 1)
    inside = possible <= most[:, None]
    number = np.where(inside, possible, most[:, None])
    met, moved, total = (each[:, None] for each in (strata.met, strata.all_moved, strata.all))
    log_chance = (
        _log_choose(moved, number)
        + _log_choose(total - moved, met - number)
        - _log_choose(total, met)
    )
    chances = np.where(inside, np.exp(log_chance), 0.0)
    of_sum = np.ones(1)
    for own, width in zip(chances, (most - least).astype(int) + 1, strict=True):
        of_sum = np.convolve(of_sum, own[:width])
    place = round(float((strata.met_moved - least).sum()))
    tail = min(float(of_sum[place:].sum()), float(of_sum[: place + 1].sum()))
    return min(2 * tail, 1.0)


def _log_choose(size: Reals, number: Reals) -> Reals:
    found: Reals = (
        special.gammaln(size + 1) - special.gammaln(number + 1) - special.gammaln(size - number + 1)
    )
    return found
