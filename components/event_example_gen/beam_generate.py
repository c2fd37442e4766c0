"""The Beam pipeline that writes the Examples and states of a data set.

Its elements are few and small: paths of files on the shared file system. The rows
themselves stay in Arrow batches, so that memory does not grow with the tables.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import logging
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.event_example_gen import (
    beam_files,
    clock,
    generate,
    hashing,
    partition,
    popularity,
    stored,
)
from components.event_example_gen.beam_job import Job
from components.event_example_gen.beam_shards import SHARDS, ShardWriter
from components.event_example_gen.encode import ExampleEncoder
from components.event_example_gen.report import PartitionReport, add_reports
from components.event_example_gen.splits import plan_splits
from components.event_example_gen.student_histories import histories_table
from schemas import names

PIECES = "pieces"
SURVEYS = "surveys"
STATES = "states"
HISTORIES = "histories"
FOLDERS = (PIECES, SURVEYS, STATES, HISTORIES, SHARDS)
POPULAR_PAIRS = "popular-pairs.arrow"
POPULAR_ROWS = "popular-rows.arrow"
REPORT_FILE = "report.json"

Piece = tuple[str, str]  # table, path
_PARTITION_DRAW = 6  # tells this use of a student's hash from others


class Worker(beam.DoFn):  # type: ignore[misc]
    """A step that knows the job and what all partitions share."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._reference: partition.Reference | None = None

    @property
    def reference(self) -> partition.Reference:
        """Read once by each worker."""
        if self._reference is None:
            self._reference = self._job.load_reference()
        return self._reference

    def path(self, folder: str, name: str) -> str:
        """Of an intermediate file."""
        return beam_files.join(self._job.work_dir, folder, name)

    def histories(self, pieces: Sequence[Piece]) -> partition.Histories:
        """The histories of the students of a partition."""
        return partition.build_histories(*self.rows(pieces), self.reference)

    def rows(self, pieces: Sequence[Piece]) -> tuple[pa.Table, pa.Table, pa.Table | None]:
        """Students, coded events and coded stage changes of a partition."""
        tables = {
            table: [beam_files.read_ipc(path) for kind, path in pieces if kind == table]
            for table in beam_files.STUDENT_TABLES
        }
        # A partition of rows whose student is unknown has no students at all.
        students = tables[names.STUDENTS] or [_no_rows(names.STUDENT_ID)]
        events = tables[names.EVENTS] or [self._no_events()]
        changes = tables[names.STAGE_CHANGES]
        return (
            pa.concat_tables(students),
            pa.concat_tables(events),
            pa.concat_tables(changes) if changes else None,
        )

    def _no_events(self) -> pa.Table:
        return partition.code_events(_no_rows(names.ENGAGEMENT_ID), self.reference)


def _no_rows(column: str) -> pa.Table:
    return pa.table({column: pa.array([], pa.large_string())})


class Divide(Worker):
    """Read task -> (partition, (table, path)), one for each partition with rows."""

    def process(self, task: beam_files.ReadTask) -> Iterator[tuple[int, Piece]]:
        """Divides the rows of a task among the partitions."""
        table = beam_files.read_task(task)
        if task.table == names.EVENTS:
            table = partition.code_events(table, self.reference)
        if task.table == names.STAGE_CHANGES:
            table = partition.code_changes(table, self.reference)
        for number, rows in divide(table, self._job.partitions):
            path = self.path(PIECES, f"{task.table}-{number:05d}-{uuid.uuid4().hex}.arrow")
            beam_files.write_ipc(path, rows)
            yield number, (task.table, path)


def divide(table: pa.Table, partitions: int) -> Iterator[tuple[int, pa.Table]]:
    """The rows of each partition that has any.

    Args:
      table: with a column `student_id`.
      partitions: how many there are.
    """
    if not table.num_rows:
        return
    number = partition_of(table[names.STUDENT_ID], partitions)
    order = np.argsort(number, kind="stable")
    table, number = table.take(pa.array(order)), number[order]
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    for start, stop in itertools.pairwise([*starts, len(number)]):
        yield int(number[start]), table.slice(start, stop - start).combine_chunks()


def partition_of(student_id: pa.ChunkedArray, partitions: int) -> npt.NDArray[np.int64]:
    """The partition of each row's student."""
    encoded = pc.dictionary_encode(student_id.cast(pa.large_string()).combine_chunks())
    hashes = hashing.mix(hashing.hash_texts(encoded), _PARTITION_DRAW)
    return hashing.below(hashes, partitions)


class Survey(Worker):
    """(partition, pieces) -> path of what the partition adds to the popularity."""

    def process(self, element: tuple[int, Sequence[Piece]]) -> Iterator[dict[str, Any]]:
        """Surveys a partition."""
        number, pieces = element
        found = generate.survey(self.histories(list(pieces)), self.reference, since=self._job.since)
        paths = {
            "breakpoints": stored.breakpoints_to_table(found.breakpoints),
            "pairs": stored.pairs_to_table(found.audience, found.day),
        }
        written: dict[str, Any] = {"first_snapshot": found.first_snapshot}
        for kind, table in paths.items():
            written[kind] = self.path(SURVEYS, f"{kind}-{number:05d}-{uuid.uuid4().hex}.arrow")
            beam_files.write_ipc(written[kind], table)
        yield written


