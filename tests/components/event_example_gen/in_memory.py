"""Runs the pure logic on rows in memory, without Beam, TFX or files."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from components.event_example_gen import clock, generate, partition, popularity
from components.event_example_gen.catalogue import engagements_from_table
from components.event_example_gen.cohorts import cohorts_from_table
from components.event_example_gen.splits import ALL_SPLITS, SplitPlan, plan_splits
from schemas import names
from schemas.config import GoalpathConfig
from schemas.features import example_features
from tests.sample_data import canonical_table

Rows = Sequence[Mapping[str, object]]
Tables = Mapping[str, Rows]


@dataclasses.dataclass
class Output:
    """What a run gives.

    Attributes:
      examples: split -> rows, each feature -> list or value.
      states: rows.
      plan: of the splits.
      batches: as they were made.
    """

    examples: dict[str, list[dict[str, Any]]]
    states: list[dict[str, Any]]
    plan: SplitPlan
    batches: list[generate.Batch]
    popularity: popularity.Popularity
    reference: partition.Reference

    def all_examples(self) -> list[tuple[str, dict[str, Any]]]:
        """The labelled ones with their splits."""
        return [(split, row) for split in names.SPLITS for row in self.examples[split]]


def make_reference(tables: Tables, config: GoalpathConfig, as_of: int) -> partition.Reference:
    students = tables[names.STUDENTS]
    audiences = sorted({str(row.get(names.AUDIENCE) or "") for row in students})
    cohorts = tables.get(names.COHORTS)
    return partition.Reference(
        config=config,
        engagements=engagements_from_table(
            canonical_table(config, names.ENGAGEMENTS, tables[names.ENGAGEMENTS]),
            config,
            audiences,
        ),
        cohorts=cohorts_from_table(
            canonical_table(config, names.COHORTS, cohorts) if cohorts is not None else None
        ),
        as_of=as_of,
    )


def make_histories(tables: Tables, reference: partition.Reference) -> partition.Histories:
    config = reference.config
    events = canonical_table(config, names.EVENTS, tables[names.EVENTS])
    changes = tables.get(names.STAGE_CHANGES)
    return partition.build_histories(
        canonical_table(config, names.STUDENTS, tables[names.STUDENTS]),
        partition.code_events(events, reference),
        None
        if changes is None
        else partition.code_changes(
            canonical_table(config, names.STAGE_CHANGES, changes), reference
        ),
        reference,
    )


def of_students(tables: Tables, chosen: set[object]) -> Tables:
    """The rows of some students, and the tables that are not about students."""
    return {
        table: [row for row in rows if row[names.STUDENT_ID] in chosen]
        if rows and names.STUDENT_ID in rows[0]
        else rows
        for table, rows in tables.items()
    }


def run(
    tables: Tables,
    config: GoalpathConfig,
    as_of: int,
    *,
    partitions: int = 1,
    window_days: int = 0,
) -> Output:
    """Everything that the pipeline makes, with students dealt out over partitions."""
    reference = make_reference(tables, config, as_of)
    since = as_of - window_days * clock.DAY if window_days else clock.MISSING
    ids = [row[names.STUDENT_ID] for row in tables[names.STUDENTS]]
    histories = [
        make_histories(of_students(tables, set(ids[part::partitions])), reference)
        for part in range(partitions)
    ]
    surveys = [generate.survey(part, reference, since=since) for part in histories]
    counts = popularity.popularity_on(
        popularity.add_breakpoints([found.breakpoints for found in surveys]),
        *popularity.distinct_pairs(
            np.concatenate([found.audience for found in surveys]),
            np.concatenate([found.day for found in surveys]),
        ),
    )
    plan = plan_splits(
        config, first_snapshot=min(found.first_snapshot for found in surveys), as_of=as_of
    )
    made = [
        generate.PartitionExamples(part, reference, counts, plan, since=since) for part in histories
    ]
    batches = list(
        itertools.chain.from_iterable((*part.batches(), *part.serving()) for part in made)
    )
    examples: dict[str, list[dict[str, Any]]] = {split: [] for split in ALL_SPLITS}
    for batch in batches:
        examples[ALL_SPLITS[batch.split]].extend(batch_rows(batch, config))
    states = [row for part in made for table in part.states() for row in table.to_pylist()]
    return Output(examples, states, plan, batches, counts, reference)


def batch_rows(batch: generate.Batch, config: GoalpathConfig) -> list[dict[str, Any]]:
    """The rows of a batch, scalars as single values."""
    specs = [spec for spec in example_features(config) if spec.key in batch.columns]
    table: pa.Table = generate.columns_to_table(batch.columns, specs)
    return list(table.to_pylist())
