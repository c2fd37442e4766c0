"""What can be said of a student while the model cannot be asked: by cosine, and said so.

Heads are means over the students most alike in the same stage, the student among them, of
what the model said of each at the push, weighted by cosine. Engagements are ordered by the
cosine of student and engagement. Nothing is said given an engagement.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from schemas import names
from schemas.goal_state import GoalState, Heads
from serving.gateway.current_states import CurrentState
from serving.gateway.vectors import EngagementVectors, StudentVectors, nearest
from serving.gateway.version_data import VersionData, VersionLacksError
from serving.goal_states import ended_state, open_state
from serving.state_candidates import CatalogueRows
from serving.states import as_text


class VectorAnswers:
    """Answers from the vectors of one version.

    Args:
      data: of the version.
      neighbours: how many students the heads are means of.
    """

    def __init__(self, data: VersionData, neighbours: int) -> None:
        self._data = data
        self._count = neighbours

    def heads(self, current: CurrentState) -> Heads:
        """Of a student who has not ended.

        Raises:
          VersionLacksError: there are no vectors, or nobody is like the student.
        """
        vectors = self._students
        stage = as_text(current.state.values[names.Q_STAGE])
        among = (self._data.stages == stage) & ~self._data.ended
        places, cosines = nearest(vectors.unit, vectors.unit[current.place], among, self._count)
        weights = np.maximum(cosines, 0)
        if not weights.any():
            raise self._lacks(f"vectors of a student like this one, in stage {stage}")
        return vectors.heads(places, weights)

    def goal_state(self, current: CurrentState) -> GoalState:
        """What goal questions need to know, without offers.

        Raises:
          VersionLacksError: as `heads`.
        """
        if current.state.ended:
            return ended_state(current.state)
        heads = self.heads(current)
        said = {
            names.LIKELIHOOD: np.array([heads.likelihood]),
            names.RISK: np.array([heads.risk]),
            names.GOAL_PROBABILITY: np.array([heads.network]),
            names.EMBEDDING: self._students.embedding[current.place][np.newaxis],
        }
        nobody = self._data.catalogue(current.state.audience, self._data.as_of)
        nobody = nobody.take(np.empty(0, np.intp))
        return open_state(current.state, said, offered=nobody, given={})

    def embedding(self, current: CurrentState) -> list[float]:
        """Of a student, as of the push.

        Raises:
          VersionLacksError: there are no vectors.
        """
        row: list[float] = self._students.embedding[current.place].tolist()
        return row

    def similarity(self, current: CurrentState, rows: CatalogueRows) -> npt.NDArray[np.float32]:
        """Cosine of the student and each of `N` engagements, `[N]`.

        Raises:
          VersionLacksError: there are no vectors.
        """
        place, unit = self._engagements.of_audience(current.state.audience.decode())
        wanted = [place[identifier.decode()] for identifier in rows.features[names.C_ID].tolist()]
        cosines: npt.NDArray[np.float32] = unit[wanted] @ self._students.unit[current.place]
        return cosines

    @property
    def _students(self) -> StudentVectors:
        if self._data.student_vectors is None:
            raise self._lacks("student vectors")
        return self._data.student_vectors

    @property
    def _engagements(self) -> EngagementVectors:
        if self._data.engagement_vectors is None:
            raise self._lacks("engagement vectors")
        return self._data.engagement_vectors

    def _lacks(self, what: str) -> VersionLacksError:
        return VersionLacksError(
            "without the model server, answers come from the vectors of the version.",
            where=f"version {self._data.number}",
            received=f"no {what}",
            remedy="start the model server, or push again with `goalpath run`.",
        )
