"""The snapshots of a split as flat columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]


@dataclasses.dataclass(frozen=True, eq=False)
class Column:
    """The values of one feature, all snapshots one after the other.

    Attributes:
      values: of shape `(total,)`: float32, int64, or int64 codes of texts.
      starts: of shape `(n + 1,)`; snapshot i has `values[starts[i]:starts[i + 1]]`.
      vocabulary: text of each code; empty where the values are numbers.
    """

    values: Numbers | Places
    starts: Places
    vocabulary: tuple[str, ...] = ()

    @property
    def lengths(self) -> Places:
        """How many values each snapshot has: `(n,)`."""
        return np.diff(self.starts)

    @property
    def rows(self) -> Places:
        """The snapshot of each value: `(total,)`."""
        return np.repeat(np.arange(len(self.starts) - 1), self.lengths)

    def texts(self) -> Texts:
        """The values as `str`: `(total,)`."""
        found: Texts = np.array(self.vocabulary, object)[self.values.astype(np.int64)]
        return found


@dataclasses.dataclass(frozen=True, eq=False)
class Snapshots:
    """A split.

    Attributes:
      columns: by feature key, all of `example_features`.
      count: number of snapshots.
    """

    columns: Mapping[str, Column]
    count: int

    def numbers(self, key: str) -> npt.NDArray[np.float64]:
        """A numeric scalar of each snapshot, `(n,)`; or vectors, `(n, size)`."""
        values = self.columns[key].values.astype(np.float64)
        return values if len(values) == self.count else values.reshape(self.count, -1)

    def integers(self, key: str) -> Places:
        """An int64 scalar of each snapshot: `(n,)`."""
        return self.columns[key].values.astype(np.int64)

    def texts(self, key: str) -> Texts:
        """A text scalar of each snapshot: `(n,)`."""
        return self.columns[key].texts()
