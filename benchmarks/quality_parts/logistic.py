"""Logistic regression on the same features."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from benchmarks.quality_parts.feature_table import FeatureTable
from benchmarks.quality_parts.labelled_rows import LabelledRows, log_losses

Floats = npt.NDArray[np.float64]

PENALTIES: Final = (0.0001, 0.001, 0.01, 0.1, 1.0)
_ITERATIONS: Final = 300


@dataclasses.dataclass(frozen=True, eq=False)
class Scaling:
    """Numbers as log1p of their size, standardised; categories as one column a code.

    Attributes:
      mean, deviation: of the training rows, `(F,)`.
    """

    mean: Floats
    deviation: Floats

    def design(self, features: FeatureTable) -> Floats:
        """Of shape `(n, F + all codes)`. A missing number is the mean."""
        numbers = np.nan_to_num((_squeezed(features) - self.mean) / self.deviation)
        codes = [
            code[:, None] == np.arange(features.sizes[key])
            for key, code in features.categories.items()
        ]
        return np.concatenate([numbers, *codes], axis=1)


def scaling_of(features: FeatureTable) -> Scaling:
    """Learns mean and deviation; a constant gets deviation 1."""
    squeezed = _squeezed(features)
    # A column without any value has no mean; 0 stands for it.
    known = ~np.isnan(squeezed)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, squeezed, 0).sum(axis=0) / count
    spread = np.sqrt(np.where(known, (squeezed - mean) ** 2, 0).sum(axis=0) / count)
    return Scaling(mean, np.where(spread > 1e-9, spread, 1.0))


def _squeezed(features: FeatureTable) -> Floats:
    values = np.stack(list(features.numbers.values()), axis=1).astype(np.float64)
    squeezed: Floats = np.sign(values) * np.log1p(np.abs(values))
    return squeezed


def logistic_regression(
    train: LabelledRows, calibration: LabelledRows, rows: FeatureTable
) -> tuple[Floats, float]:
    """Probabilities of `rows`, and the penalty C that was best on the calibration split.

    Args:
      train: to fit on.
      calibration: to choose the penalty by.
      rows: n rows to answer for.

    Returns:
      `(n,)` in [0, 1], and C.
    """
    scaling = scaling_of(train.features)
    design, held_out = scaling.design(train.features), scaling.design(calibration.features)
    fits = []
    for penalty in PENALTIES:
        model = LogisticRegression(C=penalty, max_iter=_ITERATIONS).fit(design, train.labels)
        loss = log_losses(calibration.labels, model.predict_proba(held_out)[:, 1]).mean()
        fits.append((float(loss), penalty, model))
    _, penalty, model = min(fits, key=lambda fit: fit[0])
    return np.asarray(model.predict_proba(scaling.design(rows))[:, 1], np.float64), penalty
