"""The ways to run the nodes on this machine."""

from __future__ import annotations

from typing import Final

BEAM: Final = "beam"  # Beam schedules the nodes
LOCAL: Final = "local"  # one after the other, without Beam around them
RUNNERS: Final = (BEAM, LOCAL)
