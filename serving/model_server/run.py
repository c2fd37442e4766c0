"""Runs a model server until a signal ends it."""

from __future__ import annotations

import logging
import os
import signal
import warnings
from typing import Final

from schemas.errors import GoalpathError
from serving.model_server.flags import ServerOptions
from serving.wire.status import StatusError

_LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(message)s"


class ServerFailedError(GoalpathError):
    """The server could not start."""


def run_server(options: ServerOptions) -> None:
    """Loads, serves, and returns after SIGTERM or SIGINT, when all was answered.

    Raises:
      InputError: a file that the options name is not what it should be.
      ServerFailedError: a model did not become available, or a port is taken.
    """
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are using a non-supported Python", FutureWarning)
        from serving.model_server.server import ModelServer  # noqa: PLC0415  TensorFlow: seconds
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    try:
        server = ModelServer(options)
    except StatusError as error:
        raise _failed(error) from error
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server.start()
        server.wait()
    except StatusError as error:
        raise _failed(error) from error
    except KeyboardInterrupt:
        logging.getLogger(__name__).info("Stopping")
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one does not wait
        server.stop()


def _failed(error: StatusError) -> ServerFailedError:
    return ServerFailedError(
        "the model server starts.",
        received=str(error),
        remedy="see that the models are whole and the ports free.",
    )
