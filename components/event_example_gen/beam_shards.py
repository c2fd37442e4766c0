"""Files of TFRecords, one for each partition and split."""

from __future__ import annotations

import collections
import concurrent.futures
import types
import uuid
from typing import IO, Final

from components.event_example_gen import beam_files
from components.event_example_gen.beam_job import Job
from components.event_example_gen.encode import ExampleEncoder
from components.event_example_gen.generate import Batch
from components.event_example_gen.splits import ALL_SPLITS

SHARDS = "shards"

_MOST_WAITING: Final = 2  # batches; each may take a hundred megabytes


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

    Encoding and writing take as long as making the batches, and both work outside of
    the interpreter's lock; so they have a thread of their own.

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
        self._open: dict[str, IO[bytes]] = {}
        self._thread = concurrent.futures.ThreadPoolExecutor(max_workers=1)
        self._waiting: collections.deque[concurrent.futures.Future[None]] = collections.deque()

    def __enter__(self) -> ShardWriter:
        return self

    def write(self, batch: Batch) -> None:
        """Appends the Examples of a batch to the file of its split, in a while.

        Raises:
          OSError: an earlier batch could not be written.
        """
        while len(self._waiting) >= _MOST_WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self._append, batch))

    def _append(self, batch: Batch) -> None:
        split = ALL_SPLITS[batch.split]
        if split not in self._open:
            self._open[split] = beam_files.create(self._scratch(split))
        beam_files.append(self._open[split], self._encoder.encode_records(batch.columns))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._thread.shutdown(wait=True, cancel_futures=kind is not None)
        self._encoder.forget_vocabularies()
        for file in self._open.values():
            file.close()
        if kind is None:
            for written in self._waiting:
                written.result()
            for split in self._open:
                folder = split_folder(self._job.examples_dir, split)
                beam_files.move(self._scratch(split), beam_files.join(folder, self._name))

    def _scratch(self, split: str) -> str:
        name = f"{split}-{self._name}-{self._attempt}"
        return beam_files.join(self._job.work_dir, SHARDS, name)
