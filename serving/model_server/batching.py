"""Runs requests that wait at the same time as one batch.

What TF Serving calls a BatchingSession: requests to the same tensors are joined along
their first dimension, up to a size or a time, and their answers are cut apart again.
Requests are joined only where shapes and types agree, and a batch that fails is run again
one by one, so that no request is harmed by another that it was joined with.
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Mapping, Sequence

import numpy as np

from serving.model_server.servable import Runner
from serving.wire.status import Code, StatusError, invalid_argument
from serving.wire.tensors import Array

_Key = tuple[object, ...]


@dataclasses.dataclass(frozen=True)
class BatchingOptions:
    """`BatchingParameters`, with TF Serving's defaults.

    Attributes:
      max_batch_size: rows of a batch at most; also of a request.
      batch_timeout_seconds: how long a request waits for others.
      max_enqueued_batches: that wait at most, for each kind of request.
      num_threads: batches that run at once.
      allowed_sizes: to which a batch is filled up, growing; empty: any.
    """

    max_batch_size: int = 1000
    batch_timeout_seconds: float = 0.0
    max_enqueued_batches: int = 10
    num_threads: int = 1
    allowed_sizes: tuple[int, ...] = ()


@dataclasses.dataclass
class _Task:
    feeds: Mapping[str, Array]
    fetches: tuple[str, ...]
    rows: int
    arrived: float
    done: threading.Event = dataclasses.field(default_factory=threading.Event)
    values: list[Array] | None = None
    error: BaseException | None = None


class BatchingRunner:
    """A `Runner` that joins what waits.

    Args:
      runner: runs the joined requests.
      options: sizes and times.
    """

    def __init__(self, runner: Runner, options: BatchingOptions) -> None:
        self._runner = runner
        self._options = options
        self._changed = threading.Condition()
        self._queues: dict[_Key, list[_Task]] = {}
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name="batch", daemon=True)
            for _ in range(options.num_threads)
        ]
        for thread in self._threads:
            thread.start()

    def run(
        self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout_ms: int | None
    ) -> list[Array]:
        """See `Runner.run`.

        Raises:
          StatusError: inputs without a common first dimension, too many rows, a full
            queue, a time that ran out, or what TensorFlow answers.
        """
        rows = common_rows(feeds)
        if rows > self._options.max_batch_size:
            raise invalid_argument(
                f"Task size {rows} is larger than maximum input batch size "
                f"{self._options.max_batch_size}"
            )
        task = _Task(feeds, tuple(fetches), rows, time.monotonic())
        self._enqueue(_key(task), task)
        if not task.done.wait(None if timeout_ms is None else timeout_ms / 1000):
            raise StatusError(Code.DEADLINE_EXCEEDED, "Run() timeout exceeded while waiting")
        if task.error is not None:
            raise task.error
        assert task.values is not None
        return task.values

    def close(self) -> None:
        """Answers what waits, then frees what is held."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._runner.close()

    def _enqueue(self, key: _Key, task: _Task) -> None:
        most = self._options.max_enqueued_batches * self._options.max_batch_size
        with self._changed:
            queue = self._queues.setdefault(key, [])
            if sum(waiting.rows for waiting in queue) + task.rows > most:
                raise StatusError(
                    Code.UNAVAILABLE,
                    "The batch scheduling queue to which this task was submitted is full",
                )
            queue.append(task)
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                batch = self._next_batch()
                if batch is None:
                    return
            self._run_batch(batch)

    def _next_batch(self) -> list[_Task] | None:
        """Waits for a batch that is full or has waited long enough; None: all is over."""
        while True:
            now = time.monotonic()
            oldest = sorted(self._queues.items(), key=lambda item: item[1][0].arrived)
            for key, queue in oldest:
                waited = now - queue[0].arrived >= self._options.batch_timeout_seconds
                batch = _first_rows(queue, self._options.max_batch_size)
                if waited or self._closed or len(batch) < len(queue):
                    self._queues[key] = queue[len(batch) :]
                    if not self._queues[key]:
                        del self._queues[key]
                    return batch
            if self._closed and not self._queues:
                return None
            pause = None
            if oldest:
                end = oldest[0][1][0].arrived + self._options.batch_timeout_seconds
                pause = max(end - now, 0)
            self._changed.wait(pause)

    def _run_batch(self, batch: Sequence[_Task]) -> None:
        try:
            self._run_joined(batch)
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
            else:
                for task in batch:
                    self._run_batch([task])
        finally:
            for task in batch:
                task.done.set()

    def _run_joined(self, batch: Sequence[_Task]) -> None:
        rows = sum(task.rows for task in batch)
        filled = self._filled_size(rows)
        feeds = {
            name: _joined([task.feeds[name] for task in batch], filled) for name in batch[0].feeds
        }
        values = self._runner.run(feeds, batch[0].fetches, None)
        for value in values:
            if not value.ndim:
                raise StatusError(
                    Code.FAILED_PRECONDITION, "Batched output tensor has 0 dimensions"
                )
            if len(value) != filled:
                raise StatusError(
                    Code.FAILED_PRECONDITION,
                    "Batched output tensor's 0th dimension does not equal the sum of the 0th "
                    "dimension sizes of the input tensors",
                )
        start = 0
        for task in batch:
            task.values = [value[start : start + task.rows] for value in values]
            start += task.rows

    def _filled_size(self, rows: int) -> int:
        larger = [size for size in self._options.allowed_sizes if size >= rows]
        return min(larger, default=rows)


def common_rows(feeds: Mapping[str, Array]) -> int:
    """The first dimension that all inputs share.

    Raises:
      StatusError: one has none, or another.
    """
    rows: int | None = None
    for value in feeds.values():
        if not value.ndim:
            raise invalid_argument("Batching Run() input tensors must have at least one dimension")
        if rows is not None and len(value) != rows:
            raise invalid_argument(
                "Batching Run() input tensors must have equal 0th-dimension size"
            )
        rows = len(value)
    if rows is None:
        raise invalid_argument("Batching Run() must have at least one input tensor")
    return rows


def _key(task: _Task) -> _Key:
    inputs = tuple(
        (name, value.dtype.str, value.shape[1:]) for name, value in sorted(task.feeds.items())
    )
    return (task.fetches, inputs)


def _first_rows(queue: Sequence[_Task], most: int) -> list[_Task]:
    rows = 0
    taken: list[_Task] = []
    for task in queue:
        rows += task.rows
        if taken and rows > most:
            break
        taken.append(task)
    return taken


def _joined(parts: Sequence[Array], rows: int) -> Array:
    """Parts below each other; the first row again fills up to `rows`."""
    given = sum(map(len, parts))
    filler = [parts[0][:1]] * (rows - given) if given and rows > given else []
    if len(parts) == 1 and not filler:
        return parts[0]
    return np.concatenate([*parts, *filler])


def batch_threads(processors: int) -> int:
    """TF Serving's default: a thread for each processor."""
    return max(math.floor(processors), 1)
