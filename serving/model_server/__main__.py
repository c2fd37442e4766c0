"""`python -m serving.model_server FLAGS`: serves until it is told to end."""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from collections.abc import Sequence

from schemas.errors import GoalpathError
from serving.model_server.flags import parse_flags
from serving.wire.status import StatusError


def main(arguments: Sequence[str]) -> int:
    """Serves; returns the exit code: 0 ended by a signal, 1 failed, 2 wrong usage."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        options = parse_flags(arguments)
    except GoalpathError as error:
        return _failed(error, error.exit_code)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are using a non-supported Python", FutureWarning)
        from serving.model_server.server import ModelServer  # noqa: PLC0415  TensorFlow: seconds
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    try:
        server = ModelServer(options)
    except GoalpathError as error:
        return _failed(error, error.exit_code)
    except StatusError as error:
        return _failed(error, 1)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server.start()
        server.wait()
    except StatusError as error:
        return _failed(error, 1)
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one does not wait
        server.stop()
    return 0


def _failed(error: Exception, code: int) -> int:
    logging.getLogger(__name__).error("Failed to start server. Error: %s", error)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
