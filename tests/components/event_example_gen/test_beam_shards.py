"""Files of Examples are whole or absent."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.event_example_gen import beam_files
from components.event_example_gen.beam_job import Job, plan_job
from components.event_example_gen.beam_shards import SHARDS, ShardWriter, split_folder
from components.event_example_gen.columns import Numbers
from components.event_example_gen.encode import ExampleEncoder
from components.event_example_gen.generate import Batch
from components.event_example_gen.splits import ALL_SPLITS, EVAL, TRAIN
from tests.components.event_example_gen.hand_made import event, make_tables, student
from tests.sample_data import sample_config, write_tables


@pytest.fixture
def job(tmp_path: Path) -> Job:
    config = sample_config(cohorts=False)
    data = write_tables(tmp_path / "data", config, make_tables([student()], [event(1)])).folder
    made = plan_job(
        config,
        data_dir=str(data),
        work_dir=str(tmp_path / "work"),
        examples_dir=str(tmp_path / "examples"),
    )
    folders = [split_folder(made.examples_dir, split) for split in ALL_SPLITS]
    for folder in (f"{made.work_dir}/{SHARDS}", *folders):
        Path(folder).mkdir(parents=True)
    return made


def batch(split: int, *numbers: int) -> Batch:
    return Batch(split, {"n": Numbers(np.array(numbers, np.int64))})


def written(job: Job, split: str) -> dict[str, list[int]]:
    """File -> the numbers of its Examples."""
    found = {}
    for path in sorted((Path(job.examples_dir) / f"Split-{split}").iterdir()):
        records = tf.data.TFRecordDataset([str(path)]).as_numpy_iterator()
        examples = [tf.train.Example.FromString(record) for record in records]
        found[path.name] = [row.features.feature["n"].int64_list.value[0] for row in examples]
    return found


def test_each_split_of_a_partition_is_a_file(job: Job) -> None:
    with ShardWriter(job, 0, ExampleEncoder()) as writer:
        writer.write(batch(TRAIN, 1, 2))
        writer.write(batch(EVAL, 7))
        writer.write(batch(TRAIN, 3))
        assert written(job, "train") == written(job, "eval") == {}
    name = "data_tfrecord-00000-of-00001"
    assert written(job, "train") == {name: [1, 2, 3]}
    assert written(job, "eval") == {name: [7]}
    assert written(job, "calibration") == {}


def test_an_attempt_that_fails_leaves_no_file(job: Job) -> None:
    def attempt() -> None:
        with ShardWriter(job, 0, ExampleEncoder()) as writer:
            writer.write(batch(TRAIN, 1))
            raise RuntimeError("the worker is gone")

    with pytest.raises(RuntimeError, match="the worker is gone"):
        attempt()
    assert written(job, "train") == {}


def test_a_second_attempt_takes_the_place_of_the_first(job: Job) -> None:
    for numbers in ([1, 2], [3]):
        with ShardWriter(job, 0, ExampleEncoder()) as writer:
            writer.write(batch(TRAIN, *numbers))
    assert written(job, "train") == {"data_tfrecord-00000-of-00001": [3]}


def test_batches_are_written_in_their_order(job: Job) -> None:
    with ShardWriter(job, 0, ExampleEncoder()) as writer:
        for number in range(50):
            writer.write(batch(TRAIN, number))
    assert written(job, "train") == {"data_tfrecord-00000-of-00001": list(range(50))}


def test_a_batch_that_cannot_be_written_fails_the_attempt(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    def attempt(batches: int) -> None:
        with ShardWriter(job, 0, ExampleEncoder()) as writer:
            for number in range(batches):
                writer.write(batch(TRAIN, number))

    monkeypatch.setattr(beam_files, "create", full)
    # Of one batch it is seen at the end, of many on the way.
    for batches in (1, 20):
        with pytest.raises(OSError, match="No space left on device"):
            attempt(batches)
    assert written(job, "train") == {}


def test_long_data_are_written_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beam_files, "WRITE_BYTES", 4)
    data = b"0123456789"
    with beam_files.create(str(tmp_path / "file")) as file:
        beam_files.append(file, memoryview(data))
        beam_files.append(file, memoryview(b""))
        beam_files.append(file, memoryview(data[:4]))
    assert (tmp_path / "file").read_bytes() == b"01234567890123"
