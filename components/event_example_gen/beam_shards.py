"""Files of TFRecords, one for each partition and split."""

from __future__ import annotations

import types
import uuid

import tensorflow as tf

from components.event_example_gen import beam_files
from components.event_example_gen.beam_job import Job
from components.event_example_gen.encode import ExampleEncoder
from components.event_example_gen.generate import Batch
from components.event_example_gen.splits import ALL_SPLITS

SHARDS = "shards"


def split_folder(examples_dir: str, split: str) -> str:
    """Where the files of a split are."""
    return beam_files.join(examples_dir, f"Split-{split}")


def shard_name(number: int, partitions: int) -> str:
    """The file of a partition in the folder of each split."""
    return f"data_tfrecord-{number:05d}-of-{partitions:05d}"


class ShardWriter:
    """Writes the Examples of one partition; a context manager.

    A file is written under a name of its own and renamed when the partition is
    done, so that an attempt that failed leaves nothing in the folder of a split.

    Args:
      job: of the run.
      number: of the partition.
      encoder: its headers are kept from one partition to the next, its vocabularies not.
    """

    def __init__(self, job: Job, number: int, encoder: ExampleEncoder) -> None:
        self._job = job
        self._name = shard_name(number, job.partitions)
        self._attempt = uuid.uuid4().hex
        self._encoder = encoder
        self._open: dict[str, tf.io.TFRecordWriter] = {}

    def __enter__(self) -> ShardWriter:
        return self

    def write(self, batch: Batch) -> None:
        """Appends the Examples of a batch to the file of its split."""
        split = ALL_SPLITS[batch.split]
        if split not in self._open:
            self._open[split] = tf.io.TFRecordWriter(self._scratch(split))
        writer = self._open[split]
        for record in self._encoder.encode(batch.columns).to_pylist():
            writer.write(record)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._encoder.forget_vocabularies()
        for writer in self._open.values():
            writer.close()
        if kind is None:
            for split in self._open:
                folder = split_folder(self._job.examples_dir, split)
                beam_files.move(self._scratch(split), beam_files.join(folder, self._name))

    def _scratch(self, split: str) -> str:
        name = f"{split}-{self._name}-{self._attempt}"
        return beam_files.join(self._job.work_dir, SHARDS, name)
