"""How the numbers of a state set apart those that moved on from those that stayed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from scipy import stats

from components.conversion_patterns.competing_risks import Reals
from components.conversion_patterns.false_discovery import q_values
from components.conversion_patterns.sampled import Flags, Outcomes
from components.event_example_gen.segments import Places
from schemas import names
from schemas.config import GoalpathConfig, Kind
from schemas.conversion_patterns import Indicator
from schemas.features import Shape, query_features

# What says where in the funnel and when in the calendar a student is: no behaviour.
_NO_BEHAVIOUR = (
    names.Q_STAGE_POSITION,
    names.Q_DAYS_IN_STAGE,
    names.Q_DAYS_SINCE_ENTRY,
    names.Q_COHORT_KNOWN,
    names.Q_DAYS_SINCE_START,
    names.Q_DAYS_TO_CLOSE,
    names.Q_YEAR_SIN,
    names.Q_YEAR_COS,
    names.Q_WEEKDAY_SIN,
    names.Q_WEEKDAY_COS,
    names.Q_DUE_PASSED,
    names.Q_DUE_NEXT_7,
    names.Q_DUE_NEXT_28,
    names.Q_NEXT_DUE_KNOWN,
    names.Q_DAYS_TO_NEXT_DUE,
    names.Q_LAST_DUE_KNOWN,
    names.Q_DAYS_SINCE_LAST_DUE,
)


def behaviour_numbers(sample: pa.Table, config: GoalpathConfig) -> dict[str, Reals]:
    """The numbers of the state that tell of what a student did, and not who it is."""
    keys = [
        spec.key
        for spec in query_features(config)
        if spec.shape is Shape.SCALAR
        and spec.kind is Kind.NUMERIC
        and spec.key not in _NO_BEHAVIOUR
        and not spec.key.startswith(names.PROFILE_PREFIX)
    ]
    return {key: sample[key].to_numpy().astype(np.float64) for key in keys}


@dataclasses.dataclass(frozen=True)
class Difference:
    """A standardised difference of means with its standard error."""

    value: float
    error: float


def standardised_difference(values: Reals, moved: Flags, stratum: Places) -> Difference | None:
    """Difference of means between those that moved and the others, in deviations.

    Within stratum k, m moved and n stayed, of means x and y; the differences x - y are
    weighted by m n / (m + n), which is Cochran's adjustment ("The effectiveness of
    adjustment by subclassification", 1968), and divided by the deviation pooled within
    strata and groups. The error follows Hedges and Olkin, "Statistical methods for
    meta-analysis" (1985): sqrt(1 / W + d^2 / (2 f)), W the sum of weights, f the degrees
    of freedom.

    Args:
      values: `[n]`.
      moved: `[n]`.
      stratum: `[n]`, from 0.

    Returns:
      None where nothing varies, or no stratum has both.
    """
    group = stratum * 2 + moved
    size = int(group.max(initial=-1)) // 2 * 2 + 2
    count = np.bincount(group, minlength=size).reshape(-1, 2)
    total = np.bincount(group, weights=values, minlength=size).reshape(-1, 2)
    mean = total / np.maximum(count, 1)
    weight = count.prod(axis=1) / np.maximum(count.sum(axis=1), 1)
    within = float(((values - mean.reshape(-1)[group]) ** 2).sum())
    freedom = len(values) - int((count > 0).sum())
    if weight.sum() <= 0 or freedom <= 0 or within <= 1e-12 * max(float((values**2).sum()), 1e-12):
        return None
    deviation = np.sqrt(within / freedom)
    value = float((weight * (mean[:, 1] - mean[:, 0])).sum() / weight.sum() / deviation)
    return Difference(value, float(np.sqrt(1 / weight.sum() + value**2 / (2 * freedom))))


def describe_indicators(
    numbers: Mapping[str, Reals],
    outcomes: Outcomes,
    time_class: Places,
    config: GoalpathConfig,
) -> tuple[Indicator, ...]:
    """Every number that varies, by stage and then by size of the difference.

    Args:
      numbers: of `behaviour_numbers`, `[n]` each.
      outcomes: of the same states.
      time_class: class of the time in stage that is compared within, `[n]`.
      config: stages, horizons and bounds.
    """
    level = config.patterns.level
    moved, known = outcomes.reached_within(outcomes.stage + 1, config.horizons.likelihood_days)
    found: list[tuple[dict[str, object], float]] = []
    for stage, name in enumerate(config.stages[:-1]):
        rows = np.flatnonzero(known & (outcomes.stage == stage))
        own = moved[rows]
        if min(int(own.sum()), int((~own).sum())) < config.patterns.smallest_group:
            continue
        for key, values in numbers.items():
            difference = standardised_difference(values[rows], own, time_class[rows])
            if difference is not None:
                entry = _indicator(values[rows], own, difference, level)
                found.append(({"from_stage": name, "feature": key, **entry[0]}, entry[1]))
    adjusted = q_values(np.array([p_value for _, p_value in found]))
    listed = [
        Indicator.model_validate({**numbers_found, "q_value": float(q)})
        for (numbers_found, _), q in zip(found, adjusted, strict=True)
    ]
    order = {stage: place for place, stage in enumerate(config.stages)}
    return tuple(sorted(listed, key=lambda each: (order[each.from_stage], -abs(each.difference))))


def _indicator(
    values: Reals, moved: Flags, difference: Difference, level: float
) -> tuple[dict[str, float], float]:
    """The numbers of an entry, and its p-value."""
    reach = float(stats.norm.ppf((1 + level) / 2)) * difference.error
    numbers = {
        "moved_on": int(moved.sum()),
        "stayed": int((~moved).sum()),
        "mean_moved_on": float(values[moved].mean()),
        "mean_stayed": float(values[~moved].mean()),
        "difference": difference.value,
        "lower": difference.value - reach,
        "upper": difference.value + reach,
    }
    return numbers, float(2 * stats.norm.sf(abs(difference.value) / difference.error))
