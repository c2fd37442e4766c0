"""Hashes that are the same on every machine, process and version.

Partitions, splits and samples are drawn from them, so that the Examples of a
student depend on the student, the seed and nothing else.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]

_WORD: Final = 8
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLY_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MULTIPLY_2: Final = np.uint64(0x94D049BB133111EB)


def mix(hashes: Hashes, value: npt.ArrayLike) -> Hashes:
    """Hashes of (hash, value) by the finaliser of SplitMix64.

    The finaliser is Stafford's variant 13 as in Steele, Lea and Flood, "Fast
    splittable pseudorandom number generators" (2014).

    Args:
      hashes: uint64 of any shape.
      value: integers that broadcast with `hashes`; taken modulo 2^64.
    """
    with np.errstate(over="ignore"):
        z = (hashes ^ np.asarray(value).astype(np.uint64)) + _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * _MULTIPLY_1
        z = (z ^ (z >> np.uint64(27))) * _MULTIPLY_2
        mixed: Hashes = z ^ (z >> np.uint64(31))
    return mixed


def uniform(hashes: Hashes) -> npt.NDArray[np.float64]:
    """Hashes as numbers in [0, 1): their upper 53 bits."""
    drawn: npt.NDArray[np.float64] = (hashes >> np.uint64(11)) * (1.0 / (1 << 53))
    return drawn


def below(hashes: Hashes, bound: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Hashes as integers in [0, bound), for bounds up to 2^31.

    The upper 32 bits times the bound, shifted: no value of the range is preferred
    by more than bound / 2^32.
    """
    top = hashes >> np.uint64(32)
    product = top * np.asarray(bound).astype(np.uint64)
    drawn: npt.NDArray[np.int64] = (product >> np.uint64(32)).astype(np.int64)
    return drawn


def hash_texts(texts: pa.Array) -> Hashes:
    """A hash of each text.

    Args:
      texts: strings of shape `[n]`, none of them null.

    Returns:
      uint64 `[n]`.
    """
    encoded = texts.dictionary_encode() if not isinstance(texts, pa.DictionaryArray) else texts
    distinct = _hash_distinct(encoded.dictionary.cast(pa.large_binary()))
    hashes: Hashes = distinct[encoded.indices.to_numpy(zero_copy_only=False)]
    return hashes


def _hash_distinct(texts: pa.LargeBinaryArray) -> Hashes:
    lengths = pc.binary_length(texts).to_numpy(zero_copy_only=False)
    words = _padded_words(texts, int(lengths.max(initial=0)))
    hashes = mix(np.zeros(len(texts), np.uint64), lengths)
    for place in range(words.shape[1]):
        mixed = mix(hashes, words[:, place])
        hashes = np.where(lengths > place * _WORD, mixed, hashes)
    return hashes


def _padded_words(texts: pa.LargeBinaryArray, longest: int) -> Hashes:
    """The texts as little-endian words of eight bytes, padded with zeros."""
    width = -(-longest // _WORD) * _WORD
    if width == 0:
        return np.zeros((len(texts), 0), np.uint64)
    padded = np.array(texts.to_pylist(), dtype=f"S{width}")
    return padded.view(np.dtype("<u8")).reshape(len(texts), width // _WORD).astype(np.uint64)
