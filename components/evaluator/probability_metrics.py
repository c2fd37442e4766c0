"""How good a predicted probability is, from sums that can be merged.

One pass keeps, per bin of the prediction, the sums of weight, label, prediction,
log loss and squared error. Everything reported is worked out from these sums, so
shards can be evaluated apart and added.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 20
# float32 probabilities saturate at 1 - 6e-8; the clip keeps log loss finite there.
_CLIP: Final = 1e-7

LOG_LOSS: Final = "log_loss"
BRIER: Final = "brier"
CALIBRATION_ERROR: Final = "calibration_error"
MEAN_LABEL: Final = "mean_label"
MEAN_PREDICTION: Final = "mean_prediction"
SKILL: Final = "log_loss_skill"
PROBABILITY_METRICS: Final = (
    LOG_LOSS,
    BRIER,
    CALIBRATION_ERROR,
    MEAN_LABEL,
    MEAN_PREDICTION,
    SKILL,
)

Floats = NDArray[np.float64]


@dataclasses.dataclass
class ProbabilitySums:
    """Weighted sums over Examples.

    Attributes:
      by_bin: of shape `(3, BINS)`: weight, label and prediction per bin of equal
        width of the prediction.
      log_loss: summed log loss, in nats.
      squared_error: summed squared difference of prediction and label.
    """

    by_bin: Floats = dataclasses.field(default_factory=lambda: np.zeros((3, BINS)))
    log_loss: float = 0.0
    squared_error: float = 0.0

    def add(self, label: float, prediction: float, weight: float) -> None:
        """Counts one Example.

        Args:
          label: 0 or 1.
          prediction: probability in [0, 1]; NaN makes every metric NaN.
          weight: of the Example; 0 leaves it out.
        """
        if weight == 0:
            return
        clipped = min(max(prediction, _CLIP), 1 - _CLIP) if prediction == prediction else np.nan
        place = min(int(prediction * BINS), BINS - 1) if prediction == prediction else 0
        self.by_bin[0, place] += weight
        self.by_bin[1, place] += weight * label
        self.by_bin[2, place] += weight * prediction
        loss = -(label * np.log(clipped) + (1 - label) * np.log1p(-clipped))
        self.log_loss += float(weight * loss)
        self.squared_error += weight * (prediction - label) ** 2

    def merge(self, other: ProbabilitySums) -> None:
        """Adds the sums of other Examples to these."""
        self.by_bin += other.by_bin
        self.log_loss += other.log_loss
        self.squared_error += other.squared_error

    def metrics(self) -> dict[str, float]:
        """The metrics of `PROBABILITY_METRICS`; all NaN where no weight was counted.

            log_loss = mean of -(y ln p + (1 - y) ln(1 - p))
            brier = mean of (p - y)^2
            calibration_error = sum over bins of share(bin) |mean p - mean y|
            log_loss_skill = 1 - log_loss / H,  H the entropy of the mean label

        H is the log loss of the best constant there is, one that knows the mean label
        of these very Examples; a skill below 0 is worse than that constant. It is NaN
        where all labels are equal (H = 0).
        """
        weight, label, prediction = self.by_bin
        total = weight.sum()
        if total == 0:
            return dict.fromkeys(PROBABILITY_METRICS, float("nan"))
        mean_label = float(label.sum() / total)
        log_loss = self.log_loss / total
        return {
            LOG_LOSS: log_loss,
            BRIER: self.squared_error / total,
            CALIBRATION_ERROR: float(np.abs(prediction - label).sum() / total),
            MEAN_LABEL: mean_label,
            MEAN_PREDICTION: float(prediction.sum() / total),
            SKILL: _skill(log_loss, mean_label),
        }


def _skill(log_loss: float, mean_label: float) -> float:
    if mean_label <= 0 or mean_label >= 1:
        return float("nan")
    entropy = -(mean_label * np.log(mean_label) + (1 - mean_label) * np.log1p(-mean_label))
    return float(1 - log_loss / entropy)
