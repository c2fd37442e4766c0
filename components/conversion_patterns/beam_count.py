"""The Beam pipeline that counts patterns: tables, divided by student, to one file of counts.

It divides the tables as EventExampleGen does, by the same steps, so that what a
partition holds and what is known of its students is the same.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from components.conversion_patterns.count_partition import (
    PatternCounts,
    add_counts,
    count_partition,
)
from components.conversion_patterns.effect_counts import TypeUse, count_type_use
from components.conversion_patterns.training_part import TrainingPart, training_part
from components.event_example_gen import beam_files
from components.event_example_gen.beam_generate import Divide, Piece, Worker
from components.event_example_gen.beam_job import Job
from components.event_example_gen.splits import SplitPlan

COUNTS_FILE = "counts.pickle"

Partition = tuple[int, Sequence[Piece]]


class _PartWorker(Worker):
    """A step that knows which students of a partition are of training."""

    def __init__(self, job: Job, plan: SplitPlan) -> None:
        super().__init__(job)
        self._plan = plan

    def part(self, element: Partition) -> TrainingPart:
        """The training students of a partition."""
        histories = self.histories(list(element[1]))
        return training_part(histories, self.reference, self._plan, since=self._job.since)


class UseTypes(_PartWorker):
    """Partition -> how its training students met each type."""

    def process(self, element: Partition) -> Iterator[TypeUse]:
        """Counts a partition."""
        yield count_type_use(self.part(element), len(self.reference.engagements.types.vocabulary))


class Count(_PartWorker):
    """Partition, use of the types -> all counts of the partition."""

    def process(self, element: Partition, type_use: TypeUse) -> Iterator[PatternCounts]:
        """Counts a partition."""
        yield count_partition(self.part(element), self.reference, type_use)


class AddCounts(beam.CombineFn):  # type: ignore[misc]
    """Adds the counts of partitions up, in any order and on any worker."""

    def __init__(self, size: int) -> None:
        self._size = size

    def create_accumulator(self) -> list[PatternCounts]:
        """Nothing counted yet."""
        return []

    def add_input(self, total: list[PatternCounts], part: PatternCounts) -> list[PatternCounts]:
        """With one more partition."""
        return [add_counts([*total, part], self._size)]

    def merge_accumulators(self, totals: Iterable[list[PatternCounts]]) -> list[PatternCounts]:
        """Of several workers."""
        parts = [part for total in totals for part in total]
        return [add_counts(parts, self._size)] if parts else []

    def extract_output(self, total: list[PatternCounts]) -> list[PatternCounts]:
        """The sum, or nothing."""
        return total


def build_pipeline(pipeline: beam.Pipeline, job: Job, plan: SplitPlan) -> None:
    """Adds the steps that leave `COUNTS_FILE` in the job's work folder.

    Args:
      pipeline: is not run here.
      job: its folders are there already.
      plan: how snapshots are split.
    """
    size = job.parse_config().patterns.sample_states
    partitions = (
        pipeline
        | "Tasks" >> beam.Create(job.tasks)
        | "SpreadTasks" >> beam.Reshuffle()
        | "Divide" >> beam.ParDo(Divide(job))
        | "GroupByPartition" >> beam.GroupByKey()
    )
    type_use = beam.pvalue.AsSingleton(
        partitions
        | "UseTypes" >> beam.ParDo(UseTypes(job, plan))
        | "AddTypeUse" >> beam.CombineGlobally(_add_type_use).without_defaults()
    )
    _ = (
        partitions
        | "Count" >> beam.ParDo(Count(job, plan), type_use)
        | "AddCounts" >> beam.CombineGlobally(AddCounts(size)).without_defaults()
        | "Write" >> beam.Map(_write_counts, counts_path(job))
    )


def counts_path(job: Job) -> str:
    """Where the counts are left."""
    return beam_files.join(job.work_dir, COUNTS_FILE)


def read_counts(job: Job) -> PatternCounts:
    """The counts that the pipeline of this node left."""
    with FileSystems.open(counts_path(job)) as source:
        counts: PatternCounts = pickle.load(source)
    return counts


def _write_counts(total: list[PatternCounts], path: str) -> None:
    [counts] = total
    with FileSystems.create(path) as sink:
        pickle.dump(counts, sink, protocol=pickle.HIGHEST_PROTOCOL)


def _add_type_use(parts: Iterable[TypeUse]) -> TypeUse:
    found = list(parts)
    total = found[0]
    for part in found[1:]:
        total += part
    return total
