"""Which Examples become golden rows."""

from __future__ import annotations

from pathlib import Path

from tests.random_examples import write_examples
from trainer.train import GOLDEN_EXAMPLES, golden_examples


def written(path: Path, records: list[bytes]) -> list[str]:
    write_examples(path, records)
    return [str(path)]


def numbered(count: int, prefix: bytes = b"") -> list[bytes]:
    return [prefix + b"%05d" % number for number in range(count)]


def test_they_are_spread_over_the_beginning_of_the_split(tmp_path: Path) -> None:
    chosen = golden_examples(written(tmp_path / "calibration", numbered(3000)))
    assert len(chosen) == GOLDEN_EXAMPLES
    # 2,048 records are read; 31 steps of 66 lead from the first to the last of them.
    assert chosen[0] == b"00000"
    assert chosen[1] == b"00066"
    assert chosen[-1] == b"02047"
    assert chosen == sorted(set(chosen))


def test_a_small_split_is_filled_up_from_the_next(tmp_path: Path) -> None:
    chosen = golden_examples(
        written(tmp_path / "calibration", numbered(3, b"c")),
        written(tmp_path / "train", numbered(100, b"t")),
    )
    assert chosen[:3] == [b"c00000", b"c00001", b"c00002"]
    assert len(chosen) == GOLDEN_EXAMPLES
    assert all(example.startswith(b"t") for example in chosen[3:])


def test_no_example_is_taken_twice(tmp_path: Path) -> None:
    same = written(tmp_path / "calibration", [b"a", b"a", b"b"])
    assert golden_examples(same, same) == [b"a", b"b"]


def test_one_example_is_enough_and_none_is_none(tmp_path: Path) -> None:
    assert golden_examples(written(tmp_path / "one", [b"a"])) == [b"a"]
    assert golden_examples(written(tmp_path / "none", [])) == []
