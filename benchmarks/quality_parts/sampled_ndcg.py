"""NDCG over all candidates, estimated from a list that holds a sample of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts.candidate_lists import TOP_K, CandidateLists

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class SampledNdcg:
    """Mean NDCG@k of lists, each candidate standing for 1 / probability ones.

        rank_i = 1 + sum over j above i of 1 / p_j + half of that over j tied with i

    (Horvitz and Thompson's estimate of the number of candidates above.) Peers are
    chosen by it on the calibration split, whose lists are sampled.

    Args:
      lists: every one with a grade above 0.
      k: places that count.
    """

    def __init__(self, lists: CandidateLists, k: int = TOP_K) -> None:
        self._list = lists.list_of
        self._stands_for = 1 / lists.probability
        self._gains = np.exp2(lists.grades) - 1
        self._k = k
        count = len(lists.snapshot)
        order = np.lexsort((-self._gains, self._list))
        rank = np.arange(len(order)) - lists.starts[self._list[order]] + 1
        discounted = np.where(rank <= k, self._gains[order] / np.log2(rank + 1), 0)
        self._best = np.bincount(self._list[order], weights=discounted, minlength=count)

    def __call__(self, scores: Floats) -> float:
        """The mean, of scores `(total,)`."""
        order = np.lexsort((-scores, self._list))
        owner, weight, gains = self._list[order], self._stands_for[order], self._gains[order]
        starts = np.ones(len(order), bool)
        starts[1:] = (np.diff(scores[order]) != 0) | (np.diff(owner) != 0)
        tie = np.cumsum(starts) - 1
        of_tie = np.bincount(tie, weights=weight)
        before_tie = np.cumsum(of_tie) - of_tie
        of_list = np.bincount(owner, weights=weight, minlength=len(self._best))
        before_list = np.cumsum(of_list) - of_list
        above = before_tie[tie] - before_list[owner]
        rank = 1 + above + (of_tie[tie] - weight) / 2
        discounted = np.where(rank <= self._k, gains / np.log2(rank + 1), 0)
        dcg = np.bincount(owner, weights=discounted, minlength=len(self._best))
        return float(np.mean(dcg / self._best))
