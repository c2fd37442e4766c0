"""Runs a gateway until it is told to end."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
from types import FrameType
from typing import Final

import uvicorn

from schemas.errors import InputError
from serving.gateway.app import create_app
from serving.gateway.gateway import Gateway, open_gateway
from serving.gateway.settings import GatewaySettings

HEADER_BYTES: Final = 16 << 10
GRACE_SECONDS: Final = 10
COLLECTOR: Final = (50_000, 20, 20)
"""`gc.set_threshold`: some requests' objects before the youngest are looked through."""
FORMAT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"


def run_gateway(settings: GatewaySettings) -> None:
    """Serves until SIGINT or SIGTERM.

    Raises:
      InputError: there is not one model, or the store's URL cannot be used.
      StoreUnavailableError: the store of events cannot be opened.
    """
    start_logging()
    end_on_sigterm()
    run_app(open_gateway(settings))


def end_on_sigterm() -> None:
    """Has SIGTERM end the process as SIGINT does, so that what was opened is closed.

    The HTTP server raises the signal again once all is answered.
    """

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def start_logging() -> None:
    """Logs to standard error."""
    logging.basicConfig(level=logging.INFO, format=FORMAT)


def run_app(gateway: Gateway) -> None:
    """Serves until SIGINT or SIGTERM; requests that have begun are answered.

    Raises:
      InputError: the address cannot be listened at.
    """
    settings = gateway.settings
    config = uvicorn.Config(
        create_app(gateway),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,  # it would name paths, and so students
        server_header=False,
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_graceful_shutdown=GRACE_SECONDS,
        lifespan="on",
    )
    _spare_collector()
    server = uvicorn.Server(config)
    try:
        with contextlib.suppress(KeyboardInterrupt):  # raised again once all is answered
            server.run()
    except SystemExit as ended:
        raise _not_started(settings) from ended
    if not server.started:
        raise _not_started(settings)


def _spare_collector() -> None:
    """Leaves what a version is made of out of the search for cycles.

    A list of a thousand offers makes objects enough for a whole search, which would look
    through every student id each time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR)


def _not_started(settings: GatewaySettings) -> InputError:
    return InputError(
        "the gateway must have an address to listen at.",
        where=f"{settings.host}:{settings.port}",
        received="it could not be taken",
        remedy="see that nothing else listens there, or give another --port.",
    )
