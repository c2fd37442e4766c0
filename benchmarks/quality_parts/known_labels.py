"""Where the labels of a snapshot are, and which are known."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts.snapshots import Snapshots
from schemas import names

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

LABELS: Final = {
    names.LIKELIHOOD: (names.LIKELIHOOD_LABEL, names.LIKELIHOOD_WEIGHT),
    names.RISK: (names.RISK_LABEL, names.RISK_WEIGHT),
}


def known_rows(snapshots: Snapshots, head: str) -> Flags:
    """Which snapshots have a known label of LIKELIHOOD or RISK: `(n,)`."""
    known: Flags = snapshots.numbers(LABELS[head][1]) > 0
    return known


def given_places(snapshots: Snapshots) -> Places:
    """The engagement met next as a place in the flat candidates, -1: none: `(n,)`."""
    index = snapshots.integers(names.GIVEN_INDEX)
    return np.where(index >= 0, snapshots.columns[names.C_ID].starts[:-1] + index, -1)
