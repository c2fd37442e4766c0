"""Configured columns of students and engagements as features."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.event_example_gen import clock
from components.event_example_gen.columns import Column, Numbers, Texts, encode_texts
from schemas import names
from schemas.config import Kind


@dataclasses.dataclass(frozen=True, eq=False)
class Attribute:
    """One configured column of `n` rows.

    Attributes:
      texts: where it is a category or a text.
      numbers: float32 `[n]`, 0 where missing; where it is a number.
      dates: int64 `[n]`, `clock.MISSING` where missing; where it is a date.
      known: bool `[n]`; whether a number or date is there.
    """

    texts: Texts | None = None
    numbers: npt.NDArray[np.float32] | None = None
    dates: clock.Instants | None = None
    known: npt.NDArray[np.bool_] | None = None

    def columns(
        self, key: str, rows: npt.NDArray[np.integer[Any]], t: npt.NDArray[np.int64]
    ) -> dict[str, Column]:
        """The feature `key`, and its twin where it has one, of the given rows.

        Args:
          key: of the feature.
          rows: places of the rows, `[m]`.
          t: the instants that dates are measured from, `[m]`.

        Returns:
          A date is the days from it to `t`, negative for a date after `t`.
        """
        if self.texts is not None:
            return {key: Texts(self.texts.codes[rows], self.texts.vocabulary)}
        assert self.known is not None
        known = self.known[rows]
        twin = {key + names.KNOWN_SUFFIX: Numbers(known.astype(np.float32))}
        if self.numbers is not None:
            return {key: Numbers(self.numbers[rows]), **twin}
        assert self.dates is not None
        return {key: Numbers(days_from(self.dates[rows], t)), **twin}


def days_from(dates: clock.Instants, t: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Days from each date to `t`; 0 where the date is missing."""
    return clock.days_between(t, np.where(dates == clock.MISSING, t, dates))


def attributes(table: pa.Table, kinds: Mapping[str, Kind], prefix: str) -> dict[str, Attribute]:
    """The configured columns of a canonical table, by feature key."""
    return {prefix + column: _attribute(table, column, kind) for column, kind in kinds.items()}


def _attribute(table: pa.Table, column: str, kind: Kind) -> Attribute:
    if kind in (Kind.CATEGORICAL, Kind.TEXT):
        return Attribute(texts=encode_texts(text_column(table, column)))
    if kind is Kind.DATE:
        dates = instants(table, column)
        return Attribute(dates=dates, known=dates != clock.MISSING)
    numbers = float_column(table, column)
    known = np.isfinite(numbers)
    return Attribute(numbers=np.where(known, numbers, 0).astype(np.float32), known=known)


def text_column(table: pa.Table, column: str) -> pa.LargeStringArray:
    """A column as large strings; a missing text, or a missing column, is ""."""
    if column not in table.column_names:
        return pa.array([""] * table.num_rows, pa.large_string())
    chunked = table[column].cast(pa.large_string()).fill_null("")
    return _one_chunk(chunked, pa.large_string())


def instants(table: pa.Table, column: str) -> clock.Instants:
    """A column as int64 microseconds; `clock.MISSING` where it is missing."""
    if column not in table.column_names:
        return np.full(table.num_rows, clock.MISSING)
    filled = table[column].cast(pa.int64()).fill_null(clock.MISSING)
    values: clock.Instants = _one_chunk(filled, pa.int64()).to_numpy(zero_copy_only=False)
    return values


def float_column(table: pa.Table, column: str) -> npt.NDArray[np.float64]:
    """A column as float64; NaN where it is missing."""
    if column not in table.column_names:
        return np.full(table.num_rows, np.nan)
    filled = table[column].cast(pa.float64()).fill_null(np.nan)
    values: npt.NDArray[np.float64] = _one_chunk(filled, pa.float64()).to_numpy(
        zero_copy_only=False
    )
    return values


def _one_chunk(chunked: pa.ChunkedArray, dtype: pa.DataType) -> pa.Array:
    if chunked.num_chunks == 1:
        return chunked.chunk(0)
    return pa.concat_arrays(chunked.chunks) if chunked.num_chunks else pa.array([], dtype)
