"""Stored student states as the signatures of the model take them, one or a batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from schemas import features, names
from schemas.config import GoalpathConfig
from schemas.errors import DataError
from schemas.features import DType, FeatureSpec, Shape
from serving.states import ENDED

Column = npt.NDArray[np.generic]
NUMPY_TYPES = {DType.BYTES: object, DType.FLOAT: np.float32, DType.INT: np.int64}


@dataclasses.dataclass(frozen=True, eq=False)
class StateBatch:
    """`B` states.

    Attributes:
      query: query feature -> `[B]`, vectors `[B, size]`, lists `[B, longest]` padded with
        b"" or 0.
      student_ids: `[B]`, str.
      stages: `[B]`, str.
      ended: bool `[B]`.
    """

    query: dict[str, Column]
    student_ids: list[str]
    stages: list[str]
    ended: npt.NDArray[np.bool_]


def state_columns(values: Mapping[str, object], specs: Sequence[FeatureSpec]) -> dict[str, Column]:
    """Features of one state as the signatures take them, with `B` 1.

    Args:
      values: of the state.
      specs: of the features wanted.
    """
    columns: dict[str, Column] = {}
    for spec in specs:
        value = values[spec.key]
        if spec.dtype is DType.BYTES:
            texts = value if isinstance(value, list) else [value]
            value = [text if isinstance(text, bytes) else str(text).encode() for text in texts]
        elif not isinstance(value, list):
            value = [value]
        row = np.array(value, NUMPY_TYPES[spec.dtype])
        columns[spec.key] = row if spec.shape is Shape.SCALAR else row[np.newaxis]
    return columns


def count_states(path: Path) -> int:
    """How many students a states file has.

    Raises:
      DataError: it cannot be read.
    """
    with _readable(path) as file:
        return int(file.metadata.num_rows)


def state_batches(path: Path, config: GoalpathConfig, size: int) -> Iterator[StateBatch]:
    """The states of the file in its order, at most `size` at a time.

    Raises:
      DataError: it cannot be read, or lacks a feature of the configuration.
    """
    specs = features.query_features(config)
    columns = sorted({spec.key for spec in specs} | {names.STUDENT_ID, names.Q_STAGE, ENDED})
    with _readable(path) as file:
        missing = sorted(set(columns) - set(file.schema_arrow.names))
        if missing:
            raise _unreadable(path, f"no {', '.join(missing)}")
        for batch in file.iter_batches(size, columns=columns):
            yield StateBatch(
                {spec.key: dense_column(batch.column(spec.key), spec) for spec in specs},
                [str(value) for value in _texts(batch.column(names.STUDENT_ID))],
                [str(value) for value in _texts(batch.column(names.Q_STAGE))],
                np.asarray(batch.column(ENDED).to_numpy(zero_copy_only=False), np.bool_),
            )


def _readable(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from error


def _unreadable(path: Path, received: str) -> DataError:
    return DataError(
        "the student states of a model version must be readable.",
        where=str(path),
        received=received,
        remedy="push again with `goalpath run`.",
    )


def _texts(column: pa.Array) -> list[str]:
    return column.cast(pa.large_string()).to_pylist()  # type: ignore[no-any-return]


def dense_column(column: pa.Array, spec: FeatureSpec) -> Column:
    """A stored column as the signatures take it.

    Args:
      column: of `B` states.
      spec: of its feature.

    Returns:
      `[B]`, or `[B, longest]`: shorter lists are padded with b"" or 0.
    """
    if spec.shape is Shape.SCALAR:
        return _values(column, spec.dtype)
    lengths = np.diff(column.offsets.to_numpy())
    values = _values(column.flatten(), spec.dtype)
    width = int(lengths.max(initial=0))
    padding = b"" if spec.dtype is DType.BYTES else 0
    padded = np.full((len(lengths), width), padding, NUMPY_TYPES[spec.dtype])
    padded[np.arange(width) < lengths[:, None]] = values
    return padded


def _values(column: pa.Array, dtype: DType) -> Column:
    if dtype is not DType.BYTES:
        return np.asarray(column.to_numpy(zero_copy_only=False), NUMPY_TYPES[dtype])
    found = np.empty(len(column), object)
    found[:] = column.cast(pa.large_binary()).to_pylist()
    return found
