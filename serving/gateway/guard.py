"""What every request passes first: keys, rates and sizes; and last: the log and the metrics.

Paths and queries name students, so that neither is logged: the route is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.gateway.api_keys import ApiKeys
from serving.gateway.gateway_metrics import GatewayMetrics
from serving.gateway.problems import Kind, problem, unknown_fault
from serving.gateway.rate_limit import RateLimit

OPEN: Final = frozenset({"/health", "/api/v1/model/health"})
"""Who runs the gateway asks for it, without a key and as often as needed."""
UNMATCHED: Final = "unmatched"

_LOG: Final = logging.getLogger("goalpath.gateway.requests")
_BEARER: Final = b"bearer "


class Guard:
    """ASGI middleware.

    Args:
      app: that it stands before.
      keys: that are let in; none: everybody is.
      rate: of each client.
      body_bytes: largest body.
      metrics: told of every request.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: ApiKeys,
        rate: RateLimit,
        body_bytes: int,
        metrics: GatewayMetrics,
    ) -> None:
        self._app = app
        self._keys = keys
        self._rate = rate
        self._body_bytes = body_bytes
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or answers it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._guarded(scope, receive, noting)
        # The outermost border: the server would log the text of an error, with what it names.
        except Exception as error:
            fault = unknown_fault(scope["path"], error)
            if not status:
                await fault(scope, receive, noting)
        finally:
            seconds = time.perf_counter() - began
            route = route_of(scope)
            self._metrics.saw_request(route, scope["method"], status, seconds)
            _LOG.info("%s %s %d %.1f ms", scope["method"], route, status, seconds * 1e3)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        await self._app(scope, self._bounded(receive), send)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        """The answer to a request that is not let through."""
        path = scope["path"]
        if path in OPEN:
            return None
        headers = dict(scope["headers"])
        client = (scope.get("client") or ("",))[0]
        if self._keys:
            name = self._keys.client(_key(headers))
            if name is None:
                return problem(
                    path,
                    Kind(401, "Unauthorized"),
                    "an API key must be sent, and be a known one.",
                    remedy="send it as X-API-Key, or as Authorization: Bearer.",
                    headers={"WWW-Authenticate": "Bearer"},
                )
            client = name
        wait = self._rate.wait(client)
        if wait:
            return problem(
                path,
                Kind(429, "Too many requests"),
                "a client may only ask so often.",
                remedy=f"ask again in {wait} s.",
                headers={"Retry-After": str(wait)},
            )
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._body_bytes:
            return self._too_large(scope)
        return None

    def _too_large(self, scope: Scope) -> ASGIApp:
        return problem(
            scope["path"],
            Kind(413, "Body too large"),
            self._size,
            remedy="send it in parts.",
            headers={"Connection": "close"},
        )

    @property
    def _size(self) -> str:
        return f"a body has at most {self._body_bytes} bytes."

    def _bounded(self, receive: Receive) -> Callable[[], Awaitable[Message]]:
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._body_bytes:
                raise HTTPException(413, self._size)
            return message

        return counted


def route_of(scope: Scope) -> str:
    """The route as it is written in the application, without what it was called with."""
    route = scope.get("route")
    return str(getattr(route, "path", UNMATCHED))


def _key(headers: dict[bytes, bytes]) -> bytes:
    given = headers.get(b"x-api-key")
    if given is not None:
        return given
    bearer = headers.get(b"authorization", b"")
    return bearer[len(_BEARER) :] if bearer.lower().startswith(_BEARER) else b""
