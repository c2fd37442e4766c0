"""The entrypoint of a container that is killed in the middle of what its node writes.

Usage: python dying_node.py NODE FLAGS, where NODE is a place of tests/e2e/kills.py and FLAGS
are those of the entrypoint. It runs with the goalpath of the image.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from pipeline.kubeflow import entrypoint


def main() -> int:
    """Lays the trap, then is the entrypoint."""
    path = Path(__file__).parents[1] / "kills.py"
    spec = importlib.util.spec_from_file_location("kills", path)
    assert spec is not None
    assert spec.loader is not None
    kills = importlib.util.module_from_spec(spec)
    sys.modules["kills"] = kills
    spec.loader.exec_module(kills)
    kills.die_in(sys.argv[1])
    return entrypoint.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
