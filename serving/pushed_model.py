"""The pushed model version in this process: predictions by student id.

Every number comes from a signature of the SavedModel that was validated and pushed.
There is no fallback here: where the model cannot answer, an error says so.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schemas import features, names
from schemas.config import GoalpathConfig
from schemas.errors import GoalpathError, InputError
from schemas.goal_state import GoalState
from serving.catalogue import read_catalogue
from serving.goal_states import ended_state, open_state
from serving.risk_levels import risk_level
from serving.state_batches import state_columns
from serving.state_candidates import CatalogueRows, candidate_features, eligible
from serving.states import StudentState, as_text, require_open

PREDICTION_METHOD = "full_model"

Tensors = dict[str, npt.NDArray[np.generic]]


class SignatureMismatchError(GoalpathError):
    """The pushed model asks for inputs that its states do not have."""


@dataclasses.dataclass(frozen=True)
class GivenEngagement:
    """The heads for one engagement, were it what the student meets next.

    Attributes:
      engagement_id: as in the engagements table.
      eligible: whether it is open to the student at the state's time.
      likelihood: probability in [0, 1].
      risk: probability in [0, 1].
      ranking_score: orders engagements for this student; no probability.
    """

    engagement_id: str
    eligible: bool
    likelihood: float
    risk: float
    ranking_score: float


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The answer for one student.

    Attributes:
      student_id: who.
      stage: as of the state.
      likelihood: probability to advance a stage within `likelihood_days`.
      risk: probability to be lost, or to have no active event, within `risk_days`.
      risk_level: "high" above .7, "medium" above .4, else "low".
      given: the same for an engagement, where one was asked about.
      prediction_method: always the model's own.
    """

    student_id: str
    stage: str
    likelihood: float
    likelihood_days: int
    risk: float
    risk_days: int
    risk_level: str
    given: GivenEngagement | None = None
    prediction_method: str = PREDICTION_METHOD


@dataclasses.dataclass(frozen=True)
class Recommendation:
    """One place of a student's list: 1 is first; `score` orders, it is no probability."""

    rank: int
    engagement_id: str
    engagement_type: str
    score: float


