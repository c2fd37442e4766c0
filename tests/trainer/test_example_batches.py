"""Every Example once a pass, in another order each time where that is asked for."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import TrainingRefusedError
from tests.random_examples import random_rows, serialize, write_examples
from trainer.batching import TRAINING_LABELS
from trainer.example_batches import Transform, cached_batches, example_files, serialized_examples

COUNT = 200


@pytest.fixture(name="numbered")
def _numbered(config: GoalpathConfig, tmp_path: Path) -> Path:
    """Examples that have their number as a label, in two files."""
    rows = random_rows(config, COUNT, seed=31)
    for number, row in enumerate(rows):
        row[names.LIKELIHOOD_LABEL] = [float(number)]
    folder = tmp_path / "numbered"
    serialized = serialize(config, rows)
    write_examples(folder / "data-00000-of-00002", serialized[:150])
    write_examples(folder / "data-00001-of-00002", serialized[150:])
    return folder


def numbers(batches: tf.data.Dataset) -> list[list[int]]:
    return [
        labels[names.LIKELIHOOD_LABEL].astype(int).tolist()
        for _, labels in batches.as_numpy_iterator()
    ]


def flat(batches: list[list[int]]) -> list[int]:
    return [number for batch in batches for number in batch]


@pytest.mark.slow
def test_shuffled_passes_hold_every_example_in_an_order_of_their_own(
    config: GoalpathConfig, layer: Transform, numbered: Path, tmp_path: Path
) -> None:
    files = example_files([str(numbered / "*")])

    def batches(name: str) -> tf.data.Dataset:
        return cached_batches(files, config, layer, cache_file=str(tmp_path / name), shuffled=True)

    data = batches("one")
    first = numbers(data)
    assert sorted(flat(first)) == list(range(COUNT))
    # 200 in batches of 32: six and one of 8.
    assert sorted(map(len, first)) == [8, 32, 32, 32, 32, 32, 32]
    assert any(batch != sorted(batch) for batch in first)
    for path in files:
        Path(path).unlink()
    second = numbers(data)
    assert sorted(flat(second)) == list(range(COUNT)), "the second pass reads the cache"
    assert second != first
    assert sorted(map(sorted, second)) == sorted(map(sorted, first))


@pytest.mark.slow
def test_a_seed_gives_the_same_batches_and_no_shuffle_keeps_the_order(
    config: GoalpathConfig, layer: Transform, numbered: Path, tmp_path: Path
) -> None:
    files = example_files([str(numbered / "*")])
    one, again = (
        numbers(
            cached_batches(files, config, layer, cache_file=str(tmp_path / name), shuffled=True)
        )
        for name in ("one", "again")
    )
    assert one == again
    plain = cached_batches(files, config, layer, cache_file=str(tmp_path / "plain"), shuffled=False)
    first = numbers(plain)
    assert first == numbers(plain)
    assert sorted(flat(first)) == list(range(COUNT))
    inputs, labels = next(iter(plain))
    assert set(labels) == set(TRAINING_LABELS)
    assert all(np.isfinite(value).all() for value in inputs.values())


def test_files_are_found_by_patterns_sorted_and_once(tmp_path: Path) -> None:
    for name in ("b", "a", "c.txt"):
        (tmp_path / name).touch()
    patterns = [str(tmp_path / "?"), str(tmp_path / "a")]
    assert [Path(path).name for path in example_files(patterns)] == ["a", "b"]


@pytest.mark.parametrize("patterns", [[], ["nothing-*"]])
def test_no_file_is_refused(tmp_path: Path, patterns: list[str]) -> None:
    with pytest.raises(TrainingRefusedError, match="Received: no file") as error:
        example_files([str(tmp_path / pattern) for pattern in patterns])
    assert error.value.where
    assert "split" in error.value.remedy


def test_gzipped_files_are_read_as_such(tmp_path: Path) -> None:
    records = [b"one", b"", b"three"]
    write_examples(tmp_path / "plain", records)
    zipped = tmp_path / "zipped.gz"
    zipped.write_bytes(gzip.compress((tmp_path / "plain").read_bytes()))
    for path in (tmp_path / "plain", zipped):
        assert list(serialized_examples([str(path)]).as_numpy_iterator()) == records
