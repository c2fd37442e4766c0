"""The words for risks."""

from __future__ import annotations

from typing import Final

RISK_LEVELS: Final = ((0.7, "high"), (0.4, "medium"), (0.0, "low"))


def risk_level(risk: float) -> str:
    """The word for a risk in [0, 1]; the bounds themselves belong to the lower level."""
    return next((word for bound, word in RISK_LEVELS if risk > bound), RISK_LEVELS[-1][1])