class PushedModel:
    """A version's SavedModel with its catalogue."""

    def __init__(self, version_dir: Path, config: GoalpathConfig) -> None:
        """Loads the SavedModel.

        Args:
          version_dir: `<serving_dir>/<model_name>/<version>/`.
          config: of the version's manifest.

        Raises:
          GoalpathError: TensorFlow cannot load it.
        """
        self._config = config
        self._catalogue_path = version_dir / names.ASSETS_EXTRA / names.CATALOGUE_FILE
        try:
            self._model = tf.saved_model.load(str(version_dir))
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise GoalpathError(
                "the pushed model must load.",
                where=str(version_dir),
                received=str(error),
                remedy="push again with `goalpath run`.",
            ) from error

    def predict(self, state: StudentState, engagement_id: str | None = None) -> Prediction:
        """Likelihood and risk of a student, and given an engagement if one is named.

        Raises:
          EndedStudentError: the student has ended.
          InputError: the engagement is not open to the student's audience.
          SignatureMismatchError: states and model are not of one run.
        """
        self._require_answerable(state)
        rows = self._rows(state, engagement_id)
        candidates = candidate_features(state.values, rows, t=state.snapshot_time)
        inputs = self._query(state) | {k: v[np.newaxis] for k, v in candidates.items()}
        outputs = self._call(names.SIGNATURE_PREDICT, inputs)
        risk = float(outputs[names.RISK][0])
        return Prediction(
            student_id=state.student_id,
            stage=as_text(state.values[names.Q_STAGE]),
            likelihood=float(outputs[names.LIKELIHOOD][0]),
            likelihood_days=self._config.horizons.likelihood_days,
            risk=risk,
            risk_days=self._config.horizons.risk_days,
            risk_level=risk_level(risk),
            given=self._given(state, rows, outputs) if len(rows) else None,
        )

    def recommend(self, state: StudentState, top_k: int) -> list[Recommendation]:
        """The `top_k` best eligible engagements; fewer where fewer are eligible.

        Raises:
          EndedStudentError: the student has ended.
          InputError: `top_k` is below 1.
          SignatureMismatchError: states and model are not of one run.
        """
        self._require_answerable(state)
        if top_k < 1:
            raise InputError(
                "k should be a positive integer.", where="--top-k", received=str(top_k)
            )
        inputs = self._query(state) | self._used(state) | _no_fresh_popularity()
        inputs[names.TOP_K_INPUT] = np.array(top_k, np.int32)
        inputs[names.AUDIENCE] = np.array([state.audience], object)
        inputs[names.SNAPSHOT_TIME] = np.array([state.snapshot_time], np.int64)
        outputs = self._call(names.SIGNATURE_RECOMMEND, inputs)
        rows = read_catalogue(self._catalogue_path, state.audience)
        types = dict(
            zip(
                rows.features[names.C_ID].tolist(),
                rows.features[names.C_TYPE].tolist(),
                strict=True,
            )
        )
        ids = [i for i in outputs[names.RECOMMENDED_ID][0].tolist() if i]
        scores = outputs[names.RECOMMENDED_SCORE][0].tolist()
        return [
            Recommendation(rank, as_text(i), as_text(types[i]), float(score))
            for rank, (i, score) in enumerate(zip(ids, scores, strict=False), start=1)
        ]

    def goal_state(self, state: StudentState, *, offers: bool = True) -> GoalState:
        """What goal questions need to know: the heads alone, and given each open engagement.

        A student who has ended has an answer too: nothing is asked of the model for it.

        Args:
          state: as stored.
          offers: whether open engagements are asked about.

        Raises:
          SignatureMismatchError: states and model are not of one run.
        """
        if state.ended:
            return ended_state(state)
        self._require_answerable(state)
        rows = read_catalogue(self._catalogue_path, state.audience)
        window = self._config.ranking.window_days
        can_have = eligible(rows, t=state.snapshot_time, window_days=window) & offers
        offered = rows.take(np.flatnonzero(can_have))
        query = self._query(state)
        given: Tensors = {}
        if len(offered):
            candidates = candidate_features(state.values, offered, t=state.snapshot_time)
            inputs = query | {key: value[np.newaxis] for key, value in candidates.items()}
            given = self._call(names.SIGNATURE_GOAL_GIVEN, inputs)
        heads = self._call(names.SIGNATURE_GOAL, query)
        return open_state(state, heads, offered=offered, given=given)

    def goals_of(self, query: Tensors) -> Tensors:
        """The signature `goal` for `B` students.

        Args:
          query: query features as the signatures take them, `[B]`, `[B, size]` or
            `[B, longest]`.

        Raises:
          SignatureMismatchError: states and model are not of one run.
        """
        return self._call(names.SIGNATURE_GOAL, query)

    def embed_engagements(self, candidates: Tensors) -> npt.NDArray[np.float32]:
        """The vectors of `N` engagements, `[N, D]`.

        Args:
          candidates: candidate features, `[N]` each.

        Raises:
          SignatureMismatchError: catalogue and model are not of one run.
        """
        found = self._call(names.SIGNATURE_EMBED_ENGAGEMENT, candidates)
        return np.asarray(found[names.EMBEDDING], np.float32)

    def _rows(self, state: StudentState, engagement_id: str | None) -> CatalogueRows:
        rows = read_catalogue(self._catalogue_path, state.audience)
        if engagement_id is None:
            return rows.take(np.empty(0, np.intp))
        place = np.flatnonzero(rows.features[names.C_ID] == engagement_id.encode())
        if not len(place):
            raise InputError(
                "an engagement must be in the catalogue and open to the student's audience.",
                where="--engagement",
                received=repr(engagement_id),
                remedy="`goalpath recommend` lists engagements that are.",
            )
        return rows.take(place)

    def _given(self, state: StudentState, rows: CatalogueRows, outputs: Tensors) -> GivenEngagement:
        window = self._config.ranking.window_days
        return GivenEngagement(
            engagement_id=as_text(rows.features[names.C_ID].tolist()[0]),
            eligible=bool(eligible(rows, t=state.snapshot_time, window_days=window)[0]),
            likelihood=float(outputs[names.LIKELIHOOD_GIVEN][0, 0]),
            risk=float(outputs[names.RISK_GIVEN][0, 0]),
            ranking_score=float(outputs[names.RANKING_SCORE][0, 0]),
        )

    def _query(self, state: StudentState) -> Tensors:
        return state_columns(state.values, features.query_features(self._config))

    def _used(self, state: StudentState) -> Tensors:
        return state_columns(state.values, features.used_features())

    def _require_answerable(self, state: StudentState) -> None:
        require_open(state)
        wanted = {spec.key for spec in features.state_features(self._config)}
        _require_none_missing(wanted - set(state.values), f"state of {state.student_id}")

    def _call(self, signature: str, inputs: Tensors) -> Tensors:
        function = self._model.signatures[signature]
        wanted = function.structured_input_signature[1]
        _require_none_missing(set(wanted) - set(inputs), f"signature {signature}")
        tensors = {key: tf.constant(inputs[key], spec.dtype) for key, spec in wanted.items()}
        return {key: value.numpy() for key, value in function(**tensors).items()}


def _require_none_missing(missing: set[str], where: str) -> None:
    if missing:
        raise SignatureMismatchError(
            "the stored states must have every input of the model.",
            where=where,
            received=f"no {', '.join(sorted(missing))}",
            remedy="push again with `goalpath run`: the version is not of one run.",
        )


def _no_fresh_popularity() -> Tensors:
    """Empty inputs: the popularity in the graph, as of the push, is used."""
    texts: Tensors = {key: np.empty(0, object) for key in (names.FRESH_AUDIENCE, names.FRESH_ID)}
    return texts | {key: np.empty(0, np.float32) for key in names.FRESH_POPULARITY.values()}
