"""`python -m serving.model_server FLAGS`: serves until it is told to end."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from schemas.errors import GoalpathError
from serving.model_server.flags import parse_flags
from serving.model_server.run import run_server


def main(arguments: Sequence[str]) -> int:
    """Serves; returns the exit code: 0 ended by a signal, 1 failed, 2 wrong usage."""
    try:
        run_server(parse_flags(arguments))
    except GoalpathError as error:
        sys.stderr.write(f"Failed to start server. Error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
