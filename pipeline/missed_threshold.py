"""A threshold that a model missed."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class MissedThreshold:
    """One threshold, and the value that missed it.

    Attributes:
      head: output of the model.
      metric: its name.
      value: of the metric; for a change, the difference from the baseline. None: not
        a number, or not measured.
      at_least: the threshold.
      is_change: the threshold is on the difference from the baseline.
      peer: what reaches the threshold without a model; "" where it is the configuration's.
    """

    head: str
    metric: str
    value: float | None
    at_least: float
    is_change: bool
    peer: str = ""

    def describe(self) -> str:
        """Such as `risk auc is 0.512, must be at least 0.55`."""
        value = "not a number" if self.value is None else f"{self.value:.4g}"
        subject = f"{self.head} {self.metric}"
        if self.is_change:
            subject += " change from the baseline"
        by = f", as {self.peer} alone reaches" if self.peer else ""
        return f"{subject} is {value}, must be at least {self.at_least:.4g}{by}"
