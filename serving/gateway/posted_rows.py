"""The state of a student after what was posted, by the one function for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.event_example_gen import partition
from components.event_example_gen.catalogue import engagements_from_table
from components.event_example_gen.cohorts import cohorts_from_table
from components.event_example_gen.generate import (
    ENDED,
    columns_to_table,
    ended_students,
    observation_of,
)
from components.event_example_gen.state import (
    Snapshots,
    StateSource,
    compute_states,
    compute_used,
)
from components.event_example_gen.student_histories import student_tables
from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import DataError
from schemas.features import state_features
from serving.gateway.event_store import PostedEvent

_POSTED: Final = pa.schema(
    [
        (names.STUDENT_ID, pa.large_string()),
        (names.ENGAGEMENT_ID, pa.large_string()),
        (names.TIMESTAMP, pa.int64()),
        (names.RESPONSE, pa.large_string()),
        (names.VALUE, pa.float64()),
        (names.STAGE_AFTER, pa.large_string()),
    ]
)


class StateRows:
    """Makes rows of `states.parquet` from histories.

    Args:
      folder: of the version's states, with the reference tables.
      config: of the version.
      audiences: of its students.

    Raises:
      DataError: a reference table cannot be read.
    """

    def __init__(self, folder: Path, config: GoalpathConfig, audiences: Sequence[str]) -> None:
        self._config = config
        engagements = _read(folder, names.ENGAGEMENTS)
        assert engagements is not None
        self._engagements = engagements_from_table(engagements, config, sorted(audiences))
        self._cohorts = cohorts_from_table(_read(folder, names.COHORTS))
        self._known = frozenset(self._engagements.ids.to_pylist())

    def knows(self, engagement_id: str) -> bool:
        """Whether the version has an engagement."""
        return engagement_id in self._known

    def row(self, history: pa.Table, posted: Sequence[PostedEvent], *, as_of: int) -> pa.Table:
        """The state of a student.

        Args:
          history: one row of `student_histories.histories_table`.
          posted: since; of engagements that the version has.
          as_of: int64 microseconds; what is not before it is left out.
        """
        reference = partition.Reference(self._config, self._engagements, self._cohorts, as_of)
        own = student_tables(history)
        since = partition.code_events(_table(posted), reference)
        events = pa.concat_tables([own.events, since])
        histories = partition.build_histories(own.students, events, own.changes, reference)
        at = Snapshots(np.zeros(1, np.int64), np.full(1, as_of))
        source = StateSource(histories, reference)
        columns = {**compute_states(source, at), **compute_used(source, at)}
        table = columns_to_table(columns, state_features(self._config))
        ended = ended_students(histories, observation_of(histories, reference))
        return table.append_column(ENDED, pa.array(ended))


def _table(posted: Sequence[PostedEvent]) -> pa.Table:
    rows = [
        {
            names.STUDENT_ID: event.student_id,
            names.ENGAGEMENT_ID: event.engagement_id,
            names.TIMESTAMP: event.timestamp,
            names.RESPONSE: event.response,
            names.VALUE: event.value,
            names.STAGE_AFTER: event.stage_after,
        }
        for event in posted
    ]
    return pa.Table.from_pylist(rows, schema=_POSTED)


def _read(folder: Path, table: str) -> pa.Table | None:
    path = folder / names.REFERENCE_FILES[table]
    if table == names.COHORTS and not path.is_file():
        return None
    try:
        return pq.read_table(path)
    except (OSError, ValueError) as error:
        raise DataError(
            "the tables that histories refer to must be readable.",
            where=str(path),
            received=str(error),
            remedy="push again with `goalpath run`: older versions have none.",
        ) from error
