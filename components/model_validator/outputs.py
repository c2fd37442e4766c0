"""Are the outputs those of the trained model, and does every signature tell the same?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from components.model_validator.report import CheckResult, from_problems

TOLERANCE: Final = 1e-5

Array = npt.NDArray[np.generic]
Tensors = Mapping[str, Array]


def largest_difference(one: Array, other: Array) -> float:
    """Largest absolute difference; infinite where shapes differ or one alone is NaN.

    Text is equal (0) or not (infinite).
    """
    if one.shape != other.shape:
        return float("inf")
    if not np.issubdtype(one.dtype, np.number):
        return 0.0 if np.array_equal(one, other) else float("inf")
    if not one.size:
        return 0.0
    a, b = one.astype(np.float64), other.astype(np.float64)
    if (np.isnan(a) != np.isnan(b)).any():
        return float("inf")
    return float(np.nanmax(np.abs(a - b), initial=0.0))


def check_golden(
    name: str, golden: Tensors, outputs: Tensors, *, same_machine: bool
) -> CheckResult:
    """The outputs are those recorded when the model was exported.

    Args:
      name: of the check.
      golden: outputs of the traced function at export.
      outputs: outputs of the loaded signature for the same inputs.
      same_machine: bit for bit is asked for; elsewhere kernels may differ in the last
        bits, and `TOLERANCE` is.
    """
    allowed = 0.0 if same_machine else TOLERANCE
    problems = _missing(golden, outputs)
    worst = 0.0
    for key in sorted(set(golden) & set(outputs)):
        difference = largest_difference(golden[key], outputs[key])
        worst = max(worst, difference)
        if difference > allowed:
            problems.append(f"{key} differs from its golden values by {difference:.3g}")
    fine = "golden values reproduced " + (
        "bit for bit" if same_machine else f"within {TOLERANCE:g}, on another machine"
    )
    remedy = "the export computes something else than the trained model did; export again."
    values = {"largest_difference": worst, "allowed": allowed}
    return from_problems(name, problems, fine, remedy=remedy, values=values)


def check_agreement(name: str, one: Tensors, other: Tensors) -> CheckResult:
    """Two signatures say the same about the same rows, within `TOLERANCE`."""
    problems = _missing(one, other)
    worst = 0.0
    for key in sorted(set(one) & set(other)):
        difference = largest_difference(one[key], other[key])
        worst = max(worst, difference)
        if difference > TOLERANCE:
            problems.append(f"{key} differs by {difference:.3g} between the two")
    remedy = "the signatures do not share one model; export them from the same object."
    return from_problems(
        name,
        problems,
        f"the same rows give the same values (largest difference {worst:.3g})",
        remedy=remedy,
        values={"largest_difference": worst, "allowed": TOLERANCE},
    )


def _missing(expected: Tensors, found: Tensors) -> list[str]:
    return [f"{key} is missing" for key in sorted(set(expected) - set(found))]
