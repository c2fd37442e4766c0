"""Hand-made features of rows: numbers, and categories as codes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts.snapshots import Column

Numbers = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureTable:
    """n rows.

    Attributes:
      numbers: float32 `(n,)` by name; NaN where there is no value.
      categories: int64 codes `(n,)` by name; -1 for a value that training has not.
      sizes: number of codes of each category.
    """

    numbers: Mapping[str, Numbers]
    categories: Mapping[str, Places]
    sizes: Mapping[str, int]

    def matrix(self) -> Numbers:
        """Float32 `(n, F)`: the numbers, then the codes, NaN for -1."""
        codes = [np.where(code < 0, np.nan, code) for code in self.categories.values()]
        matrix: Numbers = np.stack([*self.numbers.values(), *codes], axis=1).astype(np.float32)
        return matrix

    @property
    def names(self) -> list[str]:
        """Of the columns of `matrix`."""
        return [*self.numbers, *self.categories]

    def take(self, rows: Places | npt.NDArray[np.bool_]) -> FeatureTable:
        """Some rows, or rows several times."""
        return FeatureTable(
            {key: value[rows] for key, value in self.numbers.items()},
            {key: value[rows] for key, value in self.categories.items()},
            self.sizes,
        )

    def beside(self, other: FeatureTable) -> FeatureTable:
        """The columns of both, which have the same rows."""
        return FeatureTable(
            {**self.numbers, **other.numbers},
            {**self.categories, **other.categories},
            {**self.sizes, **other.sizes},
        )

    def without(self, name: str) -> FeatureTable:
        """All columns but one."""
        return FeatureTable(
            {key: value for key, value in self.numbers.items() if key != name},
            {key: value for key, value in self.categories.items() if key != name},
            {key: size for key, size in self.sizes.items() if key != name},
        )


def codes_of(column: Column, vocabulary: tuple[str, ...]) -> Places:
    """The texts of a column as places in a vocabulary, -1 where they are not in it."""
    place = {word: code for code, word in enumerate(vocabulary)}
    recode = np.array([place.get(word, -1) for word in column.vocabulary] or [-1], np.int64)
    return recode[column.values.astype(np.int64)]


def known_or_nan(values: Numbers, known: Numbers) -> Numbers:
    """The values, NaN where `known` is 0."""
    return np.where(known > 0, values, np.float32("nan")).astype(np.float32)
