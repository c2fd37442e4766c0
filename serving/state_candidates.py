"""Candidate features of any engagement, from a stored student state.

The batch pipeline computes candidate features from events; a server has the state
and the catalogue of a model version. Both must give the same numbers: the model was
trained on the former. NumPy alone, so that a gateway can use it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from schemas import names

_MICROSECONDS_A_DAY = 86_400_000_000
_USED_TO_OWN = {
    names.USED_COUNT: names.C_OWN_COUNT,
    names.USED_COUNT_7: names.C_OWN_COUNT_7,
    names.USED_COUNT_28: names.C_OWN_COUNT_28,
    names.USED_MET: names.C_OWN_MET,
    names.USED_DAYS_SINCE: names.C_OWN_DAYS_SINCE,
}
_ACTIVE_ALL = names.Q_ACTIVE[0]

Column = npt.NDArray[np.generic]


@dataclasses.dataclass(frozen=True)
class CatalogueRows:
    """Engagements of one audience, as parallel columns of length `N`.

    Attributes:
      features: candidate features that do not depend on the student, by key; bytes
        or float32.
      available_from: int64 microseconds; `MISSING` where there is none.
      available_to: the same.
      due: the same.
    """

    features: Mapping[str, Column]
    available_from: npt.NDArray[np.int64]
    available_to: npt.NDArray[np.int64]
    due: npt.NDArray[np.int64]

    MISSING = np.iinfo(np.int64).min

    def __len__(self) -> int:
        return len(self.due)

    def take(self, rows: npt.NDArray[np.intp]) -> CatalogueRows:
        """The given rows, in that order."""
        return CatalogueRows(
            {key: column[rows] for key, column in self.features.items()},
            self.available_from[rows],
            self.available_to[rows],
            self.due[rows],
        )


def eligible(rows: CatalogueRows, *, t: int, window_days: int) -> npt.NDArray[np.bool_]:
    """Which rows can be offered at `t`.

    [available_from, available_to) has to overlap [t, t + window_days); a missing
    bound is open. The rows are those of the student's audience already.

    Args:
      rows: the audience's catalogue, `N` rows.
      t: int64 microseconds since the epoch, UTC.
      window_days: of ranking.

    Returns:
      bool `[N]`.
    """
    end = t + window_days * _MICROSECONDS_A_DAY
    opens = (rows.available_from == rows.MISSING) | (rows.available_from < end)
    still_open = (rows.available_to == rows.MISSING) | (rows.available_to > t)
    return np.asarray(opens & still_open, np.bool_)


def measured_at(rows: CatalogueRows, dates: Iterable[str], *, later: int) -> CatalogueRows:
    """The rows with their date attributes at another instant than the catalogue's.

    A date is the days from it to `as_of`; later it is longer ago. Where there is no
    date it stays 0.

    Args:
      rows: as the catalogue has them.
      dates: keys of the candidate features that come from a date column.
      later: int64 microseconds from `as_of` on, may be negative.
    """
    days = np.float32(later / _MICROSECONDS_A_DAY)
    moved = {
        key: _numbers(rows.features[key]) + days * _numbers(rows.features[key + names.KNOWN_SUFFIX])
        for key in dates
    }
    return dataclasses.replace(rows, features={**rows.features, **moved})


def candidate_features(
    state: Mapping[str, object], rows: CatalogueRows, *, t: int
) -> dict[str, Column]:
    """Every candidate feature of `rows` for the student of `state`, as of `t`.

    Args:
      state: one row of the stored states: scalars, and lists for ragged features.
      rows: the engagements asked about, `N` rows; `measured_at` t, where t is not the
        catalogue's `as_of`.
      t: int64 microseconds; the state's `snapshot_time`.

    Returns:
      Feature key -> column of length `N`: bytes for ids, types, categories and
      texts, float32 for numbers.
    """
    return {
        **rows.features,
        **_own_use(state, rows),
        **_own_type(state, rows),
        **_distance(
            rows.available_from, t, names.C_AVAILABLE_KNOWN, names.C_DAYS_AVAILABLE, sign=1
        ),
        **_distance(rows.due, t, names.C_DUE_KNOWN, names.C_DAYS_TO_DUE, sign=-1),
    }


def _own_use(state: Mapping[str, object], rows: CatalogueRows) -> dict[str, Column]:
    place = _places(_texts(state[names.USED_ID]), rows.features[names.C_ID])
    return {own: _at(_numbers(state[used]), place) for used, own in _USED_TO_OWN.items()}


def _own_type(state: Mapping[str, object], rows: CatalogueRows) -> dict[str, Column]:
    place = _places(_texts(state[names.TYPE_NAME]), rows.features[names.C_TYPE])
    active = _at(_numbers(state[names.TYPE_ACTIVE_ALL]), place)
    total = float(_numbers([state[_ACTIVE_ALL]])[0])
    share = active / np.float32(total) if total > 0 else np.zeros_like(active)
    return {
        names.C_OWN_TYPE_SHARE: share,
        names.C_OWN_TYPE_COUNT_28: _at(_numbers(state[names.TYPE_ACTIVE_28]), place),
    }


def _distance(
    instants: npt.NDArray[np.int64], t: int, known_key: str, days_key: str, *, sign: int
) -> dict[str, Column]:
    known = instants != CatalogueRows.MISSING
    days = sign * (t - np.where(known, instants, t)) / _MICROSECONDS_A_DAY
    return {known_key: known.astype(np.float32), days_key: days.astype(np.float32)}


def _places(listed: Sequence[bytes], wanted: Column) -> npt.NDArray[np.intp]:
    """Place of each wanted text in `listed`; -1 where it is not there."""
    index = {text: place for place, text in enumerate(listed)}
    return np.fromiter((index.get(text, -1) for text in wanted.tolist()), np.intp, len(wanted))


def _at(values: npt.NDArray[np.float32], place: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    if not len(values):
        return np.zeros(len(place), np.float32)
    return np.where(place < 0, np.float32(0), values[place])


def _texts(values: object) -> list[bytes]:
    return [v if isinstance(v, bytes) else str(v).encode() for v in _sequence(values)]


def _numbers(values: object) -> npt.NDArray[np.float32]:
    return np.asarray(_sequence(values), np.float32)


def _sequence(values: object) -> Sequence[object]:
    if isinstance(values, np.ndarray):
        return list(values.tolist())
    if isinstance(values, (list, tuple)):
        return values
    raise TypeError(f"A ragged feature of a state must be a list. Received: {type(values)}.")
