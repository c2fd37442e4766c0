"""All counts of one partition of students, and their sum over partitions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pyarrow as pa

from components.conversion_patterns.effect_counts import (
    EffectCounts,
    TypeUse,
    add_effect_counts,
    count_effects,
)
from components.conversion_patterns.state_sample import add_samples, sample_states
from components.conversion_patterns.student_windows import Flags
from components.conversion_patterns.training_part import TrainingPart
from components.conversion_patterns.transition_counts import TransitionCounts, count_transitions
from components.event_example_gen.partition import Reference


@dataclasses.dataclass(frozen=True, eq=False)
class PatternCounts:
    """What patterns are made from.

    Attributes:
      students: training students.
      type_use: how the types were met.
      transitions: by pair of stages.
      effects: by what was met.
      sample: of states.
    """

    students: int
    type_use: TypeUse
    transitions: TransitionCounts
    effects: EffectCounts
    sample: pa.Table


def count_partition(part: TrainingPart, reference: Reference, type_use: TypeUse) -> PatternCounts:
    """Counts a partition.

    Args:
      part: its training students.
      reference: what all partitions share.
      type_use: of all partitions.
    """
    config = reference.config
    patterns, window_days = config.patterns, config.ranking.window_days
    chosen_type: Flags = type_use.self_chosen(patterns.self_chosen_share)
    return PatternCounts(
        students=int(part.chosen.sum()),
        type_use=type_use,
        transitions=count_transitions(
            part,
            days_in_stage=patterns.days_in_stage,
            arrival_days=patterns.arrival_days,
            horizon=config.horizons.goal_days,
        ),
        effects=count_effects(part, chosen_type, window_days=window_days, patterns=patterns),
        sample=sample_states(
            part,
            reference,
            window_days=window_days,
            horizon_days=config.horizons.goal_days,
            size=patterns.sample_states,
        ),
    )


def add_counts(parts: Sequence[PatternCounts], size: int) -> PatternCounts:
    """Of several partitions together.

    Args:
      parts: one at least.
      size: states of the sample, at most.
    """
    transitions = parts[0].transitions
    for part in parts[1:]:
        transitions += part.transitions
    return PatternCounts(
        students=sum(part.students for part in parts),
        type_use=parts[0].type_use,
        transitions=transitions,
        effects=add_effect_counts([part.effects for part in parts]),
        sample=add_samples([part.sample for part in parts], size),
    )
