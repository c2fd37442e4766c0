"""Routes about the next step of a student: likelihood, risk, ranking, recommendations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Path, Query

from schemas import names
from serving.gateway.answers import Asked
from serving.gateway.bodies import (
    ID,
    LikelihoodAnswer,
    Offered,
    RecommendationsAnswer,
    RiskAnswer,
)
from serving.gateway.gateway import Gateway
from serving.gateway.model_questions import ModelQuestions
from serving.gateway.problems import UnknownEngagementError
from serving.gateway.vector_answers import VectorAnswers
from serving.risk_levels import risk_level
from serving.state_candidates import CatalogueRows
from serving.states import as_text, require_open

TOP_K: Final = 1000
StudentId = Annotated[str, Query(min_length=1, max_length=200, examples=["S000002"])]
StudentInPath = Annotated[str, Path(min_length=1, max_length=200, examples=["S000002"])]
EngagementId = Annotated[str, ID]
TopK = Annotated[int, Query(ge=1, le=TOP_K)]
Types = Annotated[list[str] | None, Query(description="only engagements of these types")]
NotSent = Annotated[bool, Query(description="leave out what the student met before")]
Offset = Annotated[int, Query(ge=0)]

WITHOUT_ENGAGEMENT: Final = "; the number is without the engagement, which vectors say nothing of"


@dataclasses.dataclass(frozen=True, eq=False)
class Scored:
    """`N` engagements with what is said of each; NaN where nothing is."""

    rows: CatalogueRows
    score: npt.NDArray[np.floating[Any]]
    likelihood: npt.NDArray[np.floating[Any]]
    risk: npt.NDArray[np.floating[Any]]


def predict_routes(gateway: Gateway) -> APIRouter:
    """The routes of a gateway."""
    router = APIRouter(tags=["predictions"])

    @router.get("/predict/likelihood", response_model=LikelihoodAnswer)
    def likelihood(student_id: StudentId, engagement_id: EngagementId | None = None) -> Any:
        """Probability that the student advances a stage within the horizon."""

        def by_model(model: ModelQuestions, asked: Asked) -> float:
            require_open(asked.current.state)
            rows = None if engagement_id is None else one_engagement(asked, engagement_id)
            said = model.heads(asked.current.state, rows)
            return float(
                said[names.LIKELIHOOD][0] if rows is None else said[names.LIKELIHOOD_GIVEN][0, 0]
            )

        def by_vectors(vectors: VectorAnswers, asked: Asked) -> float:
            require_open(asked.current.state)
            if engagement_id is not None:
                one_engagement(asked, engagement_id)
            return vectors.heads(asked.current).likelihood

        answer = gateway.ask(student_id, by_model, by_vectors)
        source, given = gateway.source_of(answer), engagement_id
        if engagement_id is not None and answer.source.reason is not None:
            given = None
            source["reason"] += WITHOUT_ENGAGEMENT
        return {
            "student_id": student_id,
            "engagement_id": given,
            "likelihood_score": answer.said,
            "current_stage": stage_of(answer.asked),
            "horizon_days": answer.asked.data.config.horizons.likelihood_days,
            **source,
        }

    @router.get("/predict/risk", response_model=RiskAnswer)
    def risk(student_id: StudentId) -> Any:
        """Probability that the student is lost, or silent, within the horizon."""

        def by_model(model: ModelQuestions, asked: Asked) -> float:
            require_open(asked.current.state)
            return float(model.heads(asked.current.state)[names.RISK][0])

        def by_vectors(vectors: VectorAnswers, asked: Asked) -> float:
            require_open(asked.current.state)
            return vectors.heads(asked.current).risk

        answer = gateway.ask(student_id, by_model, by_vectors)
        return {
            "student_id": student_id,
            "risk_score": answer.said,
            "risk_level": risk_level(answer.said),
            "current_stage": stage_of(answer.asked),
            "horizon_days": answer.asked.data.config.horizons.risk_days,
            **gateway.source_of(answer),
        }

    @router.get("/predict/ranking", response_model=RecommendationsAnswer)
    def ranking(
        student_id: StudentId,
        engagement_id: Annotated[
            list[EngagementId], Query(min_length=1, max_length=TOP_K, description="to be ordered")
        ],
    ) -> Any:
        """The named engagements in the order of the response to expect, open now or not."""

        def rows(asked: Asked) -> CatalogueRows:
            return some_engagements(asked, list(dict.fromkeys(engagement_id)))

        return _listed(gateway, student_id, rows, top_k=len(engagement_id), offset=0)

    @router.get("/recommendations/{student_id}", response_model=RecommendationsAnswer)
    def recommendations(
        student_id: StudentInPath,
        *,
        top_k: TopK = 10,
        offset: Offset = 0,
        engagement_type: Types = None,
        exclude_sent: NotSent = False,
        min_likelihood: Annotated[float | None, Query(ge=0, le=1)] = None,
    ) -> Any:
        """The best of what is open to the student now."""

        def rows(asked: Asked) -> CatalogueRows:
            found = gateway.answers.questions(asked.data).open_to(asked.current.state)
            return filtered(asked, found, engagement_type, exclude_sent)

        return _listed(
            gateway,
            student_id,
            rows,
            top_k=top_k,
            offset=offset,
            min_likelihood=min_likelihood,
        )

    return router


def _listed(
    gateway: Gateway,
    student_id: str,
    rows_of: Callable[[Asked], CatalogueRows],
    *,
    top_k: int,
    offset: int,
    min_likelihood: float | None = None,
) -> dict[str, Any]:
    def by_model(model: ModelQuestions, asked: Asked) -> Scored:
        require_open(asked.current.state)
        rows = rows_of(asked)
        said = model.heads(asked.current.state, rows) if len(rows) else {}
        nothing = np.zeros((1, 0))
        return Scored(rows, *(said.get(key, nothing)[0] for key in _GIVEN))

    def by_vectors(vectors: VectorAnswers, asked: Asked) -> Scored:
        require_open(asked.current.state)
        rows = rows_of(asked)
        unsaid = np.full(len(rows), np.nan)
        return Scored(rows, vectors.similarity(asked.current, rows), unsaid, unsaid)

    answer = gateway.ask(student_id, by_model, by_vectors)
    scored, source = answer.said, gateway.source_of(answer)
    order = np.argsort(-scored.score, kind="stable")
    if min_likelihood is not None:
        if answer.source.reason is None:
            order = order[scored.likelihood[order] >= min_likelihood]
        else:
            source["reason"] += "; min_likelihood is not applied"
    return {
        "student_id": student_id,
        "recommendations": [
            Offered(
                rank=rank,
                engagement_id=as_text(scored.rows.features[names.C_ID][place]),
                engagement_type=as_text(scored.rows.features[names.C_TYPE][place]),
                score=float(scored.score[place]),
                likelihood=_or_none(scored.likelihood[place]),
                risk=_or_none(scored.risk[place]),
            )
            for rank, place in enumerate(order[offset : offset + top_k], start=offset + 1)
        ],
        "total": len(order),
        "offset": offset,
        **source,
    }


_GIVEN: Final = (names.RANKING_SCORE, names.LIKELIHOOD_GIVEN, names.RISK_GIVEN)


def _or_none(value: np.floating[Any]) -> float | None:
    return None if np.isnan(value) else float(value)


def stage_of(asked: Asked) -> str:
    """The student's stage."""
    return as_text(asked.current.state.values[names.Q_STAGE])


