"""Routes about the gateway itself: health, what is served, metrics."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from schemas.errors import GoalpathError
from serving.gateway.bodies import HealthAnswer, InfoAnswer
from serving.gateway.gateway import Gateway, instant
from serving.gateway.gateway_metrics import CONTENT_TYPE
from serving.gateway.served_versions import NothingServedError


def service_routes(gateway: Gateway) -> APIRouter:
    """The routes of a gateway."""
    router = APIRouter(tags=["service"])

    @router.get("/health", response_model=HealthAnswer)
    def health() -> Any:
        """Whether and by what the gateway answers: 200, or 503 where nothing does."""
        status, reasons, number = _state(gateway)
        body = HealthAnswer(
            status=status,
            reasons=reasons,
            model_version=number,
            model_server=_model_is_there(gateway),
            timestamp=gateway.clock(),
        )
        code = 503 if status == "unavailable" else 200
        return JSONResponse(body.model_dump(mode="json"), code)

    @router.get("/info", response_model=InfoAnswer)
    def info() -> Any:
        """What is served, and what it was made from."""
        served = gateway.versions.served
        data = served.stable
        manifest: Any = data.version.manifest
        vectors = data.student_vectors
        return {
            "model_name": manifest["model_name"],
            "model_version": data.number,
            "canary_version": served.canary.number if served.canary is not None else None,
            "canary_share": served.share,
            "as_of": instant(data.as_of),
            "created": manifest["created"],
            "goalpath_version": manifest["goalpath_version"],
            "stages": list(data.config.stages),
            "default_goal": data.config.default_goal,
            "horizons": data.config.horizons.model_dump(),
            "students": len(data.states),
            "engagements": len(data.engagements),
            "engagement_types": sorted(data.engagement_types),
            "embedding_dimensions": vectors.unit.shape[1] if vectors is not None else None,
            "examples": manifest["examples"],
        }

    @router.get("/metrics", response_class=Response)
    def metrics() -> Response:
        """Counts and latencies, measured, in Prometheus' text format."""
        text = gateway.metrics.text(_model_is_there(gateway))
        return Response(text, media_type=CONTENT_TYPE)

    return router


def _model_is_there(gateway: Gateway) -> bool:
    try:
        return gateway.answers.unasked(gateway.versions.served.stable) is None
    except NothingServedError:
        return False


def _state(gateway: Gateway) -> tuple[str, list[str], int | None]:
    """Status, reasons and version."""
    try:
        served = gateway.versions.served
    except NothingServedError as error:
        return "unavailable", [str(error)], None
    data, reasons = served.stable, list(gateway.versions.broken)
    away = gateway.answers.unasked(data)
    if away is not None:
        reasons.append(away)
        if data.student_vectors is None:
            return "unavailable", [*reasons, "the version has no vectors"], data.number
    if data.state_rows is None:
        reasons.append("the version has no histories: events cannot be posted")
    try:
        gateway.events.of_student("", data.as_of)
    except GoalpathError as error:
        reasons.append(str(error))
    return ("degraded" if reasons else "healthy"), reasons, data.number
