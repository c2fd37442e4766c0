"""Does `attribute` explain the number that `predict` gives?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from components.model_validator.outputs import TOLERANCE
from components.model_validator.report import CheckResult, from_problems
from schemas import names

LARGEST_ERROR: Final = 0.01
"""Of the amount attributed: most that the integral may leave unexplained."""
_ROUNDING: Final = 1e-4

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float64]


def check_attribution(
    name: str,
    answers: Mapping[str, Mapping[str, Array]],
    predicted: Mapping[str, Array],
    listed: npt.NDArray[np.bool_],
) -> CheckResult:
    """The score explained is the served one, and the attributions add up to it.

    Args:
      name: of the check.
      answers: head -> outputs of `attribute` for the rows.
      predicted: outputs of `predict` for the same rows.
      listed: bool `[B, N]`, where a candidate stands.
    """
    problems = []
    values: dict[str, float] = {}
    for head, answer in answers.items():
        there = (
            np.ones(len(listed), np.bool_)
            if head in names.OF_STUDENT
            else listed[:, :1].any(axis=1)
        )
        score, baseline, error, parts = (
            np.asarray(answer[key], np.float64)[there]
            for key in (
                names.ATTRIBUTED_SCORE,
                names.ATTRIBUTION_BASELINE,
                names.COMPLETENESS_ERROR,
                names.ATTRIBUTION,
            )
        )
        served = np.asarray(predicted[head], np.float64)
        served = served[there] if head in names.OF_STUDENT else served[there, 0]
        problems += _of_another(head, score, served)
        problems += _not_adding_up(head, parts, score - baseline)
        values[head] = float(error.max(initial=0.0))
        if not values[head] <= LARGEST_ERROR:
            problems.append(f"{head}: {values[head]:.2%} of the attributions is unexplained")
    fine = f"they add up to the scores; at most {max(values.values()):.2%} was left to spread"
    remedy = "export again; where the integral leaves more, raise STEPS in trainer/attribution.py."
    return from_problems(name, problems, fine, remedy=remedy, values=values)


def _of_another(head: str, score: Floats, served: Floats) -> list[str]:
    with np.errstate(over="ignore"):
        explained = score if head == names.RANKING_SCORE else 1.0 / (1.0 + np.exp(-score))
    worst = np.max(np.abs(explained - served) / np.maximum(1.0, np.abs(served)), initial=0.0)
    if worst <= TOLERANCE:
        return []
    return [f"{head}: what is explained differs from what is predicted by {worst:.3g}"]


def _not_adding_up(head: str, parts: Floats, moved: Floats) -> list[str]:
    allowed = _ROUNDING * np.maximum(1.0, np.abs(parts).sum(axis=1))
    off = np.abs(parts.sum(axis=1) - moved)
    if (off <= allowed).all():
        return []
    return [f"{head}: attributions miss the score less the baseline by {off.max():.3g}"]
