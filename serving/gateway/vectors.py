"""What the model said of a version's students and engagements when it was pushed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from schemas import names
from schemas.conversion_patterns import unit_length
from schemas.errors import DataError
from schemas.goal_state import Heads

Floats = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, eq=False)
class StudentVectors:
    """Of `S` students, in the order of the states.

    Attributes:
      embedding: as the model gave them, `[S, D]`.
      unit: the same of length 1.
      likelihood: NaN where the student has ended, `[S]`.
      risk: the same.
      network: of the goal head, NaN where the student has ended, `[S, K]`.
      goals: the calibrated goal likelihoods, likewise.
    """

    embedding: Floats
    unit: Floats
    likelihood: Floats
    risk: Floats
    network: Floats
    goals: Floats

    def heads(self, places: npt.NDArray[np.intp], weights: Floats) -> Heads:
        """The weighted means of the heads of some students, none of whom has ended."""
        share = weights / weights.sum()
        network: list[float] = (share @ self.network[places]).tolist()
        return Heads(
            float(share @ self.likelihood[places]),
            float(share @ self.risk[places]),
            tuple(network),
        )


@dataclasses.dataclass(frozen=True, eq=False)
class EngagementVectors:
    """Embeddings of length 1 by audience: id -> row of `[N, D]`."""

    rows: dict[str, tuple[dict[str, int], Floats]]

    def of_audience(self, audience: str) -> tuple[dict[str, int], Floats]:
        """Those of an audience, or of everybody where the data had nobody in it."""
        return self.rows.get(audience) or self.rows.get("") or ({}, np.zeros((0, 1), np.float32))


def read_student_vectors(path: Path) -> StudentVectors:
    """Reads `vectors.parquet`.

    Raises:
      DataError: it cannot be read.
    """
    table = _read(path)
    embedding = _matrix(table[names.EMBEDDING])
    return StudentVectors(
        embedding=embedding,
        unit=_unit(embedding),
        likelihood=_numbers(table[names.LIKELIHOOD]),
        risk=_numbers(table[names.RISK]),
        network=_matrix(table[names.GOAL_PROBABILITY]),
        goals=_matrix(table[names.GOAL_LIKELIHOOD]),
    )


def read_engagement_vectors(path: Path) -> EngagementVectors:
    """Reads `engagement_vectors.parquet`.

    Raises:
      DataError: it cannot be read.
    """
    table = _read(path)
    audience = np.array(table[names.AUDIENCE].to_pylist(), object)
    ids = np.array(table[names.ENGAGEMENT_ID].to_pylist(), object)
    unit = _unit(_matrix(table[names.EMBEDDING]))
    rows = {}
    for each in sorted(set(audience.tolist())):
        places = np.flatnonzero(audience == each)
        of_ids = {identifier: row for row, identifier in enumerate(ids[places].tolist())}
        rows[each] = (of_ids, unit[places])
    return EngagementVectors(rows)


def nearest(
    unit: Floats, to: Floats, among: npt.NDArray[np.bool_], count: int
) -> tuple[npt.NDArray[np.intp], Floats]:
    """The rows most alike by cosine, best first, and their cosines.

    Args:
      unit: `[S, D]` of length 1.
      to: `[D]` of length 1.
      among: bool `[S]`, which rows may be named.
      count: at most so many.
    """
    places = np.flatnonzero(among)
    cosine = unit[places] @ to
    order = np.argsort(-cosine, kind="stable")[:count]
    return places[order], cosine[order]


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, ValueError) as error:
        raise DataError(
            "the vectors of a version must be readable.",
            where=str(path),
            received=str(error),
            remedy="push again with `goalpath run`: older versions have none.",
        ) from error


def _numbers(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.to_numpy(), np.float32)


def _matrix(column: pa.ChunkedArray) -> Floats:
    """`[S, W]` of a column of lists of one length; NaN where the list is null."""
    lists = column.combine_chunks()
    there = lists.is_valid().to_numpy(zero_copy_only=False)
    values = lists.flatten().to_numpy(zero_copy_only=False)
    width = len(values) // max(int(there.sum()), 1)
    matrix = np.full((len(there), width), np.nan, np.float32)
    matrix[there] = values.reshape(-1, width) if width else np.zeros((int(there.sum()), 0))
    return matrix


def _unit(embedding: Floats) -> Floats:
    return np.asarray(unit_length(embedding), np.float32)
