"""AUC, also within strata, for row weights that change from resample to resample."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class PairOrder:
    """Rows sorted once, so that an AUC with other weights needs no sorting.

    The AUC within strata is the mean of the strata's own AUCs, weighted by their number
    of pairs of a positive and a negative:

        sum over strata of (pairs in the right order + half the tied) / sum of pairs

    Without strata it is the plain AUC.

    Args:
      labels: of shape `(n,)`, 0 or 1.
      scores: of shape `(n,)`, higher is more positive.
      strata: of shape `(n,)`, codes from 0; None: all rows are in one.

    Raises:
      ValueError: the shapes differ, or a score is NaN.
    """

    def __init__(self, labels: Floats, scores: Floats, strata: Places | None = None) -> None:
        if strata is None:
            strata = np.zeros(len(labels), np.int64)
        if not labels.shape == scores.shape == strata.shape:
            raise ValueError(
                "labels, scores and strata must have the same shape. "
                f"Received: {labels.shape}, {scores.shape} and {strata.shape}."
            )
        if np.isnan(scores).any():
            raise ValueError(f"scores must be numbers. Received: {np.isnan(scores).sum()} NaN.")
        self._labels = labels
        order = np.lexsort((scores, strata))
        starts = np.ones(len(order), bool)
        starts[1:] = (np.diff(scores[order]) != 0) | (np.diff(strata[order]) != 0)
        self._tie = np.empty(len(order), np.int64)
        self._tie[order] = np.cumsum(starts) - 1
        self._stratum_of_tie = np.unique(strata, return_inverse=True)[1][order][starts]

    def auc(self, weights: Floats | None = None) -> float:
        """In [0, 1]; NaN where no pair is left.

        Args:
          weights: of shape `(n,)`, at least 0; None: all are 1.
        """
        if not len(self._labels):
            return float("nan")
        weights = np.ones(len(self._labels)) if weights is None else weights
        positive = np.bincount(self._tie, weights=weights * self._labels)
        negative = np.bincount(self._tie, weights=weights * (1 - self._labels))
        positives = np.bincount(self._stratum_of_tie, weights=positive)
        negatives = np.bincount(self._stratum_of_tie, weights=negative)
        pairs = float(positives @ negatives)
        if pairs == 0:
            return float("nan")
        below_stratum = np.cumsum(negatives) - negatives
        below = np.cumsum(negative) - negative - below_stratum[self._stratum_of_tie]
        return float(positive @ (below + negative / 2)) / pairs
