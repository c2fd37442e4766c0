"""Is each head sane: finite, in range, alive, and a head of its own?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from components.model_validator.report import CheckResult, from_problems

# Below this spread a head says the same of everybody.
SMALLEST_SPREAD: Final = 1e-6
# Two heads in the same order everywhere are one head; see check_own_order.
COPY_CORRELATION: Final = 0.9999
FEWEST_ROWS: Final = 8

Floats = npt.NDArray[np.float64]


def check_range(name: str, scores: Mapping[str, Floats], *, probabilities: bool) -> CheckResult:
    """All values are finite, and probabilities in [0, 1].

    Args:
      name: of the check.
      scores: head -> values without padding.
      probabilities: whether these heads are.
    """
    problems = []
    for head, values in scores.items():
        bad = int(np.size(values) - np.isfinite(values).sum())
        if bad:
            problems.append(f"{head}: {bad} of {values.size} values are NaN or infinite")
        elif probabilities and values.size and not (values.min() >= 0 and values.max() <= 1):
            problems.append(f"{head}: values from {values.min():.4g} to {values.max():.4g}")
    limits = "in [0, 1]" if probabilities else "finite"
    return from_problems(name, problems, f"{', '.join(scores)}: all {limits}")


def check_not_constant(name: str, scores: Mapping[str, Floats]) -> CheckResult:
    """Each head tells rows apart."""
    spread = {head: float(np.ptp(v)) if v.size else 0.0 for head, v in scores.items()}
    problems = [
        f"{head}: {scores[head].size} values within {width:.3g}"
        for head, width in spread.items()
        if not width > SMALLEST_SPREAD
    ]
    remedy = "the head learned nothing or lost its weights; look at its loss and its labels."
    fine = "; ".join(f"{head} spreads over {width:.3g}" for head, width in spread.items())
    return from_problems(name, problems, fine, remedy=remedy, values=spread)


def check_sensitive(
    name: str, before: Mapping[str, Floats], after: Mapping[str, Floats]
) -> CheckResult:
    """The outputs change where the inputs were exchanged between rows.

    Args:
      name: of the check.
      before: head -> values of the rows.
      after: the same with the inputs of other rows.
    """
    changed = {
        head: float(np.mean(np.abs(values - after[head]) > SMALLEST_SPREAD)) if values.size else 0.0
        for head, values in before.items()
    }
    problems = [
        f"{head}: the same values with other inputs"
        for head, share in changed.items()
        if not share > 0
    ]
    fine = "; ".join(f"{head} changes in {share:.0%}" for head, share in changed.items())
    remedy = "the head does not read its inputs: look at what the signature feeds it."
    return from_problems(name, problems, fine, remedy=remedy, values=changed)


def check_own_order(name: str, scores: Mapping[str, Floats]) -> CheckResult:
    """No head orders the rows as another does, or in reverse.

    Spearman's rank correlation of two heads over the same rows. Heads that share one
    scalar behind a monotone function have 1 or -1 whatever the data.

    Args:
      name: of the check.
      scores: head -> values `[rows]`, parallel.
    """
    heads = list(scores)
    problems, correlations = [], {}
    for place, one in enumerate(heads):
        for other in heads[place + 1 :]:
            rows = len(scores[one])
            if rows < FEWEST_ROWS:
                problems.append(f"{one} and {other}: {rows} rows, {FEWEST_ROWS} are needed")
                continue
            correlation = rank_correlation(scores[one], scores[other])
            correlations[f"{one}~{other}"] = correlation
            if abs(correlation) > COPY_CORRELATION:
                problems.append(f"{other} orders rows as {one} does (Spearman {correlation:.6f})")
    fine = "; ".join(f"{pair} {value:+.3f}" for pair, value in correlations.items())
    remedy = "two heads are functions of one number: give each head layers of its own."
    return from_problems(name, problems, fine, remedy=remedy, values=correlations)


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's rho; 0 where either is constant."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(stats.spearmanr(one, other).correlation)


def check_top_k(name: str, scores: Sequence[Floats], expected: Sequence[Floats]) -> CheckResult:
    """Recommended scores descend, and are the best of all that were scored one by one.

    Args:
      name: of the check.
      scores: per student, the recommended scores without padding, `[<= k]`.
      expected: per student, all eligible engagements' scores, any order.
    """
    problems = []
    for row, (listed, every) in enumerate(zip(scores, expected, strict=True)):
        if np.any(np.diff(listed) > 0):
            problems.append(f"row {row}: scores do not descend")
            continue
        best = np.sort(every)[::-1][: len(listed)]
        if len(best) != len(listed) or not np.allclose(best, listed, rtol=1e-4, atol=1e-4):
            problems.append(
                f"row {row}: listed {np.round(listed[:3], 4).tolist()}, the best are "
                f"{np.round(best[:3], 4).tolist()}"
            )
    remedy = "the catalogue in the graph, or what it computes from it, is not the batch's."
    fine = f"the lists of {len(scores)} students are the best of their scores, in order"
    return from_problems(name, problems, fine, remedy=remedy)
