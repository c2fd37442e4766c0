"""What the model says of every student and engagement, kept for when it cannot be asked.

A gateway lists students by it, finds those alike, and falls back on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas import names
from schemas.config import GoalpathConfig
from schemas.vectors import ENGAGEMENT_VECTORS, GOAL_COLUMNS, STUDENT_VECTORS
from serving.catalogue import read_catalogue
from serving.state_batches import state_batches
from serving.state_candidates import candidate_features

BATCH: Final = 4096
_LISTS: Final = (
    names.USED_ID,
    names.USED_COUNT,
    names.USED_COUNT_7,
    names.USED_COUNT_28,
    names.USED_MET,
    names.USED_DAYS_SINCE,
    names.TYPE_NAME,
    names.TYPE_ACTIVE_ALL,
    names.TYPE_ACTIVE_28,
)
_NOBODY: Final[Mapping[str, object]] = {**dict.fromkeys(_LISTS, ()), names.Q_ACTIVE[0]: 0.0}
"""Of a state: somebody who met nothing yet."""

Tensors = dict[str, npt.NDArray[np.generic]]


class Model(Protocol):
    """The signatures that are asked."""

    def goals_of(self, query: Tensors) -> Tensors:
        """Of `B` students, by the signature `goal`."""

    def embed_engagements(self, candidates: Tensors) -> npt.NDArray[np.float32]:
        """Vectors `[N, D]` of `N` engagements."""


def write_student_vectors(model: Model, states: Path, config: GoalpathConfig, target: Path) -> None:
    """Writes `STUDENT_VECTORS` of all students of a states file.

    Raises:
      DataError: the states cannot be read.
    """
    with pq.ParquetWriter(target, STUDENT_VECTORS, compression="zstd") as writer:
        for rows in _students(model, states, config):
            writer.write_batch(rows)


def write_engagement_vectors(model: Model, catalogue: Path, target: Path, *, as_of: int) -> None:
    """Writes `ENGAGEMENT_VECTORS` of all rows of a catalogue, for a student who met nothing.

    Args:
      model: of the version.
      catalogue: `catalogue.parquet`.
      target: the file.
      as_of: int64 microseconds; of the catalogue.

    Raises:
      DataError: the catalogue cannot be read.
    """
    audiences = pc.unique(pq.read_table(catalogue, columns=[names.AUDIENCE])[names.AUDIENCE])
    with pq.ParquetWriter(target, ENGAGEMENT_VECTORS, compression="zstd") as writer:
        for audience in audiences.cast(pa.string()).to_pylist():
            rows = read_catalogue(catalogue, audience.encode())
            vectors = model.embed_engagements(candidate_features(_NOBODY, rows, t=as_of))
            ids = [identifier.decode() for identifier in rows.features[names.C_ID].tolist()]
            columns = [pa.array([audience] * len(rows)), pa.array(ids), float_lists(vectors)]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=ENGAGEMENT_VECTORS))


def float_lists(
    values: npt.NDArray[np.generic], missing: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """The rows of `[B, W]` as lists; null where `missing` `[B]` says so."""
    there = np.ones(len(values), bool) if missing is None else ~missing
    offsets = np.append(0, np.cumsum(there * values.shape[1])).astype(np.int32)
    # A null list takes no values: Arrow would give them to the list before.
    starts = pa.array(offsets, mask=np.append(~there, False))
    flat = values[there].reshape(-1).astype(np.float32)
    return pa.ListArray.from_arrays(starts, pa.array(flat))


def _students(model: Model, states: Path, config: GoalpathConfig) -> Iterator[pa.RecordBatch]:
    for batch in state_batches(states, config, BATCH):
        said = model.goals_of(batch.query)
        columns = [
            pa.array(batch.student_ids),
            float_lists(said[names.EMBEDDING]),
            *(pa.array(said[key], mask=batch.ended) for key in names.OF_STUDENT),
            *(float_lists(said[key], batch.ended) for key in GOAL_COLUMNS),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=STUDENT_VECTORS)
