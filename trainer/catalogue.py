"""Reads the catalogue that goes into the graph."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import json
import os
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import DataError
from schemas.features import DType, FeatureSpec, candidate_features

MISSING = int(np.iinfo(np.int64).min)
"""Stands for an instant that there is none."""

OF_THE_STUDENT = frozenset(
    (
        names.C_OWN_COUNT,
        names.C_OWN_COUNT_7,
        names.C_OWN_COUNT_28,
        names.C_OWN_MET,
        names.C_OWN_DAYS_SINCE,
        names.C_OWN_TYPE_SHARE,
        names.C_OWN_TYPE_COUNT_28,
    )
)
OF_THE_CALENDAR = frozenset(
    (
        names.C_AVAILABLE_KNOWN,
        names.C_DAYS_AVAILABLE,
        names.C_DUE_KNOWN,
        names.C_DAYS_TO_DUE,
    )
)


def catalogue_features(config: GoalpathConfig) -> tuple[FeatureSpec, ...]:
    """The candidate features that neither the student nor the time asked about changes."""
    varying = OF_THE_STUDENT | OF_THE_CALENDAR
    return tuple(spec for spec in candidate_features(config) if spec.key not in varying)


@dataclasses.dataclass(frozen=True, eq=False)
class Catalogue:
    """Engagements by audience, sorted by audience; `C` rows.

    Attributes:
      audience: bytes objects `[C]`.
      features: key of `catalogue_features` -> bytes objects or float32 `[C]`.
      available_from: int64 `[C]` microseconds, `MISSING` where open.
      available_to: the same.
      due: the same.
      as_of: microseconds; the instant that popularity and date columns are for.
    """

    audience: npt.NDArray[np.object_]
    features: Mapping[str, npt.NDArray[np.generic]]
    available_from: npt.NDArray[np.int64]
    available_to: npt.NDArray[np.int64]
    due: npt.NDArray[np.int64]
    as_of: int

    def __len__(self) -> int:
        return len(self.audience)


def read_catalogue(folder: str, config: GoalpathConfig) -> Catalogue:
    """Reads `catalogue.parquet` and `catalogue.json`.

    Args:
      folder: URI of the Catalogue artifact.
      config: of the data set.

    Raises:
      DataError: a file or a column is missing, or a file is torn.
    """
    path = os.path.join(folder, names.CATALOGUE_FILE)
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            table = pq.read_table(io.BytesIO(file.read()))
        summary_path = os.path.join(folder, names.CATALOGUE_SUMMARY_FILE)
        with tf.io.gfile.GFile(summary_path, "r") as file:
            as_of = _microseconds(json.loads(file.read())["as_of"])
    except (tf.errors.OpError, KeyError, ValueError) as error:
        raise DataError(
            "the trainer needs the whole catalogue of the run.",
            where=folder,
            received=error.message if isinstance(error, tf.errors.OpError) else str(error),
            remedy="give the trainer the catalogue channel of the same EventExampleGen.",
        ) from error
    return catalogue_from_table(table, config, as_of=as_of, where=path)


def _microseconds(text: str) -> int:
    """Microseconds since the epoch of an ISO 8601 text with an offset."""
    since = dt.datetime.fromisoformat(text) - dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
    return since // dt.timedelta(microseconds=1)


def catalogue_from_table(
    table: pa.Table, config: GoalpathConfig, *, as_of: int, where: str = names.CATALOGUE_FILE
) -> Catalogue:
    """The catalogue of a table in its documented form; rows get sorted by audience.

    Raises:
      DataError: a column is missing.
    """
    specs = catalogue_features(config)
    dates = (names.AVAILABLE_FROM, names.AVAILABLE_TO, names.DUE)
    wanted = {names.AUDIENCE, *dates, *(spec.key for spec in specs)}
    missing = sorted(wanted - set(table.column_names))
    if missing:
        raise DataError(
            "the catalogue must have every candidate feature of the configuration.",
            where=where,
            received=f"no column {', '.join(missing)}",
            remedy="run EventExampleGen again with this configuration.",
        )
    table = table.sort_by([(names.AUDIENCE, "ascending"), (names.C_ID, "ascending")])
    return Catalogue(
        audience=_texts(table[names.AUDIENCE]),
        features={spec.key: _column(table[spec.key], spec) for spec in specs},
        available_from=_instants(table[names.AVAILABLE_FROM]),
        available_to=_instants(table[names.AVAILABLE_TO]),
        due=_instants(table[names.DUE]),
        as_of=as_of,
    )


def _column(column: pa.ChunkedArray, spec: FeatureSpec) -> npt.NDArray[np.generic]:
    if spec.dtype is DType.BYTES:
        return _texts(column)
    return np.asarray(column.cast(pa.float32()).fill_null(0.0).to_numpy(), np.float32)


def _texts(column: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    values = column.cast(pa.large_binary()).fill_null(b"").to_pylist()
    result = np.empty(len(values), object)
    result[:] = values
    return result


def _instants(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    return np.asarray(column.cast(pa.int64()).fill_null(MISSING).to_numpy(), np.int64)
