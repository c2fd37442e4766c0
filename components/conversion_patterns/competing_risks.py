"""Aalen-Johansen on counts by day: the chance of an event beside a competing one.

Counts are kept by whole days since the origin. A student observed for c whole days is at
risk on days 0 to c - 1, and what happens on a day that is not observed to its end is not
counted, so that no day is seen in part. Counts of groups of students add up.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from components.event_example_gen import clock

Counts = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Kinds of what ends the observation of a student.
REACHED, OTHER, CENSORED = range(3)
_KINDS: Final = 3


@dataclasses.dataclass(frozen=True, eq=False)
class Follow:
    """What happened to students after their origins; `n` of them, int64 microseconds.

    Attributes:
      origin: when the clock of each starts.
      reached: when the event came; `clock.NEVER` for one that did not.
      other: when it became impossible: loss, or the close of the cohort. At one
        instant the event counts, not this.
      known_until: nothing is known from this instant on; `clock.NEVER`: all is known.
    """

    origin: clock.Instants
    reached: clock.Instants
    other: clock.Instants
    known_until: clock.Instants


def count_days(follow: Follow, horizon: int) -> Counts:
    """How many end on which day, and by what.

    Args:
      follow: of `n` students.
      horizon: in days, `H`.

    Returns:
      int64 `[H + 1, 3]`: events, competing events and ends of observation; the last row
      holds, as ends of observation, those followed through the whole horizon.
    """
    day, kind = outcomes(follow, horizon)
    flat = np.bincount(day * _KINDS + kind, minlength=(horizon + 1) * _KINDS)
    return flat.reshape(horizon + 1, _KINDS).astype(np.int64)


def outcomes(follow: Follow, horizon: int) -> tuple[Counts, Counts]:
    """The day on which each student's observation ends, up to `horizon`, and the kind."""
    observed = _whole_days(follow.known_until, follow.origin, horizon)
    reached = _whole_days(follow.reached, follow.origin, horizon)
    other = _whole_days(follow.other, follow.origin, horizon)
    event = (follow.reached <= follow.other) & (reached < observed)
    competing = ~event & (other < observed)
    day = np.select([event, competing], [reached, other], observed)
    return day, np.select([event, competing], [REACHED, OTHER], CENSORED)


def _whole_days(instant: clock.Instants, origin: clock.Instants, horizon: int) -> Counts:
    """Whole days from the origin, at most `horizon`."""
    near = np.minimum(instant, origin + horizon * clock.DAY)
    days: Counts = np.clip((near - origin) // clock.DAY, 0, horizon)
    return days


@dataclasses.dataclass(frozen=True, eq=False)
class Incidence:
    """Cumulative incidence by day, for any number of groups `[...]`.

    Attributes:
      curve: chance of the event within the first d days, `[..., H + 1]`; 0 at day 0.
      variance: of its last value, `[...]`.
      free: chance to have met neither event by the horizon, `[...]`.
      complete: whether somebody was observed to the end of the horizon, or nobody was
        left to be: where False, the curve stands still for want of students.
      resolved: students whose outcome within the horizon is known, `[...]`.
    """

    curve: Reals
    variance: Reals
    free: Reals
    complete: Flags
    resolved: Counts


def cumulative_incidence(counts: Counts) -> Incidence:
    """Aalen and Johansen's estimator (1978), with the variance by the delta method.

    With n students at risk on a day, of whom d1 meet the event and d2 the competing one,
    F += S d1/n and S *= 1 - (d1 + d2)/n. The variances and the covariance of F and S are
    carried along, the hazards of a day being multinomial and independent of those of
    other days (Dinse and Larson, "A note on semi-Markov models for partially censored
    data", 1986).

    Args:
      counts: `[..., H + 1, 3]`, of `count_days`.
    """
    leaving = counts.sum(axis=-1)
    entered = leaving.sum(axis=-1)
    horizon = counts.shape[-2] - 1
    shape = counts.shape[:-2]
    gone = np.zeros(shape, np.int64)
    free, curve = np.ones(shape), [np.zeros(shape)]
    var_f, var_s, cov = (np.zeros(shape) for _ in range(3))
    complete = np.ones(shape, bool)
    for day in range(horizon):
        at_risk = entered - gone - counts[..., day, CENSORED]
        complete &= (at_risk > 0) | (free <= 0)
        size = np.maximum(at_risk, 1)
        event = counts[..., day, REACHED] / size
        any_event = event + counts[..., day, OTHER] / size
        stay = 1 - any_event
        squared = free**2 / size
        var_f = var_f + 2 * event * cov + event**2 * var_s + squared * event * (1 - event)
        cov = stay * (cov + event * var_s) - squared * event * stay
        var_s = stay**2 * var_s + squared * any_event * stay
        curve.append(curve[-1] + free * event)
        free = free * stay
        gone = gone + leaving[..., day]
    censored = counts[..., :horizon, CENSORED].sum(axis=-1)
    return Incidence(np.stack(curve, axis=-1), var_f, free, complete, entered - censored)


def interval(
    probability: Reals, variance: Reals, resolved: Counts, level: float
) -> tuple[Reals, Reals]:
    """Wilson's interval with the effective number of students.

    The number n of independent students that would give the estimate p its variance,
    n = p (1 - p) / variance, stands in Wilson's formula (Rothman, "Estimation of
    confidence limits for the cumulative probability of survival in life table
    analysis", 1978). At p = 0 or 1, where the variance is 0, it is the number of those
    whose outcome is known.

    Args:
      probability: `[...]`.
      variance: `[...]`.
      resolved: `[...]`.
      level: such as .95.

    Returns:
      Lower and upper ends, `[...]`; 0 and 1 where nothing is known.
    """
    spread = probability * (1 - probability)
    plain = (variance > 0) & (spread > 0)
    number = np.where(plain, spread / np.where(plain, variance, 1.0), resolved)
    return wilson(probability, number, level)


def wilson(share: Reals, number: Reals | Counts, level: float) -> tuple[Reals, Reals]:
    """Wilson's interval for a share of `number` (1927); 0 and 1 where the number is 0.

    A share that rounding has put past 0 or 1 counts as 0 or 1.
    """
    share = np.clip(share, 0.0, 1.0)
    z2 = stats.norm.ppf((1 + level) / 2) ** 2
    size = np.maximum(np.asarray(number, np.float64), 1e-12)
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = np.sqrt(z2 * share * (1 - share) / size + z2**2 / (4 * size**2)) / (1 + z2 / size)
    known = np.asarray(number) > 0
    lower = np.where(known, np.clip(centre - half, 0, 1), 0.0)
    upper = np.where(known, np.clip(centre + half, 0, 1), 1.0)
    return np.minimum(lower, np.where(known, share, 0.0)), np.maximum(
        upper, np.where(known, share, 1.0)
    )


def quantile_days(curve: Reals, share: float) -> float | None:
    """When the given share of those that reach within the horizon have done so.

    Args:
      curve: `[H + 1]`, cumulative incidence.
      share: in (0, 1).

    Returns:
      Days, linear within a day; None where nobody reaches.
    """
    target = share * float(curve[-1])
    if target <= 0:
        return None
    day = int(np.searchsorted(curve, target, side="left"))
    rise = float(curve[day] - curve[day - 1])
    return day - 1 + (target - float(curve[day - 1])) / rise
