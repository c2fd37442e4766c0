"""Expected calibration error over bins of equal mass."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BINS: Final = 15


class CalibrationBins:
    """Rows in `BINS` bins, cut at the quantiles of the predictions.

        ECE = sum over bins of share(bin) |mean prediction - mean label|

    Equal predictions share a bin, so that a constant has one.

    Args:
      labels: of shape `(n,)`, 0 or 1.
      predictions: of shape `(n,)`, in [0, 1].
      bins: how many.
    """

    def __init__(self, labels: Floats, predictions: Floats, bins: int = BINS) -> None:
        edges = np.quantile(predictions, np.arange(1, bins) / bins) if len(labels) else np.zeros(0)
        self._bin = np.searchsorted(edges, predictions, side="right")
        self._bins = bins
        self._labels = labels
        self._predictions = predictions

    def error(self, weights: Floats | None = None) -> float:
        """In [0, 1]; NaN where no weight is left.

        Args:
          weights: of shape `(n,)`, at least 0; None: all are 1. The bins stay.
        """
        weights = np.ones(len(self._labels)) if weights is None else weights
        return self._error(self._labels, weights)

    def noise(self, draws: int, seed: int) -> float:
        """The mean ECE that these predictions would have if they were the truth.

        Labels are drawn independently, so for students with many snapshots this is
        less than chance really adds.

        Args:
          draws: how many sets of labels.
          seed: of the draws.
        """
        random = np.random.default_rng(seed)
        ones = np.ones(len(self._labels))
        errors = [
            self._error((random.random(len(ones)) < self._predictions).astype(np.float64), ones)
            for _ in range(draws)
        ]
        return float(np.mean(errors))

    def _error(self, labels: Floats, weights: Floats) -> float:
        total = float(weights.sum())
        if total == 0:
            return float("nan")
        gaps = np.bincount(
            self._bin, weights=weights * (self._predictions - labels), minlength=self._bins
        )
        return float(np.abs(gaps).sum()) / total
