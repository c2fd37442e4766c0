"""Is each head sane: finite, in range, alive, and a head of its own?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from components.model_validator.report import CheckResult, from_problems

# Below this, relative to the value, two outputs are the same.
SMALLEST_SPREAD: Final = 1e-6
# A larger share of different rows with one value: the head is constant for them.
LARGEST_TIE: Final = 0.25
# Where all that is known of the student or of the candidates is exchanged, a smaller
# share of outputs may stay as they were.
LEAST_CHANGE: Final = 0.5
# Two heads in the same order everywhere are one head; see check_own_order.
COPY_CORRELATION: Final = 0.999
FEWEST_ROWS: Final = 8
FEWEST_PAIRS: Final = 100

Floats = npt.NDArray[np.float64]
Shares = Mapping[str, Mapping[str, float | None]]


def check_range(name: str, scores: Mapping[str, Floats], *, probabilities: bool) -> CheckResult:
    """All values are finite, and probabilities in [0, 1].

    Args:
      name: of the check.
      scores: head -> values without padding.
      probabilities: whether these heads are.
    """
    problems, found = [], {}
    for head, values in scores.items():
        bad = int(np.size(values) - np.isfinite(values).sum())
        if bad:
            problems.append(f"{head}: {bad} of {values.size} values are NaN or infinite")
        elif values.size:
            found[head] = [float(values.min()), float(values.max())]
            if probabilities and not (found[head][0] >= 0 and found[head][1] <= 1):
                problems.append(f"{head}: values from {values.min():.4g} to {values.max():.4g}")
    fine = ", ".join(f"{head} {low:.3g} to {high:.3g}" for head, (low, high) in found.items())
    return from_problems(name, problems, fine, values=found)


def check_not_constant(name: str, scores: Mapping[str, Floats]) -> CheckResult:
    """Each head tells rows apart, and not only some of them.

    Args:
      name: of the check.
      scores: head -> values of rows that all differ.
    """
    spread = {head: float(np.ptp(v)) if v.size else 0.0 for head, v in scores.items()}
    problems = []
    for head, values in scores.items():
        if not spread[head] > SMALLEST_SPREAD:
            problems.append(f"{head}: {values.size} values within {spread[head]:.3g}")
            continue
        count, value = largest_tie(values)
        if count > max(2, LARGEST_TIE * values.size):
            problems.append(f"{head}: {count} of {values.size} different rows get {value:.6g}")
    remedy = "the head learned nothing or lost its weights; look at its loss and its labels."
    fine = "; ".join(f"{head} spreads over {width:.3g}" for head, width in spread.items())
    return from_problems(name, problems, fine, remedy=remedy, values=spread)


def largest_tie(values: Floats) -> tuple[int, float]:
    """How many values are the same, at most, and which value that is.

    Args:
      values: one at least.
    """
    ordered = np.sort(values)
    apart = ~_close(ordered[1:], ordered[:-1])
    starts = np.flatnonzero(np.concatenate([[True], apart]))
    counts = np.diff(np.append(starts, len(ordered)))
    most = int(np.argmax(counts))
    return int(counts[most]), float(ordered[starts[most]])


def changed_share(before: Floats, after: Floats, judged: npt.NDArray[np.bool_]) -> float | None:
    """Share of the judged outputs that changed; None where none is judged.

    Args:
      before: outputs.
      after: the same, with other inputs.
      judged: where the inputs did differ.
    """
    if not judged.any():
        return None
    return float(np.mean(~_close(before[judged], after[judged])))


def _close(one: Floats, other: Floats) -> npt.NDArray[np.bool_]:
    limit = SMALLEST_SPREAD * np.maximum(np.abs(one), np.abs(other))
    return np.asarray(np.abs(one - other) <= limit, np.bool_)


def check_sensitive(name: str, sides: Shares, groups: Shares) -> CheckResult:
    """The outputs change where the inputs were exchanged between rows.

    Args:
      name: of the check.
      sides: all of a side's inputs exchanged: side -> head -> `changed_share`.
      groups: one group of inputs exchanged: group -> head -> `changed_share`.
    """
    problems = [
        f"{head}: {1 - share:.0%} of the values stay the same with other {side} inputs"
        for side, shares in sides.items()
        for head, share in shares.items()
        if share is not None and share < LEAST_CHANGE
    ]
    problems += [
        f"{head}: the same values with other {group} inputs"
        for group, shares in groups.items()
        for head, share in shares.items()
        if share == 0
    ]
    shares_by_group = {**sides, **groups}
    unjudged = [g for g, shares in shares_by_group.items() if None in shares.values()]
    fine = f"every head reads {', '.join(g for g in shares_by_group if g not in unjudged)}"
    if unjudged:
        fine += f"; the golden rows do not differ in {', '.join(unjudged)}"
    remedy = "the head does not read its inputs: look at what the signature feeds it."
    return from_problems(name, problems, fine, remedy=remedy, values=shares_by_group)


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


def check_own_list_order(
    name: str,
    reference: str,
    scores: Mapping[str, Floats],
    listed: npt.NDArray[np.bool_],
) -> CheckResult:
    """No head orders the candidates of each list as the reference does, or in reverse.

    Only the order within a list counts of a ranking, so a copy of another head may
    hide behind an offset for each student. Over all pairs of a list, the share in the
    same order minus that in reverse, Kendall's tau-a, is 1 or -1 for such a copy.

    Args:
      name: of the check.
      reference: the head that ranks.
      scores: head -> `[B, N]`.
      listed: bool `[B, N]`; where a candidate stands.
    """
    problems, found = [], {}
    for head in scores:
        if head == reference:
            continue
        tau, pairs = list_correlation(scores[reference], scores[head], listed)
        found[f"{reference}~{head} within lists"] = tau
        if pairs >= FEWEST_PAIRS and abs(tau) > COPY_CORRELATION:
            problems.append(
                f"{reference} orders every list as {head} does ({pairs} pairs, Kendall {tau:.6f})"
            )
    fine = "; ".join(f"{pair} {value:+.3f}" for pair, value in found.items())
    remedy = "two heads are functions of one number: give each head layers of its own."
    return from_problems(name, problems, fine, remedy=remedy, values=found)


def list_correlation(
    one: Floats, other: Floats, listed: npt.NDArray[np.bool_]
) -> tuple[float, int]:
    """Kendall's tau-a over the pairs within each row, and how many pairs there are."""
    agreement, pairs = 0.0, 0
    for a, b, there in zip(one, other, listed, strict=True):
        first, second = np.triu_indices(int(there.sum()), k=1)
        x, y = a[there], b[there]
        agreement += float(np.sum(np.sign(x[first] - x[second]) * np.sign(y[first] - y[second])))
        pairs += len(first)
    return (agreement / pairs if pairs else 0.0), pairs