class Merge(Worker):
    """All surveys -> where the popularity is, and the first snapshot."""

    def process(self, element: tuple[int, Sequence[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
        """Adds up the surveys."""
        surveys = list(element[1])
        parts = [
            stored.breakpoints_from_table(beam_files.read_ipc(found["breakpoints"]))
            for found in surveys
        ]
        pairs = [stored.pairs_from_table(beam_files.read_ipc(found["pairs"])) for found in surveys]
        audiences = np.arange(len(self.reference.engagements.audiences))
        today = np.full(len(audiences), self._job.as_of // clock.DAY)
        pairs.append((audiences, today))
        audience, day = (np.concatenate(column) for column in zip(*pairs, strict=True))
        counts = popularity.popularity_on(
            popularity.add_breakpoints(parts), *popularity.distinct_pairs(audience, day)
        )
        pair_table, row_table = stored.popularity_to_tables(counts)
        beam_files.write_ipc(self.path(SURVEYS, POPULAR_PAIRS), pair_table)
        beam_files.write_ipc(self.path(SURVEYS, POPULAR_ROWS), row_table)
        yield {"first_snapshot": min(found["first_snapshot"] for found in surveys)}


def read_popularity(work_dir: str) -> popularity.Popularity:
    """The popularity that `Merge` wrote."""
    return stored.popularity_from_tables(
        beam_files.read_ipc(beam_files.join(work_dir, SURVEYS, POPULAR_PAIRS)),
        beam_files.read_ipc(beam_files.join(work_dir, SURVEYS, POPULAR_ROWS)),
    )


class Generate(Worker):
    """(partition, pieces) -> report; writes shards, states and histories of the partition."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._popularity: popularity.Popularity | None = None
        self._encoder: ExampleEncoder | None = None

    def process(
        self, element: tuple[int, Sequence[Piece]], merged: dict[str, Any]
    ) -> Iterator[PartitionReport]:
        """Writes the Examples of a partition."""
        number, pieces = element
        if self._popularity is None:
            self._popularity = read_popularity(self._job.work_dir)
        if self._encoder is None:
            self._encoder = ExampleEncoder()
        rows = self.rows(list(pieces))
        examples = generate.PartitionExamples(
            partition.build_histories(*rows, self.reference),
            self.reference,
            self._popularity,
            plan_splits(
                self.reference.config,
                first_snapshot=merged["first_snapshot"],
                as_of=self._job.as_of,
            ),
            since=self._job.since,
        )
        report = PartitionReport(counts=examples.counts())
        with ShardWriter(self._job, number, self._encoder) as writer:
            for batch in itertools.chain(examples.batches(), examples.serving()):
                writer.write(batch)
                report = report.with_batch(batch)
        self._write_states(number, examples)
        histories = histories_table(*rows, self.reference.config, as_of=self._job.as_of)
        beam_files.write_ipc(self.path(HISTORIES, f"part-{number:05d}.arrow"), histories)
        logging.info("Partition %d of %d: %s", number, self._job.partitions, report.counts)
        yield report

    def _write_states(self, number: int, examples: generate.PartitionExamples) -> None:
        for place, table in enumerate(examples.states()):
            name = f"part-{number:05d}-{place:05d}.arrow"
            beam_files.write_ipc(self.path(STATES, name), table)


class WriteReport(beam.DoFn):  # type: ignore[misc]
    """All reports and what `Merge` found -> a file that the caller of the pipeline reads."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def process(
        self, element: tuple[int, Sequence[PartitionReport]], merged: dict[str, Any]
    ) -> None:
        """Writes the sum of the reports."""
        report = add_reports(list(element[1]))
        content = {**dataclasses.asdict(report), **merged}
        beam_files.write_text(beam_files.join(self._job.work_dir, REPORT_FILE), json.dumps(content))


def read_report(work_dir: str) -> tuple[PartitionReport, int]:
    """The sum of the reports, and the first snapshot of all."""
    content = json.loads(beam_files.read_text(beam_files.join(work_dir, REPORT_FILE)))
    return PartitionReport(content["counts"], content["splits"]), content["first_snapshot"]


def build_pipeline(pipeline: beam.Pipeline, job: Job) -> None:
    """Adds the steps that write Examples and states.

    Args:
      pipeline: is not run here.
      job: its folders are there already.
    """
    partitions = (
        pipeline
        | "Tasks" >> beam.Create(job.tasks)
        | "SpreadTasks" >> beam.Reshuffle()
        | "Divide" >> beam.ParDo(Divide(job))
        | "GroupByPartition" >> beam.GroupByKey()
    )
    merged = beam.pvalue.AsSingleton(
        partitions
        | "Survey" >> beam.ParDo(Survey(job))
        | "KeySurveys" >> beam.Map(lambda found: (0, found))
        | "GroupSurveys" >> beam.GroupByKey()
        | "Merge" >> beam.ParDo(Merge(job))
    )
    _ = (
        partitions
        | "Generate" >> beam.ParDo(Generate(job), merged)
        | "KeyReports" >> beam.Map(lambda report: (0, report))
        | "GroupReports" >> beam.GroupByKey()
        | "WriteReport" >> beam.ParDo(WriteReport(job), merged)
    )
