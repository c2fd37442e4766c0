"""Which features moved each head most: the mean size of their attributions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from schemas import names

HEADS: Final = names.HEADS
IMPORTANCE_FILE: Final = "importance.json"
BATCH: Final = 64

Item = TypeVar("Item")
Array = npt.NDArray[np.generic]
Attribute = Callable[[Mapping[str, Array], str], Mapping[str, Array]]
"""Inputs of `predict` by name and a head -> outputs of the signature `attribute`."""


def global_importance(
    attribute: Attribute, batches: Sequence[Mapping[str, Array]]
) -> dict[str, dict[str, float]]:
    """Mean of |attribution| by head and feature, most important first.

    In log-odds, for ranking in units of the score of the first engagement listed.
    Snapshots that list none do not count for ranking.

    Args:
      attribute: asks the model.
      batches: inputs of `predict`.

    Returns:
      Head -> feature -> mean; no feature where no snapshot counts.
    """
    found: dict[str, dict[str, float]] = {}
    for head in HEADS:
        sums: dict[str, float] = {}
        count = 0
        for rows in batches:
            answer = attribute(rows, head)
            counted = answer[names.ATTRIBUTED_SCORE] != names.PAD_SCORE
            count += int(counted.sum())
            sizes = np.abs(answer[names.ATTRIBUTION][counted].astype(np.float64)).sum(axis=0)
            for feature, size in zip(answer[names.ATTRIBUTED_FEATURE][0], sizes, strict=True):
                key = feature.decode()
                sums[key] = sums.get(key, 0.0) + float(size)
        ordered = sorted(sums.items(), key=lambda item: -item[1]) if count else []
        found[head] = {key: value / count for key, value in ordered}
    return found


def spread(items: Sequence[Item], wanted: int) -> list[list[Item]]:
    """At most `wanted` of the items, evenly spread, in batches of `BATCH`."""
    places = np.linspace(0, len(items) - 1, min(wanted, len(items))).astype(int)
    chosen = [items[place] for place in places]
    return [chosen[start : start + BATCH] for start in range(0, len(chosen), BATCH)]
