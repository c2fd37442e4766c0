"""How good predicted probabilities are: ordering, calibration, and both at once."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS: Final = 20
# float32 probabilities saturate at 1 - 6e-8; the clip keeps log loss finite there.
_CLIP: Final = 1e-7

AUC: Final = "auc"
PR_AUC: Final = "pr_auc"
LOG_LOSS: Final = "log_loss"
BRIER: Final = "brier"
CALIBRATION_ERROR: Final = "calibration_error"
MEAN_LABEL: Final = "mean_label"
MEAN_PREDICTION: Final = "mean_prediction"
SKILL: Final = "log_loss_skill"
WEIGHT: Final = "weight"
PROBABILITY_METRICS: Final = (
    AUC,
    PR_AUC,
    LOG_LOSS,
    BRIER,
    CALIBRATION_ERROR,
    MEAN_LABEL,
    MEAN_PREDICTION,
    SKILL,
    WEIGHT,
)

Floats = NDArray[np.float64]


class _Curve(NamedTuple):
    """Weight of positives and negatives per distinct prediction, highest first."""

    positive: Floats
    negative: Floats


def probability_metrics(labels: Floats, predictions: Floats, weights: Floats) -> dict[str, float]:
    """All metrics of `PROBABILITY_METRICS`, weighted.

        log_loss = mean of -(y ln p + (1 - y) ln(1 - p))
        brier = mean of (p - y)^2
        calibration_error = sum over bins of share(bin) |mean p - mean y|
        log_loss_skill = 1 - log_loss / H,  H the entropy of the mean label

    H is the log loss of the best constant there is, one that knows the mean label of
    these very Examples; a skill below 0 is worse than that constant. The bins of
    `calibration_error` are `BINS` of equal width.

    Args:
      labels: of shape `(B,)`, 0 or 1.
      predictions: of shape `(B,)`, probabilities in [0, 1].
      weights: of shape `(B,)`; 0 leaves an Example out.

    Returns:
      Metric name -> value. NaN for what is not defined: everything but the weight
      where no weight is left or a prediction is NaN; `auc`, `pr_auc` and the skill
      where all labels are equal.
    """
    counted = weights > 0
    labels, predictions, weights = labels[counted], predictions[counted], weights[counted]
    total = float(weights.sum())
    if total == 0 or np.isnan(predictions).any():
        return {**dict.fromkeys(PROBABILITY_METRICS, float("nan")), WEIGHT: total}
    mean_label = float(np.average(labels, weights=weights))
    loss = float(np.average(_log_losses(labels, predictions), weights=weights))
    return {
        AUC: auc(labels, predictions, weights),
        PR_AUC: average_precision(labels, predictions, weights),
        LOG_LOSS: loss,
        BRIER: float(np.average((predictions - labels) ** 2, weights=weights)),
        CALIBRATION_ERROR: calibration_error(labels, predictions, weights),
        MEAN_LABEL: mean_label,
        MEAN_PREDICTION: float(np.average(predictions, weights=weights)),
        SKILL: 1 - loss / _entropy(mean_label) if 0 < mean_label < 1 else float("nan"),
        WEIGHT: total,
    }


def auc(labels: Floats, predictions: Floats, weights: Floats) -> float:
    """Area under the ROC curve: P(a positive scores above a negative), ties half.

    Args:
      labels: of shape `(B,)`, 0 or 1.
      predictions: of shape `(B,)`, higher is more positive.
      weights: of shape `(B,)`, above 0.

    Returns:
      In [0, 1]; NaN where all labels are equal.
    """
    curve = _curve(labels, predictions, weights)
    pairs = curve.positive.sum() * curve.negative.sum()
    if pairs == 0:
        return float("nan")
    above = np.cumsum(curve.positive) - curve.positive
    return float(np.sum(curve.negative * (above + curve.positive / 2)) / pairs)


def average_precision(labels: Floats, predictions: Floats, weights: Floats) -> float:
    """Area under the precision-recall curve, as steps.

        AP = sum over distinct predictions of (gain in recall) x (precision there)

    Args:
      labels: of shape `(B,)`, 0 or 1.
      predictions: of shape `(B,)`, higher is more positive.
      weights: of shape `(B,)`, above 0.

    Returns:
      In [0, 1]; NaN where all labels are equal.
    """
    curve = _curve(labels, predictions, weights)
    positives = curve.positive.sum()
    if positives == 0 or curve.negative.sum() == 0:
        return float("nan")
    found = np.cumsum(curve.positive)
    precision = found / (found + np.cumsum(curve.negative))
    return float(np.sum(curve.positive * precision) / positives)


def calibration_error(labels: Floats, predictions: Floats, weights: Floats) -> float:
    """Expected calibration error over `BINS` bins of equal width.

    Args:
      labels: of shape `(B,)`, 0 or 1.
      predictions: of shape `(B,)`, in [0, 1].
      weights: of shape `(B,)`, above 0.

    Returns:
      In [0, 1].
    """
    bins = np.minimum((predictions * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, weights=weights * (predictions - labels), minlength=BINS)
    return float(np.abs(gaps).sum() / weights.sum())


def _curve(labels: Floats, predictions: Floats, weights: Floats) -> _Curve:
    _, place = np.unique(-predictions, return_inverse=True)
    positive: Floats = np.bincount(place, weights=weights * labels).astype(np.float64)
    negative: Floats = np.bincount(place, weights=weights * (1 - labels)).astype(np.float64)
    return _Curve(positive, negative)


def _log_losses(labels: Floats, predictions: Floats) -> Floats:
    clipped = np.clip(predictions, _CLIP, 1 - _CLIP)
    losses: Floats = -(labels * np.log(clipped) + (1 - labels) * np.log1p(-clipped))
    return losses


def _entropy(rate: float) -> float:
    return float(-(rate * np.log(rate) + (1 - rate) * np.log1p(-rate)))
