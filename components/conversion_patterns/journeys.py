"""What students who moved on did on the way, without saying who they were.

Journeys have no id, no profile and no date. An engagement stands in them only where
enough students of the sample met it, and a path only where enough of them took it.
"""

from __future__ import annotations

import collections
import statistics
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from components.conversion_patterns import state_sample
from components.conversion_patterns.competing_risks import Reals
from components.conversion_patterns.sampled import Outcomes
from schemas import names, patterns_files
from schemas.config import GoalpathConfig
from schemas.conversion_patterns import SuccessfulPath


def journey_table(
    sample: pa.Table, outcomes: Outcomes, embedding: Reals, config: GoalpathConfig
) -> pa.Table:
    """The states of the sample from which a later stage was reached.

    Args:
      sample: of `n` states.
      outcomes: of the same.
      embedding: of the same, `[n, D]`.
      config: stages, horizon and smallest group.

    Returns:
      By `patterns_files.JOURNEYS_SCHEMA`, in no order that tells of the students.
    """
    furthest, took = outcomes.furthest_within(config.horizons.goal_days)
    rows = np.flatnonzero(furthest > outcomes.stage)
    kinds = sample[state_sample.TYPES_ON_THE_WAY].take(rows).to_pylist()
    items = sample[state_sample.ENGAGEMENTS_ON_THE_WAY].take(rows).to_pylist()
    common = common_to(items, config.patterns.smallest_group)
    typical = common_to(kinds, config.patterns.smallest_group)
    days_in_stage = sample[names.Q_DAYS_IN_STAGE].to_numpy()[rows]
    return pa.table(
        {
            patterns_files.EMBEDDING: list(embedding[rows].astype(np.float32)),
            patterns_files.FROM_STAGE: [config.stages[place] for place in outcomes.stage[rows]],
            patterns_files.DAYS_IN_STAGE: np.floor(days_in_stage),
            patterns_files.REACHED_STAGE: [config.stages[place] for place in furthest[rows]],
            patterns_files.DAYS_TO_REACH: np.ceil(took[rows]),
            patterns_files.TYPES_MET: [[e for e in met if e in typical] for met in kinds],
            patterns_files.ENGAGEMENTS_MET: [[e for e in met if e in common] for met in items],
        },
        schema=patterns_files.JOURNEYS_SCHEMA,
    )


def common_to(lists: Sequence[Sequence[str]], students: int) -> frozenset[str]:
    """What stands in so many of the lists or more."""
    counts = collections.Counter(each for met in lists for each in set(met))
    return frozenset(each for each, count in counts.items() if count >= students)


def successful_paths(journeys: pa.Table, config: GoalpathConfig) -> tuple[SuccessfulPath, ...]:
    """The paths that enough students took, by stage, most taken first.

    A path is the types met, each once, in the order of their first meeting, up to the
    configured length; so journeys that differ by repetitions are of one path.

    Args:
      journeys: of `journey_table`.
      config: stages, smallest group and length.
    """
    patterns = config.patterns
    days: dict[tuple[str, str, tuple[str, ...]], list[float]] = collections.defaultdict(list)
    columns = (
        patterns_files.FROM_STAGE,
        patterns_files.REACHED_STAGE,
        patterns_files.TYPES_MET,
        patterns_files.DAYS_TO_REACH,
    )
    for start, reached, met, took in zip(
        *(journeys[name].to_pylist() for name in columns), strict=True
    ):
        path = tuple(dict.fromkeys(met))[: patterns.path_length]
        days[start, reached, path].append(took)
    listed = [
        SuccessfulPath(
            from_stage=start,
            to_stage=reached,
            types=path,
            students=len(taken),
            median_days=statistics.median(taken),
        )
        for (start, reached, path), taken in days.items()
        if len(taken) >= patterns.smallest_group
    ]
    order = {stage: place for place, stage in enumerate(config.stages)}
    return tuple(
        sorted(
            listed,
            key=lambda each: (
                order[each.from_stage],
                order[each.to_stage],
                -each.students,
                each.types,
            ),
        )
    )
