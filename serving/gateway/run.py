"""Runs a gateway until it is told to end."""

from __future__ import annotations

import logging
from typing import Final

import uvicorn

from serving.gateway.app import create_app
from serving.gateway.gateway import open_gateway
from serving.gateway.settings import GatewaySettings

HEADER_BYTES: Final = 16 << 10
GRACE_SECONDS: Final = 10
FORMAT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"


def run_gateway(settings: GatewaySettings) -> None:
    """Serves until SIGINT or SIGTERM; requests that have begun are answered.

    Raises:
      InputError: there is not one model, or the store's URL cannot be used.
      StoreUnavailableError: the store of events cannot be opened.
    """
    logging.basicConfig(level=logging.INFO, format=FORMAT)
    gateway = open_gateway(settings)
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
    uvicorn.Server(config).run()
