"""Are the lists of `recommend` the best of what is open, in the order of their scores?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from components.model_validator.outputs import largest_difference
from components.model_validator.report import CheckResult, from_problems
from schemas import features, names
from schemas.config import GoalpathConfig, Kind
from serving.catalogue import read_catalogue
from serving.state_candidates import CatalogueRows, candidate_features, eligible, measured_at

# More than outputs.TOLERANCE: lists of all lengths meet kernels of all kinds.
_TOLERANCE: Final = 1e-4
_SHOWN: Final = 3
_AUDIENCES: Final = 12
_OTHER_AUDIENCE: Final = b"an audience of nobody"

Array = npt.NDArray[np.generic]
Tensors = dict[str, Array]
Predict = Callable[[Tensors], Tensors]


@dataclasses.dataclass(frozen=True)
class Recommended:
    """The list of one student, padding included.

    Attributes:
      ids: `[k]`, b"" past the end.
      scores: `[k]`, PAD_SCORE past the end.
    """

    ids: Sequence[bytes]
    scores: npt.NDArray[np.float64]


def check_lists(
    name: str, lists: Sequence[Recommended], expected: Sequence[Mapping[bytes, float]]
) -> CheckResult:
    """Each list is the best of what was scored one by one, in order, then padding.

    Args:
      name: of the check.
      lists: one a student, all of the same length.
      expected: per student, the score of every eligible engagement.
    """
    problems = []
    for row, (found, scores) in enumerate(zip(lists, expected, strict=True)):
        problem = next(_problems(found, scores), None)
        if problem:
            problems.append(f"list {row}: {problem}")
    entries = sum(len(scores) for scores in expected)
    remedy = "the catalogue in the graph, or what it computes from it, is not the bundle's."
    fine = (
        f"{len(lists)} lists are the best of {entries} scores by `predict`, in order"
        if entries
        else "nothing is open to the students of the golden rows, and nothing is recommended"
    )
    values = {"lists": len(lists), "scores": entries}
    return from_problems(name, problems, fine, remedy=remedy, values=values)


def _problems(found: Recommended, expected: Mapping[bytes, float]) -> Iterator[str]:
    """What is wrong with a list; after the first problem the others mean nothing."""
    length = min(len(found.ids), len(expected))
    ids, scores = list(found.ids[:length]), found.scores[:length]
    closed = [i.decode(errors="replace") for i in found.ids if i and i not in expected]
    if closed:
        yield f"{', '.join(closed[:_SHOWN])} is not open to the student"
    if b"" in ids:
        yield f"{ids.index(b'')} engagements, where {length} of {len(expected)} belong"
    if any(found.ids[length:]) or (found.scores[length:] != np.float32(names.PAD_SCORE)).any():
        yield f"no padding after the {length} engagements that are open"
    if len(set(ids)) < len(ids):
        yield "an engagement is listed twice"
    if (np.diff(scores) > 0).any():
        yield "scores do not descend"
    own = np.array([expected[i] for i in ids], np.float64)
    if largest_difference(own, scores) > _TOLERANCE:
        yield f"listed with {_shown(scores)}, `predict` scores them {_shown(own)}"
    best = np.sort(np.array(list(expected.values()), np.float64))[::-1][:length]
    if largest_difference(best, scores) > _TOLERANCE:
        yield f"listed {_shown(scores)}, the best are {_shown(best)}"


def _shown(scores: npt.NDArray[np.float64]) -> list[float]:
    return [round(float(score), 4) for score in scores[:_SHOWN]]


@dataclasses.dataclass(frozen=True)
class ListScorer:
    """Scores what is open to a student by `predict`, with candidate features by NumPy.

    Attributes:
      catalogue: `catalogue.parquet` of the bundle.
      as_of: microseconds; what the catalogue is of.
      config: of the data set.
      predict: the signature.
    """

    catalogue: Path
    as_of: int
    config: GoalpathConfig
    predict: Predict

    def scores(self, states: Tensors, row: int) -> dict[bytes, float]:
        """Ranking score of every eligible engagement, by id.

        Args:
          states: inputs of `recommend`, with popularity that is fresher or none.
          row: which student.
        """
        t = int(states[names.SNAPSHOT_TIME][row])
        audience = self.audience(states, row)
        rows = _with_fresh(self._open(audience, t), states, audience)
        if not len(rows):
            return {}
        candidates = candidate_features(_state(states, row), rows, t=t)
        query = {
            spec.key: states[spec.key][row : row + 1]
            for spec in features.query_features(self.config)
        }
        inputs = query | {key: column[np.newaxis] for key, column in candidates.items()}
        scores = self.predict(inputs)[names.RANKING_SCORE][0, : len(rows)]
        return dict(zip(candidates[names.C_ID].tolist(), scores.tolist(), strict=True))

    def every_score(self, states: Tensors) -> list[dict[bytes, float]]:
        """`scores` of each student."""
        return [self.scores(states, row) for row in range(len(states[names.AUDIENCE]))]

    def audiences(self) -> list[bytes]:
        """The catalogue's audiences, spread over all where there are many, and another one."""
        column = pq.read_table(self.catalogue, columns=[names.AUDIENCE])[names.AUDIENCE]
        known = sorted(column.unique().cast(pa.large_binary()).to_pylist())
        places = np.linspace(0, max(len(known) - 1, 0), min(_AUDIENCES, len(known))).astype(int)
        return [*(known[place] for place in places), _OTHER_AUDIENCE]

    def audience(self, states: Tensors, row: int) -> bytes:
        """The student's audience; b"" where the catalogue has no such audience."""
        audience = bytes(states[names.AUDIENCE][row])
        return audience if len(read_catalogue(self.catalogue, audience)) else b""

    def _open(self, audience: bytes, t: int) -> CatalogueRows:
        rows = read_catalogue(self.catalogue, audience)
        open_now = eligible(rows, t=t, window_days=self.config.ranking.window_days)
        dates = [s.key for s in features.candidate_features(self.config) if s.kind is Kind.DATE]
        return measured_at(rows.take(np.flatnonzero(open_now)), dates, later=t - self.as_of)


