"""The document of all patterns, from the counts of all partitions."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa

from components.conversion_patterns.clusters import Described, describe_clusters, divide
from components.conversion_patterns.competing_risks import Reals
from components.conversion_patterns.count_partition import PatternCounts
from components.conversion_patterns.effects import Catalogue, describe_effects
from components.conversion_patterns.indicators import behaviour_numbers, describe_indicators
from components.conversion_patterns.journeys import journey_table, successful_paths
from components.conversion_patterns.sampled import outcomes_of
from components.conversion_patterns.student_windows import classes
from components.conversion_patterns.transitions import describe_transitions
from components.event_example_gen import clock
from components.event_example_gen.partition import Reference
from schemas import names
from schemas.conversion_patterns import ConversionPatterns


@dataclasses.dataclass(frozen=True, eq=False)
class ModelAnswers:
    """What the model says of the `n` states of the sample.

    Attributes:
      embedding: `[n, D]`.
      likelihood: `[n]`.
      risk: `[n]`.
    """

    embedding: Reals
    likelihood: Reals
    risk: Reals


def describe(
    counts: PatternCounts,
    answers: ModelAnswers,
    reference: Reference,
    *,
    evaluation_start: int | None,
) -> tuple[ConversionPatterns, pa.Table]:
    """The document and the table of journeys.

    Args:
      counts: of all partitions.
      answers: of the model, for `counts.sample`.
      reference: of the data set.
      evaluation_start: end of training time; None where cohorts end it.
    """
    config, outcomes = reference.config, outcomes_of(counts.sample)
    patterns = config.patterns
    numbers = behaviour_numbers(counts.sample, config)
    journeys = journey_table(counts.sample, outcomes, answers.embedding, config)
    days = counts.sample[names.Q_DAYS_IN_STAGE].to_numpy().astype(np.float64)
    division = divide(
        answers.embedding,
        most=patterns.most_clusters,
        least_stability=patterns.least_stability,
        seed=config.training.seed,
    )
    described = Described(numbers, outcomes, answers.likelihood, answers.risk)
    time_class = classes((days * clock.DAY).astype(np.int64), patterns.stage_time_days)
    document = ConversionPatterns(
        level=patterns.level,
        false_discovery_rate=patterns.false_discovery_rate,
        smallest_group=patterns.smallest_group,
        horizon_days=config.horizons.goal_days,
        window_days=config.ranking.window_days,
        observed_until=None if evaluation_start is None else clock.to_text(evaluation_start),
        students=counts.students,
        stages=config.stages,
        transitions=describe_transitions(
            counts.transitions, config.stages, patterns.days_in_stage, level=patterns.level
        ),
        effects=describe_effects(counts.effects, catalogue_of(counts, reference), patterns),
        indicators=describe_indicators(numbers, outcomes, time_class, config),
        clustering=describe_clusters(division, described, config),
        paths=successful_paths(journeys, config),
    )
    return document, journeys


def catalogue_of(counts: PatternCounts, reference: Reference) -> Catalogue:
    """Names of what the counts are of."""
    engagements = reference.engagements
    return Catalogue(
        stages=reference.config.stages,
        types=engagements.types.vocabulary.to_pylist(),
        engagements=engagements.ids.to_pylist(),
        type_of=engagements.types.codes.astype(np.int64),
        self_chosen=counts.type_use.self_chosen(reference.config.patterns.self_chosen_share),
    )
