"""The application: routes, documents, and what every request passes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from schemas.version import __version__
from serving.gateway.api_keys import ApiKeys
from serving.gateway.batch_routes import batch_routes
from serving.gateway.event_routes import event_routes
from serving.gateway.gateway import Gateway
from serving.gateway.goal_routes import goal_routes
from serving.gateway.guard import Guard
from serving.gateway.predict_routes import predict_routes
from serving.gateway.problems import DOCUMENTED, Problem, add_handlers
from serving.gateway.rate_limit import RateLimit
from serving.gateway.service_routes import service_routes
from serving.gateway.student_routes import student_routes

PREFIX: Final = "/api/v1/model"
SHORT_PREFIX: Final = "/api/v1"
DESCRIPTION: Final = """Predictions by student id.

Every answer says by what it was made: `full_model`; `vector_fallback`, with the reason, while
the model server is away; or `recorded`, where the data say what happened. Faults are problem
details (RFC 9457). Numbers given an engagement are associations under the sending policy of
the past, not effects of sending it.
"""


def create_app(gateway: Gateway) -> FastAPI:
    """The application of a gateway, which it closes when it ends."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        gateway.close()

    app = FastAPI(
        title="goalpath gateway",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        responses=DOCUMENTED,
        docs_url=None,
        redoc_url=None,
    )
    documented = (
        predict_routes,
        goal_routes,
        batch_routes,
        student_routes,
        event_routes,
        service_routes,
    )
    for routes in documented:
        app.include_router(routes(gateway), prefix=PREFIX)
    # Under these names, too: lists and events are not of a model, and probes ask at the root.
    short = ((student_routes, SHORT_PREFIX), (event_routes, SHORT_PREFIX), (service_routes, ""))
    for routes, prefix in short:
        app.include_router(routes(gateway), prefix=prefix, include_in_schema=False)
    add_handlers(app)
    _add_problem_schema(app, with_keys=bool(gateway.settings.api_keys))
    settings = gateway.settings
    app.add_middleware(
        Guard,
        keys=ApiKeys(settings.api_keys),
        rate=RateLimit(settings.requests_a_minute, settings.burst),
        body_bytes=settings.body_bytes,
        metrics=gateway.metrics,
    )
    return app


def _add_problem_schema(app: FastAPI, *, with_keys: bool) -> None:
    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            components = schema.setdefault("components", {})
            components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
            if with_keys:
                components["securitySchemes"] = {
                    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                    "bearer": {"type": "http", "scheme": "bearer"},
                }
                schema["security"] = [{"key": []}, {"bearer": []}]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
