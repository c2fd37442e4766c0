"""How much each factor adds to the log-odds of a goal: Shapley's shares, exactly.

The share of a factor is what it adds to logit P(reach k) where its value replaces that of
a reference, averaged over all orders of replacing the factors (Shapley, "A value for
n-person games", 1953). With at most six factors all 2^F sets are computed, so that the
shares add up to the prediction's log-odds less the reference's, and nothing is sampled.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt

from serving.goals.synthesis import Synthesis

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@functools.cache
def _sets(count: int) -> Mask:
    """Every set of `count` factors, `[2^F, F]`; none first, all last."""
    places = np.arange(2**count)[:, None] >> np.arange(count)
    found: Mask = (places & 1).astype(bool)
    return found


@functools.cache
def _coefficients(count: int) -> Floats:
    """`[F, 2^F]`: shares are these times the values of the sets."""
    sets = _sets(count)
    size = sets.sum(axis=1)
    factorial = np.array([float(math.factorial(n)) for n in range(count + 1)])
    joined = factorial[np.maximum(size - 1, 0)] * factorial[count - size]
    alone = factorial[size] * factorial[np.maximum(count - size - 1, 0)]
    found: Floats = np.where(sets, joined[:, None], -alone[:, None]).T / factorial[count]
    return found


def log_odds(log_steps: Floats) -> Floats:
    """Log-odds of products of probabilities, of the logarithms `[..., steps]`."""
    total = np.minimum(log_steps.sum(axis=-1), -1e-300)
    found: Floats = total - np.log(-np.expm1(total))
    return found


def shares(
    synthesis: Synthesis, factors: Floats, reference: Floats, stage: int, goal: int
) -> tuple[float, Floats]:
    """The reference's log-odds, and the share of each factor.

    Args:
      synthesis: of the model version.
      factors: of one student, `[K - 1, F]`.
      reference: likewise.
      stage: place of the stage now.
      goal: place of a stage ahead.

    Returns:
      logit P of the reference, and `[F]`; together they are logit P of the student.
    """
    steps = slice(stage, goal)
    sets = _sets(factors.shape[1])
    mixed = np.where(sets[:, None, :], factors[steps], reference[steps])
    z = synthesis.intercepts[steps] + (mixed * synthesis.weights[steps]).sum(axis=-1)
    values = log_odds(-np.logaddexp(0.0, -z))
    return float(values[0]), _coefficients(factors.shape[1]) @ values
