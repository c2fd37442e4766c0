"""Features of many rows as flat arrays.

A column holds the values of all rows end to end. `offsets` `[rows + 1]` say where
each row's values start; None means that every row has `width` of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Offsets = npt.NDArray[np.int64] | None


@dataclasses.dataclass(frozen=True)
class Numbers:
    """A column of float32 or int64 values."""

    values: npt.NDArray[np.generic]
    offsets: Offsets = None
    width: int = 1


@dataclasses.dataclass(frozen=True)
class Texts:
    """A column of texts: places in a vocabulary of large strings without nulls."""

    codes: npt.NDArray[np.integer[Any]]
    vocabulary: pa.LargeStringArray
    offsets: Offsets = None
    width: int = 1


Column = Numbers | Texts
Columns = Mapping[str, Column]


def to_list_array(column: Column) -> pa.LargeListArray:
    """A column as an Arrow array of lists, one list a row."""
    flat = to_flat_array(column)
    offsets = column.offsets
    if offsets is None:
        offsets = np.arange(len(flat) // column.width + 1) * column.width
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), flat)


def to_flat_array(column: Column) -> pa.Array:
    """All values of a column end to end."""
    if isinstance(column, Numbers):
        return pa.array(column.values)
    return column.vocabulary.take(pa.array(column.codes))


def row_count(column: Column) -> int:
    """How many rows a column has."""
    if column.offsets is not None:
        return len(column.offsets) - 1
    values = column.values if isinstance(column, Numbers) else column.codes
    return len(values) // column.width


def take_rows(column: Column, rows: npt.NDArray[np.integer[Any]]) -> Column:
    """The given rows of a column with a fixed number of values a row."""
    values = column.values if isinstance(column, Numbers) else column.codes
    taken = values.reshape(-1, column.width)[rows].reshape(-1)
    if isinstance(column, Numbers):
        return dataclasses.replace(column, values=taken)
    return dataclasses.replace(column, codes=taken)


def encode_texts(texts: pa.Array) -> Texts:
    """Texts as places in their sorted vocabulary; a missing text is ""."""
    filled = texts.cast(pa.large_string()).fill_null("")
    vocabulary = sorted_distinct(filled)
    codes = pa.compute.index_in(filled, value_set=vocabulary)
    return Texts(codes.to_numpy(zero_copy_only=False).astype(np.int32), vocabulary)


def sorted_distinct(texts: pa.Array) -> pa.LargeStringArray:
    """The distinct texts in order of their code points."""
    distinct = texts.unique()
    order = pa.compute.sort_indices(distinct)
    return distinct.take(order)
