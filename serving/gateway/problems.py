"""Faults as problem details (RFC 9457)."""

from __future__ import annotations

import dataclasses
import http
import logging
import re
import traceback
from collections.abc import Mapping
from typing import Any, Final

import pydantic
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from schemas.errors import GoalpathError, InputError, UnknownStageError, UnknownStudentError
from serving.gateway.event_store import EventConflictError, StoreUnavailableError
from serving.gateway.served_versions import NothingServedError
from serving.gateway.version_data import VersionLacksError
from serving.states import EndedStudentError

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 1
_TYPE: Final = "urn:goalpath:problem:"
_LOG: Final = logging.getLogger("goalpath.gateway")


class UnknownEngagementError(InputError):
    """An engagement that the version does not have, or that is not for the student."""


class Problem(pydantic.BaseModel):
    """Problem details, RFC 9457.

    Attributes:
      type: names the kind of problem.
      title: of the kind, the same for all of it.
      status: of HTTP.
      detail: what is wrong with this request.
      instance: path of the request.
      remedy: what can be done.
      errors: of a request with several faults: each with its place.
    """

    model_config = pydantic.ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:goalpath:problem:unknown-student",
                "title": "Unknown student",
                "status": 404,
                "detail": "a student must be in the data that the model version was made from. "
                "Received: 'S999999'.",
                "instance": "/api/v1/model/predict/risk",
                "remedy": "check the id, or run the pipeline again on data that have it.",
                "errors": [],
            }
        }
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
    remedy: str = ""
    errors: list[dict[str, str]] = []


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of problem."""

    status: int
    title: str


# The first class that an error is of counts.
KINDS: Final[Mapping[type[GoalpathError], Kind]] = {
    UnknownStudentError: Kind(404, "Unknown student"),
    UnknownEngagementError: Kind(404, "Unknown engagement"),
    EndedStudentError: Kind(409, "Student has ended"),
    EventConflictError: Kind(409, "Event id taken"),
    VersionLacksError: Kind(503, "Version lacks data"),
    StoreUnavailableError: Kind(503, "Event store away"),
    NothingServedError: Kind(503, "Nothing served"),
    UnknownStageError: Kind(422, "Unknown stage"),
    InputError: Kind(422, "Unusable request"),
}
DOCUMENTED: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, text in {
        400: "The body is no text in UTF-8",
        401: "No API key, or a wrong one",
        404: "No such student or engagement",
        409: "The student has ended, or an event id was posted with other content",
        413: "The body is too large",
        422: "A parameter cannot be used",
        429: "Too many requests",
        503: "Neither the model nor the vectors can answer, or the store of events is away",
    }.items()
}


def problem(
    path: str,
    kind: Kind,
    detail: str,
    *,
    remedy: str = "",
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The response for a problem.

    Args:
      path: of the request.
      kind: of the problem.
      detail: of this request.
      remedy: what can be done.
      errors: several faults, each with its place.
      headers: beside those of every response.
    """
    body = Problem(
        type=_TYPE + re.sub(r"[^a-z0-9]+", "-", kind.title.lower()).strip("-"),
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=path,
        remedy=remedy,
        errors=errors or [],
    )
    given = dict(headers or {})
    if kind.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        given.setdefault("Retry-After", str(RETRY_SECONDS))
    return JSONResponse(body.model_dump(), kind.status, headers=given, media_type=MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Has every fault that is known answered by problem details; the guard has the others."""
    app.add_exception_handler(GoalpathError, _of_goalpath)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)


def kind_of(error: GoalpathError) -> Kind:
    """The kind of an error."""
    found = (kind for cls, kind in KINDS.items() if isinstance(error, cls))
    return next(found, Kind(500, "Fault of the gateway"))


def without_values(error: BaseException) -> str:
    """Where an error was raised; its text is left out, for it may name a student."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places}"


def unknown_fault(path: str, error: Exception) -> JSONResponse:
    """The response for a fault that nobody foresaw; its place is logged."""
    _LOG.error("%s", without_values(error))
    kind = Kind(500, "Fault of the gateway")
    return problem(path, kind, "the gateway met a fault it does not know.", remedy="see its log.")


def _of_goalpath(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, GoalpathError)
    kind = kind_of(error)
    if kind.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("%s", without_values(error))
    where = f"{error.where}: " if error.where else ""
    received = f" Received: {error.received}." if error.received else ""
    detail = f"{where}{error.rule}{received}"
    return problem(request.url.path, kind, detail, remedy=error.remedy)


def _of_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"where": ".".join(map(str, each["loc"])), "detail": str(each["msg"])}
        for each in error.errors()
    ]
    detail = "; ".join(f"{fault['where']}: {fault['detail']}" for fault in faults[:5])
    remedy = "compare with /openapi.json."
    kind = Kind(422, "Unusable request")
    return problem(request.url.path, kind, detail, remedy=remedy, errors=faults)


def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    title = http.HTTPStatus(error.status_code).phrase.capitalize()
    kind = Kind(error.status_code, title)
    return problem(request.url.path, kind, str(error.detail), headers=error.headers)
