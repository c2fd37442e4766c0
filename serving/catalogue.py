"""Reads the engagement catalogue of a model version."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas import names
from schemas.errors import DataError
from serving.state_candidates import CatalogueRows

_INSTANTS = (names.AVAILABLE_FROM, names.AVAILABLE_TO, names.DUE)


def read_catalogue(path: Path, audience: bytes) -> CatalogueRows:
    """The engagements open to an audience, with popularity as of the push.

    An audience that no student of the data set was in gets what is open to everybody,
    as `recommend` gives it.

    Args:
      path: of `catalogue.parquet`.
      audience: of the student; b"" for students without one.

    Raises:
      DataError: the file cannot be read or lacks a column.
    """
    try:
        table = pq.read_table(path)
        rows = _of_audience(table, audience)
        if not len(rows):
            rows = _of_audience(table, b"")
        instants = {key: _instants(rows[key]) for key in _INSTANTS}
        features = {
            name: _column(rows[name])
            for name in rows.column_names
            if name not in (names.AUDIENCE, *_INSTANTS)
        }
    except (OSError, KeyError, ValueError) as error:
        raise DataError(
            "the catalogue of a model version must be readable.",
            where=str(path),
            received=str(error),
            remedy="push again with `goalpath run`.",
        ) from error
    return CatalogueRows(
        features,
        instants[names.AVAILABLE_FROM],
        instants[names.AVAILABLE_TO],
        instants[names.DUE],
    )


def _of_audience(table: pa.Table, audience: bytes) -> pa.Table:
    stored = table.schema.field(names.AUDIENCE).type
    wanted = pa.scalar(audience if "binary" in str(stored) else audience.decode(), stored)
    return table.filter(pc.equal(table[names.AUDIENCE], wanted))


def _instants(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    filled = pc.fill_null(column.cast(pa.int64()), CatalogueRows.MISSING)
    return np.asarray(filled.to_numpy(), np.int64)


def _column(column: pa.ChunkedArray) -> npt.NDArray[np.generic]:
    if pa.types.is_floating(column.type):
        return np.asarray(column.to_numpy(), np.float32)
    texts = [v if isinstance(v, bytes) else str(v).encode() for v in column.to_pylist()]
    return np.array(texts, object)