def one_engagement(asked: Asked, engagement_id: str) -> CatalogueRows:
    """The row of an engagement, open now or not.

    Raises:
      UnknownEngagementError: it is not of the student's audience.
    """
    return some_engagements(asked, [engagement_id])


def some_engagements(asked: Asked, wanted: list[str]) -> CatalogueRows:
    """The rows of engagements, in their order.

    Raises:
      UnknownEngagementError: one is not of the student's audience.
    """
    state = asked.current.state
    rows = asked.data.catalogue(state.audience, state.snapshot_time)
    place = {each: number for number, each in enumerate(rows.features[names.C_ID].tolist())}
    unknown = [each for each in wanted if each.encode() not in place]
    if unknown:
        raise UnknownEngagementError(
            "an engagement must be in the catalogue and open to the student's audience.",
            where="engagement_id",
            received=", ".join(map(repr, unknown[:5])),
            remedy="recommendations/{student_id} lists engagements that are.",
        )
    return rows.take(np.array([place[each.encode()] for each in wanted], np.intp))


def filtered(
    asked: Asked, rows: CatalogueRows, types: list[str] | None, exclude_sent: bool
) -> CatalogueRows:
    """The rows of some types, and those that the student never met, as is wanted."""
    keep = np.ones(len(rows), bool)
    if types is not None:
        wanted = {kind.encode() for kind in types}
        keep &= np.fromiter(
            (kind in wanted for kind in rows.features[names.C_TYPE]), bool, len(rows)
        )
    if exclude_sent:
        used: Any = asked.current.state.values[names.USED_ID]
        met = {each if isinstance(each, bytes) else str(each).encode() for each in used}
        keep &= np.fromiter(
            (each not in met for each in rows.features[names.C_ID]), bool, len(rows)
        )
    return rows.take(np.flatnonzero(keep))
