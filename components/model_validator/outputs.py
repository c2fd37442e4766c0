"""Are the outputs those of the trained model, and does every signature tell the same?"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from components.model_validator.report import CheckResult, from_problems

TOLERANCE: Final = 1e-5
"""Most that two computations of a value may differ, relative to it where it is above 1."""

Array = npt.NDArray[np.generic]
Tensors = Mapping[str, Array]


def largest_difference(one: Array, other: Array) -> float:
    """Largest difference, |a - b| / max(1, |a|); infinite where it cannot be told.

    That is: where shapes differ or one alone is NaN. Text is equal (0) or not (infinite).
    """
    if one.shape != other.shape:
        return float("inf")
    if not np.issubdtype(one.dtype, np.number):
        return 0.0 if np.array_equal(one, other) else float("inf")
    if not one.size:
        return 0.0
    a, b = one.astype(np.float64), other.astype(np.float64)
    differ = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    a, b = a[differ], b[differ]
    if not (np.isfinite(a) & np.isfinite(b)).all():
        return float("inf")
    return float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(a)), initial=0.0))


def check_golden(
    name: str,
    golden: Tensors,
    outputs: Tensors,
    *,
    same_machine: bool,
    wanted: Sequence[str] = (),
) -> CheckResult:
    """The outputs are those recorded when the model was exported.

    Args:
      name: of the check.
      golden: outputs of the traced function at export.
      outputs: outputs of the loaded signature for the same inputs.
      same_machine: bit for bit is asked for; elsewhere kernels may differ in the last
        bits, and `TOLERANCE` is.
      wanted: outputs that must have been recorded, for one row at least.
    """
    allowed = 0.0 if same_machine else TOLERANCE
    problems = [
        f"no golden value of {key} was recorded"
        for key in wanted
        if key not in golden or not golden[key].size
    ]
    problems += _missing(golden, outputs)
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


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two computations of the same values.

    Attributes:
      one: the reference, values by name.
      other: what has to be the same.
      between: what the two are, for messages.
    """

    one: Tensors
    other: Tensors
    between: str


def check_agreement(name: str, *comparisons: Comparison, remedy: str) -> CheckResult:
    """Computations of the same values agree within `TOLERANCE`."""
    problems: list[str] = []
    worst = 0.0
    for pair in comparisons:
        problems += [f"{text} ({pair.between})" for text in _missing(pair.one, pair.other)]
        for key in sorted(set(pair.one) & set(pair.other)):
            difference = largest_difference(pair.one[key], pair.other[key])
            worst = max(worst, difference)
            if difference > TOLERANCE:
                problems.append(f"{key} differs by {difference:.3g} between {pair.between}")
    between = "; ".join(pair.between for pair in comparisons)
    return from_problems(
        name,
        problems,
        f"the same values from {between} (largest difference {worst:.3g})",
        remedy=remedy,
        values={"largest_difference": worst, "allowed": TOLERANCE},
    )


def check_padding(
    name: str, outputs: Tensors, listed: npt.NDArray[np.bool_], sentinels: Mapping[str, float]
) -> CheckResult:
    """Past the end of a list stands the sentinel, and nothing else.

    Args:
      name: of the check.
      outputs: per output, `[B, n]`, where n is from the longest list to `N`.
      listed: bool `[B, N]`; where a candidate stands, from the beginning of each row.
      sentinels: output -> what padding has to hold.
    """
    problems = []
    rows, longest = len(listed), int(listed.sum(axis=1).max(initial=0))
    for key, sentinel in sentinels.items():
        values = outputs[key]
        if values.ndim != 2 or len(values) != rows or values.shape[1] < longest:
            problems.append(f"{key}: shape {list(values.shape)} for lists of {[rows, longest]}")
            continue
        padding = ~listed[:, : values.shape[1]]
        wrong = values[padding & (values != np.float32(sentinel))]
        if wrong.size:
            problems.append(f"{key}: {wrong.size} places of padding hold {wrong[0]:.4g}")
    fine = f"{int((~listed).sum())} places of padding hold the sentinels"
    remedy = "mask the padding where the model puts out its scores."
    return from_problems(name, problems, fine, remedy=remedy)


def _missing(expected: Tensors, found: Tensors) -> list[str]:
    return [f"{key} is missing" for key in sorted(set(expected) - set(found))]
