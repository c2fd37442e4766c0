"""How well one list of candidates is ordered: NDCG@k and recall@k, ties included.

Candidates with equal scores have no order of their own. Both metrics are
expectations over every order of the tied ones, so a model that scores everything
alike earns what chance would, whatever order the data came in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

TOP_K: Final = 10

Floats = NDArray[np.float64]
ListMeasure = Callable[[Floats, Floats, int], float]


def ndcg_at_k(scores: Floats, grades: Floats, k: int) -> float:
    """Normalised discounted cumulative gain of the first `k` places.

        DCG@k = sum over ranks i = 1..k of (2^grade_i - 1) / log2(i + 1)
        NDCG@k = DCG@k of the order by score / DCG@k of the best order

    (Järvelin and Kekäläinen, 2002, with the gain of Burges et al., 2005.)

    Args:
      scores: of shape `(N,)`, higher is better. No padding.
      grades: of shape `(N,)`, relevance; 0 for no response.
      k: places that count.

    Returns:
      In [0, 1]. NaN where no grade is above 0, or where a score is NaN.

    Raises:
      ValueError: the shapes differ, or `k` is below 1.
    """
    _check(scores, grades, k)
    gains = np.exp2(grades) - 1.0
    if not np.any(gains > 0) or np.isnan(scores).any():
        return float("nan")
    best = np.sort(gains)[::-1]
    return float(_dcg(_expected_by_rank(scores, gains), k) / _dcg(best, k))


def recall_at_k(scores: Floats, grades: Floats, k: int) -> float:
    """Share of the positives (grade above 0) that are among the first `k` places.

        recall@k = positives in the first k / all positives

    A list with more than `k` positives cannot reach 1.

    Args:
      scores: of shape `(N,)`, higher is better. No padding.
      grades: of shape `(N,)`, relevance; 0 for no response.
      k: places that count.

    Returns:
      In [0, 1]. NaN where no grade is above 0, or where a score is NaN.

    Raises:
      ValueError: the shapes differ, or `k` is below 1.
    """
    _check(scores, grades, k)
    positive = (grades > 0).astype(np.float64)
    if not positive.any() or np.isnan(scores).any():
        return float("nan")
    return float(_expected_by_rank(scores, positive)[:k].sum() / positive.sum())


MEASURES: Final[dict[str, ListMeasure]] = {"ndcg": ndcg_at_k, "recall": recall_at_k}


def cut_padding(scores: Floats, length: int, *, pad_score: float) -> Floats:
    """The scores of a list without what a batch appended to it.

    Args:
      scores: of shape `(M,)`, M at least `length`; past `length` all `pad_score`.
      length: number of candidates of the list.
      pad_score: the value that marks padding.

    Returns:
      Of shape `(length,)`.

    Raises:
      ValueError: fewer scores than candidates, or a real score in the padding: the
        scores do not belong to this list.
    """
    if len(scores) < length:
        raise ValueError(
            f"a list of {length} candidates needs as many scores. Received: {len(scores)}."
        )
    rest = scores[length:]
    if np.any(rest != np.float32(pad_score)):
        raise ValueError(
            f"past {length} candidates every score must be the padding {pad_score}. "
            f"Received: {rest[:5]}."
        )
    return scores[:length]


def _check(scores: Floats, grades: Floats, k: int) -> None:
    if scores.ndim != 1 or scores.shape != grades.shape:
        raise ValueError(
            "scores and grades must be vectors of the same length. "
            f"Received: shapes {scores.shape} and {grades.shape}."
        )
    if k < 1:
        raise ValueError(f"k must be at least 1. Received: {k}.")


def _expected_by_rank(scores: Floats, values: Floats) -> Floats:
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    starts_tie = np.concatenate([[True], ranked[1:] != ranked[:-1]])
    tie = np.cumsum(starts_tie) - 1
    means = np.bincount(tie, weights=values[order]) / np.bincount(tie)
    expected: Floats = means[tie]
    return expected


def _dcg(gains_by_rank: Floats, k: int) -> float:
    gains = gains_by_rank[:k]
    return float(np.sum(gains / np.log2(np.arange(2, len(gains) + 2))))
