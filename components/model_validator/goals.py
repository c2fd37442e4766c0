"""Is what `goal` says what its parameters make of the heads, and a probability each?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from components.model_validator.outputs import TOLERANCE, largest_difference
from components.model_validator.report import CheckResult, from_problems
from schemas import names
from serving.goals.synthesis import HeadOutputs, Synthesis

READ: Final = (*names.OF_STUDENT, names.GOAL_PROBABILITY, names.EMBEDDING)
"""What the synthesis is made of; `goal` tells it too."""

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float64]


def check_goals(
    name: str,
    synthesis: Synthesis,
    query: Mapping[str, Array],
    heads: Mapping[str, Array],
    found: Mapping[str, Array],
) -> CheckResult:
    """The values of `goal` agree with NumPy, lie in order, and differ between students.

    Args:
      name: of the check.
      synthesis: with the parameters of the bundle.
      query: features of `B` students.
      heads: LIKELIHOOD, RISK and GOAL_PROBABILITY of `predict` for them, and EMBEDDING of
        `embed_student`.
      found: outputs of `goal`: the goals `[B, K]`, and its own copy of `heads`.
    """
    outputs = read_outputs(query, heads)
    expected = synthesis.probabilities(outputs)
    lower, upper = synthesis.interval(expected, outputs.stage)
    wanted = {
        names.GOAL_LIKELIHOOD: expected,
        names.GOAL_LOWER: lower,
        names.GOAL_UPPER: upper,
    }
    differences = {
        key: largest_difference(np.asarray(value, np.float32), found[key])
        for key, value in {**wanted, **{key: heads[key] for key in READ}}.items()
    }
    problems = [
        f"{key} differs from what its {'parameters say' if key in wanted else 'signature says'}"
        f" by {difference:.3g}"
        for key, difference in differences.items()
        if difference > TOLERANCE
    ]
    problems += _disorder(found, outputs.stage)
    fine = (
        f"as its parameters say, within {max(differences.values()):.3g}; farther is never likelier"
    )
    remedy = "export the goals again from the parameters that were fitted."
    return from_problems(name, problems, fine, remedy=remedy, values=differences)


def read_outputs(query: Mapping[str, Array], heads: Mapping[str, Array]) -> HeadOutputs:
    """What the synthesis reads of features and head outputs of `B` students."""
    goals = _floats(heads[names.GOAL_PROBABILITY])
    position = _floats(query[names.Q_STAGE_POSITION]) * (goals.shape[1] - 1)
    return HeadOutputs(
        stage=np.round(position).astype(np.int64),
        likelihood=_floats(heads[names.LIKELIHOOD]),
        risk=_floats(heads[names.RISK]),
        network=goals,
        days_in_stage=_floats(query[names.Q_DAYS_IN_STAGE]),
        days_since_active=_floats(query[names.Q_DAYS_SINCE_ACTIVE]),
        embedding=_floats(heads[names.EMBEDDING]),
    )


def _disorder(found: Mapping[str, Array], stage: npt.NDArray[np.int64]) -> list[str]:
    likely, lower, upper = (
        _floats(found[key]) for key in (names.GOAL_LIKELIHOOD, names.GOAL_LOWER, names.GOAL_UPPER)
    )
    reached = np.arange(likely.shape[1]) <= stage[:, np.newaxis]
    ahead = likely[~reached]
    broken = {
        "a value outside [0, 1]": ~((lower >= 0) & (upper <= 1)).all(),
        "an interval without its own value": ~((lower <= likely) & (likely <= upper)).all(),
        "a farther goal that is likelier": (np.diff(likely, axis=1) > 0).any(),
        "a reached stage below 1": (likely[reached] != 1).any(),
        "one value for all students": bool(ahead.size) and np.ptp(ahead) == 0,
    }
    return [f"there is {what}" for what, is_so in broken.items() if is_so]


def _floats(values: Array) -> Floats:
    return np.asarray(values, np.float64)
