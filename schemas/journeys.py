"""The table of journeys as arrays, to look the nearest ones up."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas import patterns_files
from schemas.conversion_patterns import unit_length


@dataclasses.dataclass(frozen=True, eq=False)
class Journeys:
    """`m` training students, of no name, that reached a later stage; see `patterns_files`.

    Attributes:
      embedding: of unit length, `[m, D]`.
      from_stage: place of the stage, `[m]`.
      reached: place of the furthest stage reached, `[m]`.
      days: to reach it, `[m]`.
      types: met on the way, of each.
      engagements: likewise.
    """

    embedding: npt.NDArray[np.float64]
    from_stage: npt.NDArray[np.int64]
    reached: npt.NDArray[np.int64]
    days: npt.NDArray[np.float64]
    types: Sequence[tuple[str, ...]]
    engagements: Sequence[tuple[str, ...]]


def journeys_of(table: pa.Table, stages: Sequence[str]) -> Journeys:
    """The arrays of `journeys.parquet`.

    Args:
      table: by `patterns_files.JOURNEYS_SCHEMA`.
      stages: in order.
    """
    place = {stage: number for number, stage in enumerate(stages)}
    column = {key: table[key].to_pylist() for key in table.column_names}
    embedding = np.array(column[patterns_files.EMBEDDING], np.float64)
    return Journeys(
        embedding=unit_length(embedding.reshape(table.num_rows, -1)),
        from_stage=np.array([place[s] for s in column[patterns_files.FROM_STAGE]], np.int64),
        reached=np.array([place[s] for s in column[patterns_files.REACHED_STAGE]], np.int64),
        days=np.array(column[patterns_files.DAYS_TO_REACH], np.float64),
        types=[tuple(each) for each in column[patterns_files.TYPES_MET]],
        engagements=[tuple(each) for each in column[patterns_files.ENGAGEMENTS_MET]],
    )
