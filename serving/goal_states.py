"""The stored state of a student and the model's answers, as the goal questions take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydantic

from schemas import names, patterns_files
from schemas.errors import DataError
from schemas.goal_parameters import PROFILE_FEATURES, GoalParameters
from schemas.goal_state import GoalState, Heads, Offer
from schemas.journeys import journeys_of
from serving.goals.advisor import GoalAdvisor
from serving.state_candidates import CatalogueRows
from serving.states import StudentState, as_text

Tensors = Mapping[str, npt.NDArray[np.generic]]


def read_goal_parameters(version_dir: Path) -> GoalParameters:
    """The goal parameters of a model version.

    Raises:
      DataError: they are missing or damaged.
    """
    path = version_dir / names.ASSETS_EXTRA / names.GOAL_PARAMETERS_FILE
    try:
        return GoalParameters.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, pydantic.ValidationError) as error:
        raise DataError(
            "a model version must have goal parameters to answer about a goal.",
            where=str(path),
            received=str(error),
            remedy="push again with `goalpath run`: older versions have none.",
        ) from error


def read_advisor(version_dir: Path) -> GoalAdvisor:
    """What answers goal questions with what a model version has learned.

    Raises:
      DataError: the goal parameters are missing or damaged.
      PatternsUnreadableError: the patterns or journeys are.
    """
    parameters = read_goal_parameters(version_dir)
    patterns = patterns_files.read_patterns(version_dir / names.ASSETS_EXTRA)
    table = patterns_files.read_journeys(version_dir / names.ASSETS_EXTRA)
    journeys = journeys_of(table, parameters.stages)
    return GoalAdvisor(parameters, patterns, journeys)


def ended_state(state: StudentState) -> GoalState:
    """Of a student about whom the heads say nothing."""
    return _state(state, None, (), ())


def open_state(
    state: StudentState, heads: Tensors, *, offered: CatalogueRows, given: Tensors
) -> GoalState:
    """Of a student who is still in the funnel.

    Args:
      state: as stored.
      heads: of the signature `goal`, for this student alone.
      offered: `N` engagements.
      given: of `goal_given` for them, `[1, N]` and `[1, N, K]`; not read where N is 0.
    """
    own = Heads(
        float(heads[names.LIKELIHOOD][0]),
        float(heads[names.RISK][0]),
        _row(heads[names.GOAL_PROBABILITY][0]),
    )
    return _state(state, own, _row(heads[names.EMBEDDING][0]), _offers(offered, given))


def _offers(offered: CatalogueRows, given: Tensors) -> tuple[Offer, ...]:
    if not len(offered):
        return ()
    # As lists at once: an element of an array at a time takes ten times as long.
    columns = (
        map(as_text, offered.features[names.C_ID].tolist()),
        map(as_text, offered.features[names.C_TYPE].tolist()),
        given[names.RANKING_SCORE][0].tolist(),
        given[names.LIKELIHOOD_GIVEN][0].tolist(),
        given[names.RISK_GIVEN][0].tolist(),
        map(tuple, np.asarray(given[names.GOAL_GIVEN][0], np.float64).tolist()),
    )
    return tuple(
        Offer(identifier, kind, score, Heads(likelihood, risk, goals))
        for identifier, kind, score, likelihood, risk, goals in zip(*columns, strict=True)
    )


def _state(
    state: StudentState,
    heads: Heads | None,
    embedding: tuple[float, ...],
    offers: tuple[Offer, ...],
) -> GoalState:
    def number(key: str) -> float:
        return float(str(state.values[key]))

    return GoalState(
        student_id=state.student_id,
        stage=as_text(state.values[names.Q_STAGE]),
        heads=heads,
        embedding=embedding,
        ended=state.ended,
        days_in_stage=number(names.Q_DAYS_IN_STAGE),
        days_since_active=number(names.Q_DAYS_SINCE_ACTIVE),
        events=int(number(names.Q_EVENTS[0])),
        features={key: number(key) for key in PROFILE_FEATURES},
        offers=offers,
    )


def _row(values: npt.NDArray[np.generic]) -> tuple[float, ...]:
    row: Sequence[float] = np.asarray(values, np.float64).tolist()
    return tuple(row)
