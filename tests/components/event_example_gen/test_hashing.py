"""Hashes against whole-number arithmetic in plain Python, and how they spread."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from components.event_example_gen import hashing

WORD = 1 << 64


def split_mix(hash_: int, value: int) -> int:
    z = ((hash_ ^ (value % WORD)) + 0x9E3779B97F4A7C15) % WORD
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
    return z ^ (z >> 31)


def hash_of(text: str) -> int:
    data = text.encode()
    found = split_mix(0, len(data))
    for place in range(0, len(data), 8):
        found = split_mix(found, int.from_bytes(data[place : place + 8], "little"))
    return found


TEXTS = ["", "a", "s0001", "12345678", "123456789", "a\x00", "é" * 20, "a"]


def test_the_first_numbers_of_split_mix_64() -> None:
    # Steele, Lea and Flood's generator seeded with 0, as Java's SplittableRandom gives it.
    state = [(place * 0x9E3779B97F4A7C15) % WORD for place in range(3)]
    found = hashing.mix(np.array(state, np.uint64), 0)
    assert [f"{value:016x}" for value in found.tolist()] == [
        "e220a8397b1dcdaf",
        "6e789e6aa1b965f4",
        "06c45d188009454f",
    ]


@pytest.mark.parametrize("value", [0, 1, -1, 2**62])
def test_mixing_is_that_of_whole_numbers(value: int) -> None:
    hashes = np.array([0, 1, 2**63, WORD - 1], np.uint64)
    expected = [split_mix(hash_, value) for hash_ in hashes.tolist()]
    assert hashing.mix(hashes, value).tolist() == expected


def test_texts_are_hashed_by_their_bytes() -> None:
    found = hashing.hash_texts(pa.array(TEXTS)).tolist()
    assert found == [hash_of(text) for text in TEXTS]
    assert len(set(found)) == len(set(TEXTS))


def test_a_hash_does_not_depend_on_the_texts_beside_it() -> None:
    alone = [hashing.hash_texts(pa.array([text])).tolist()[0] for text in TEXTS]
    assert alone == hashing.hash_texts(pa.array(TEXTS)).tolist()
    encoded = pa.array(TEXTS).dictionary_encode()
    assert hashing.hash_texts(encoded).tolist() == alone
    assert hashing.hash_texts(pa.array([], pa.string())).tolist() == []


def test_shares_and_choices_are_even() -> None:
    hashes = hashing.hash_texts(pa.array([f"s{number}" for number in range(40_000)]))
    shares = hashing.uniform(hashes)
    assert 0 <= shares.min() < shares.max() < 1
    # Four standard errors of the mean of a uniform number: 4 / sqrt(12 * 40,000).
    assert shares.mean() == pytest.approx(0.5, abs=4 / np.sqrt(12 * 40_000))
    counts = np.bincount(hashing.below(hashes, 10), minlength=10)
    assert len(counts) == 10
    assert counts == pytest.approx(np.full(10, 4_000), abs=4 * np.sqrt(40_000 * 0.1 * 0.9))


def test_bounds_of_choices() -> None:
    extremes = np.array([0, WORD - 1], np.uint64)
    assert hashing.below(extremes, 7).tolist() == [0, 6]
    assert hashing.below(extremes, 1).tolist() == [0, 0]
    assert hashing.below(extremes, [3, 5]).tolist() == [0, 4]
    assert hashing.below(extremes, 2**31).tolist() == [0, 2**31 - 1]