def _with_fresh(rows: CatalogueRows, states: Tensors, audience: bytes) -> CatalogueRows:
    pairs = zip(states[names.FRESH_AUDIENCE], states[names.FRESH_ID], strict=True)
    given = {bytes(i): place for place, (of, i) in enumerate(pairs) if bytes(of) == audience}
    columns = dict(rows.features)
    for key, source in names.FRESH_POPULARITY.items():
        old = zip(columns[names.C_ID].tolist(), columns[key].tolist(), strict=True)
        new = [states[source][given[i]] if i in given else value for i, value in old]
        columns[key] = np.array(new, np.float32)
    return dataclasses.replace(rows, features=columns)


def states_of(golden: Tensors, rows: Iterable[int]) -> Tensors:
    """Some of the students of `recommend`'s inputs, over and over where rows go beyond."""
    count = len(golden[names.AUDIENCE])
    of_batch = (*names.FRESH_POPULARITY.values(), names.FRESH_AUDIENCE, names.FRESH_ID)
    places = [row % count for row in rows]
    return {
        key: column if key in of_batch or not column.ndim else column[places]
        for key, column in golden.items()
    }


def in_every_audience(golden: Tensors, audiences: Sequence[bytes], *, t: int) -> Tensors:
    """Students of the golden rows, each in another audience, all at `t`.

    Args:
      golden: inputs of `recommend`.
      audiences: one student for each.
      t: microseconds.
    """
    return {
        **states_of(golden, range(len(audiences))),
        names.AUDIENCE: np.array(list(audiences), object),
        names.SNAPSHOT_TIME: np.full(len(audiences), t, np.int64),
    }


def fresh_popularity(states: Tensors, audience: bytes, scores: Mapping[bytes, float]) -> Tensors:
    """The states with other popularity than the catalogue's.

    Args:
      states: inputs of `recommend`.
      audience: whose.
      scores: of the audience's engagements; what scores less becomes more popular.
    """
    ids = sorted(scores, key=lambda i: scores[i])
    shares = np.linspace(0.9, 0.0, len(ids), dtype=np.float32)
    return {
        **states,
        names.FRESH_AUDIENCE: np.array([audience] * len(ids), object),
        names.FRESH_ID: np.array(ids, object),
        **dict.fromkeys(names.FRESH_POPULARITY.values(), shares),
    }


def lists_of(answer: Tensors) -> list[Recommended]:
    """The outputs of `recommend`, one list a student."""
    return [
        Recommended([bytes(i) for i in ids], np.asarray(scores, np.float64))
        for ids, scores in zip(
            answer[names.RECOMMENDED_ID], answer[names.RECOMMENDED_SCORE], strict=True
        )
    ]


def _state(states: Mapping[str, Array], row: int) -> dict[str, object]:
    """One row of dense state tensors as a stored state: lists without padding."""
    used = tuple(spec.key for spec in features.used_features())
    types = (names.TYPE_NAME, names.TYPE_ACTIVE_28, names.TYPE_ACTIVE_ALL)
    state: dict[str, object] = {names.Q_ACTIVE[0]: float(states[names.Q_ACTIVE[0]][row])}
    for keys in (used, types):
        filled = states[keys[0]][row] != b""
        state |= {key: states[key][row][filled].tolist() for key in keys}
    return state
