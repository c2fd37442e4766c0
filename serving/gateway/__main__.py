"""`python -m serving.gateway`: a gateway alone, set by its environment."""

from __future__ import annotations

import sys

from schemas.errors import GoalpathError
from serving.gateway.run import run_gateway
from serving.gateway.settings import read_settings


def main() -> int:
    """Runs; the exit code."""
    try:
        run_gateway(read_settings())
    except GoalpathError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
