"""What is asked of the model server, always of one version by its number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas import features, names
from schemas.goal_state import GoalState
from serving.client.model_client import ModelClient, WhichVersion
from serving.gateway.current_states import CurrentState
from serving.gateway.heads_cache import HeadsCache
from serving.gateway.version_data import VersionData
from serving.goal_states import ended_state, open_state
from serving.state_batches import dense_column, state_columns
from serving.state_candidates import CatalogueRows, candidate_features, eligible
from serving.states import StudentState

Tensors = dict[str, npt.NDArray[np.generic]]

OF_GOAL_STATE: Final = (*names.OF_STUDENT, names.GOAL_PROBABILITY, names.EMBEDDING)
OF_PREDICT: Final = (*names.OF_STUDENT, *names.OF_ENGAGEMENT)


class ModelQuestions:
    """Asks one version.

    Args:
      client: of the model server.
      data: of the version.
      timeout_seconds: other than the client's.
      cache: of what was said before; None: everything is asked anew.
    """

    def __init__(
        self,
        client: ModelClient,
        data: VersionData,
        timeout_seconds: float | None = None,
        cache: HeadsCache | None = None,
    ) -> None:
        self._cache = cache
        self._client = client
        self._timeout = timeout_seconds
        self._data = data
        self._query = features.query_features(data.config)

    def goal_state(self, current: CurrentState, offered: CatalogueRows | None) -> GoalState:
        """What goal questions need to know.

        Args:
          current: state of the student.
          offered: engagements that are asked about; None: none.

        Raises:
          ModelServerError: the server does not answer.
        """
        state = current.state
        if state.ended:
            return ended_state(state)
        heads = self._goal_heads(current)
        rows = self._none(state) if offered is None else offered
        given: Tensors = {}
        if len(rows):
            given = self._ask(
                names.SIGNATURE_GOAL_GIVEN,
                state_columns(state.values, self._query) | _listed(state, rows),
                (*names.OF_ENGAGEMENT, names.GOAL_GIVEN),
            )
        return open_state(state, heads, offered=rows, given=given)

    def _goal_heads(self, current: CurrentState) -> Tensors:
        state = current.state
        key = (self._data.number, state.student_id, current.posted)
        known = self._cache.get(key) if self._cache is not None else None
        if known is not None:
            return known
        query = state_columns(state.values, self._query)
        said = self._ask(names.SIGNATURE_GOAL, query, OF_GOAL_STATE)
        if self._cache is not None:
            self._cache.put(key, said)
        return said

    def heads(self, state: StudentState, rows: CatalogueRows | None = None) -> Tensors:
        """`OF_PREDICT` of a student who has not ended: `[1]`, and `[1, N]` of `N` engagements.

        Raises:
          ModelServerError: the server does not answer.
        """
        query = state_columns(state.values, self._query)
        rows = self._none(state) if rows is None else rows
        return self._ask(names.SIGNATURE_PREDICT, query | _listed(state, rows), OF_PREDICT)

    def embedding(self, state: StudentState) -> list[float]:
        """Of a student.

        Raises:
          ModelServerError: the server does not answer.
        """
        query = state_columns(state.values, self._query)
        found = self._ask(names.SIGNATURE_EMBED_STUDENT, query, (names.EMBEDDING,))
        row: list[float] = found[names.EMBEDDING][0].tolist()
        return row

    def goals(self, rows: pa.Table, outputs: Sequence[str]) -> Tensors:
        """Outputs of the signature `goal` for `B` rows of the states' table.

        Raises:
          ModelServerError: the server does not answer.
        """
        query = {spec.key: dense_column(_chunk(rows, spec.key), spec) for spec in self._query}
        return self._ask(names.SIGNATURE_GOAL, query, tuple(outputs))

    def open_to(self, state: StudentState) -> CatalogueRows:
        """The engagements that the student can be offered now."""
        at = state.snapshot_time
        rows = self._data.catalogue(state.audience, at)
        window = self._data.config.ranking.window_days
        return rows.take(np.flatnonzero(eligible(rows, t=at, window_days=window)))

    def _none(self, state: StudentState) -> CatalogueRows:
        rows = self._data.catalogue(state.audience, self._data.as_of)
        return rows.take(np.empty(0, np.intp))

    def _ask(self, signature: str, inputs: Tensors, outputs: Sequence[str]) -> Tensors:
        prediction = self._client.predict(
            inputs,
            signature=signature,
            outputs=outputs,
            version=WhichVersion(number=self._data.number),
            timeout_seconds=self._timeout,
        )
        return dict(prediction.outputs)


def _listed(state: StudentState, rows: CatalogueRows) -> Tensors:
    candidates = candidate_features(state.values, rows, t=state.snapshot_time)
    return {key: values[np.newaxis] for key, values in candidates.items()}


def _chunk(rows: pa.Table, key: str) -> pa.Array:
    column = rows[key]
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
