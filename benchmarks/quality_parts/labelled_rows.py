"""Rows to learn a probability from."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts.feature_table import FeatureTable

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledRows:
    """Rows whose label is known.

    Attributes:
      features: n rows.
      labels: of shape `(n,)`, 0 or 1.
    """

    features: FeatureTable
    labels: Floats


def log_losses(labels: Floats, predictions: Floats) -> Floats:
    """-(y ln p + (1 - y) ln(1 - p)), p kept 1e-7 from 0 and 1: `(n,)`."""
    # The same clip as the Evaluator's.
    clipped = np.clip(predictions, 1e-7, 1 - 1e-7)
    losses: Floats = -(labels * np.log(clipped) + (1 - labels) * np.log1p(-clipped))
    return losses
