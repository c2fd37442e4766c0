"""Incidence put together from groups, so that the end of observation may depend on them.

Aalen-Johansen takes those no longer observed to be like those still observed. Who comes
into a stage late in training time is observed for a short time, and tends to be slower:
with all in one, the later days would be estimated from the fast ones alone. Within a
group of students that took as long to come to the stage this is no longer so.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.conversion_patterns.competing_risks import (
    CENSORED,
    Counts,
    Incidence,
    cumulative_incidence,
)

LEAST_AT_RISK: Final = 10  # on the last day; a group with fewer joins its neighbour


def standardised_incidence(counts: Counts) -> Incidence:
    """F = sum(w F_k), w the shares of the groups k among all n students.

    The variance is sum(w^2 var(F_k)) + sum(w (F_k - F)^2) / n, the second part being that
    of the shares. Without censoring both are those of all students together: F = r / n and
    F (1 - F) / n.

    Args:
      counts: `[G, H + 1, 3]`, of `competing_risks.count_days` by group in an order in
        which neighbours are alike.

    Returns:
      Of all groups, without leading axes.
    """
    groups = join_small(counts)
    size = groups.sum(axis=(1, 2))
    share = size / max(int(size.sum()), 1)
    own = cumulative_incidence(groups)
    curve = share @ own.curve
    between = share @ (own.curve[:, -1] - curve[-1]) ** 2 / max(int(size.sum()), 1)
    return Incidence(
        curve=curve,
        variance=share**2 @ own.variance + between,
        free=share @ own.free,
        complete=np.asarray(own.complete.all()),
        resolved=np.asarray(own.resolved.sum()),
    )


def join_small(counts: Counts) -> Counts:
    """Joins groups in which too few are followed to the end of the horizon.

    A group in which nobody is left to be followed is large enough.

    Args:
      counts: `[G, H + 1, 3]`; at least one group.

    Returns:
      `[g, H + 1, 3]`, 1 <= g <= G, in their order.
    """
    joined: list[Counts] = []
    waiting = np.zeros_like(counts[0])
    for group in counts:
        waiting = waiting + group
        if _is_followed(waiting):
            joined.append(waiting)
            waiting = np.zeros_like(waiting)
    if joined:
        joined[-1] = joined[-1] + waiting
    return np.stack(joined or [waiting])


def _is_followed(counts: Counts) -> bool:
    """Whether enough are at risk on the last day, or all have met an event before."""
    censored = int(counts[:-1, CENSORED].sum())
    at_risk = int(counts[-2:].sum()) - int(counts[-2, CENSORED])
    return bool(counts.sum()) and (not censored or at_risk >= LEAST_AT_RISK)
