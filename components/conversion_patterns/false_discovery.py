"""Corrects p-values for their number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def q_values(p_values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Benjamini and Hochberg's adjusted p-values (1995).

    With the p-values in ascending order, q(i) = min over j >= i of p(j) n / j, at most 1.
    Calling all with q <= a findings keeps the expected share of false ones within a.

    Args:
      p_values: `[n]`, in any order; n may be 0.
    """
    number = len(p_values)
    order = np.argsort(p_values, kind="stable")
    scaled = p_values[order] * number / np.arange(1, number + 1)
    adjusted = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    found = np.empty(number)
    found[order] = adjusted
    return found
