"""Likelihood, risk and a goal for every student of a model version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas import names
from schemas.config import GoalpathConfig
from schemas.goal_answers import MODEL, RECORDED
from schemas.goal_parameters import stage_place
from serving.state_batches import StateBatch, state_batches

if TYPE_CHECKING:
    from serving.pushed_model import PushedModel

BATCH: Final = 4096
METHOD: Final = "prediction_method"
SCHEMA: Final = pa.schema(
    [
        (names.STUDENT_ID, pa.string()),
        (names.Q_STAGE, pa.string()),
        (names.LIKELIHOOD, pa.float32()),
        (names.RISK, pa.float32()),
        ("goal", pa.string()),
        (names.GOAL_LIKELIHOOD, pa.float32()),
        (names.GOAL_LOWER, pa.float32()),
        (names.GOAL_UPPER, pa.float32()),
        (METHOD, pa.string()),
    ]
)
"""Likelihood and risk are null where the student has ended: nothing is predicted."""

Column = npt.NDArray[np.generic]


def bulk_scores(
    model: PushedModel,
    states: Path,
    config: GoalpathConfig,
    goal: str,
    size: int = BATCH,
) -> Iterator[pa.RecordBatch]:
    """Scores by `SCHEMA`, in the order of the states file.

    Args:
      model: of the version.
      states: its `states.parquet`.
      config: of its manifest.
      goal: a stage.
      size: students at a time.

    Raises:
      UnknownStageError: `goal` is no stage.
      DataError: the states cannot be read.
    """
    target = stage_place(config.stages, goal, "--goal")
    for batch in state_batches(states, config, size):
        yield _score(model, config.stages, batch, target)


def _score(
    model: PushedModel, stages: tuple[str, ...], batch: StateBatch, target: int
) -> pa.RecordBatch:
    place = np.array([stages.index(stage) for stage in batch.stages], np.int64)
    found = model.goals_of(batch.query)
    known = batch.ended | (target <= place)
    decided = (target <= place).astype(np.float32)

    def told(key: str) -> Column:
        return np.where(known, decided, found[key][:, target])

    columns = [
        pa.array(batch.student_ids),
        pa.array(batch.stages),
        pa.array(found[names.LIKELIHOOD], mask=batch.ended),
        pa.array(found[names.RISK], mask=batch.ended),
        pa.array([stages[target]] * len(place)),
        *(pa.array(told(key)) for key in names.GOAL_VALUES),
        pa.array(np.where(known, RECORDED, MODEL).tolist()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
