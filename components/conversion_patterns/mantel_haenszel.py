"""Ratios of shares over strata: who met something, against who did not."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
from scipy import stats

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
    It holds for many sparse strata as well as for few large ones. The p-value is that
    of the Cochran-Mantel-Haenszel test, without continuity correction.

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
    use = total > 1
    n1, moved, total, a = n1[use], moved[use], total[use], strata.met_moved[use]
    expected = n1 * moved / total
    spread = n1 * (total - n1) * moved * (total - moved) / (total**2 * (total - 1))
    if spread.sum() <= 0:
        return 1.0
    square = (a - expected).sum() ** 2 / spread.sum()
    return float(stats.chi2.sf(square, df=1))
