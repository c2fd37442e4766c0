"""Rankings that need no learning, and a blend of them with three numbers to choose."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts.candidate_lists import CandidateLists
from benchmarks.quality_parts.sampled_ndcg import SampledNdcg
from benchmarks.quality_parts.snapshots import Snapshots
from schemas import names

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

_NEVER: Final = -1e9
_FLOOR: Final = 1e-4
_RECENCY_WEIGHTS: Final = (0.0, 1.0, 2.0, 4.0, 8.0)
_DECAY_DAYS: Final = (7.0, 28.0)
_USE_WEIGHTS: Final = (0.0, 0.5, 1.0, 2.0)


def popularity(snapshots: Snapshots, places: Places, days: int) -> Floats:
    """Share of the audience's active events in the last 7 or 28 days: `(total,)`."""
    key = {7: names.C_POPULARITY_7, 28: names.C_POPULARITY_28}[days]
    return _values(snapshots, key, places)


def recency(snapshots: Snapshots, places: Places) -> Floats:
    """Own last use first; engagements never used are tied at the end: `(total,)`."""
    used = _values(snapshots, names.C_OWN_COUNT, places) > 0
    return np.where(used, -_values(snapshots, names.C_OWN_DAYS_SINCE, places), _NEVER)


def most_used(snapshots: Snapshots, places: Places) -> Floats:
    """Own number of active events: `(total,)`."""
    return _values(snapshots, names.C_OWN_COUNT, places)


def blend(
    snapshots: Snapshots, places: Places, *, recent: float, decay_days: float, use: float
) -> Floats:
    """Popularity, recency and own use in one: `(total,)`.

    log(popularity_7 + popularity_28 / 4) + recent exp(-days since / decay_days)
        + use log(1 + own count of 28 days), the second only where it was used.
    """
    popular = popularity(snapshots, places, 7) + popularity(snapshots, places, 28) / 4
    used = _values(snapshots, names.C_OWN_COUNT, places) > 0
    days = _values(snapshots, names.C_OWN_DAYS_SINCE, places)
    count = _values(snapshots, names.C_OWN_COUNT_28, places)
    score: Floats = (
        np.log(popular + _FLOOR)
        + recent * np.where(used, np.exp(-days / decay_days), 0)
        + use * np.log1p(count)
    )
    return score


def choose_blend(snapshots: Snapshots, lists: CandidateLists) -> Mapping[str, float]:
    """The numbers of `blend` with the highest estimated NDCG@10 on these lists."""
    measure = SampledNdcg(lists)
    grid = [
        {"recent": recent, "decay_days": decay, "use": use}
        for recent, decay, use in itertools.product(_RECENCY_WEIGHTS, _DECAY_DAYS, _USE_WEIGHTS)
    ]
    return max(grid, key=lambda numbers: measure(blend(snapshots, lists.places, **numbers)))


def _values(snapshots: Snapshots, key: str, places: Places) -> Floats:
    return snapshots.columns[key].values[places].astype(np.float64)
