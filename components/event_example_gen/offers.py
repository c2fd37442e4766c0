"""What can be offered to each audience on each UTC day, and how popular it was.

Lists are made for pairs of audience and day, which many snapshots share, and not
for each snapshot: with a hundred thousand engagements the latter would not end.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import numpy.typing as npt

from components.event_example_gen import clock
from components.event_example_gen.catalogue import Engagements
from components.event_example_gen.popularity import ACTIVE_28, Popularity
from components.event_example_gen.segments import Places, expand, offsets_of


@dataclasses.dataclass(frozen=True, eq=False)
class Offers:
    """The engagements eligible at some instant of a day, for `G` pairs of audience and day.

    Attributes:
      audience: int64 `[G]`.
      day: int64 `[G]`.
      start: `[G + 1]`; the offers of pair g are [start[g], start[g + 1]).
      engagement: ascending within a pair, int64 `[O]`.
      count: int64 `[O, 4]`; the counts of `popularity`.
      total: int64 `[G, 4]`; those of the audience as a whole.
      width: number of engagements of the catalogue.
    """

    audience: Places
    day: Places
    start: Places
    engagement: Places
    count: Places
    total: Places
    width: int

    @functools.cached_property
    def keys(self) -> Places:
        """Pair * width + engagement of each offer, ascending: `[O]`."""
        pair = np.repeat(np.arange(len(self.day)), np.diff(self.start))
        return pair * self.width + self.engagement

    @functools.cached_property
    def events_before(self) -> Places:
        """Active events of 28 days with the first n offers: `[O + 1]`."""
        return offsets_of(self.count[:, ACTIVE_28])

    def find(self, pair: Places, engagement: Places) -> Places:
        """The offer of each pair and engagement; -1 where it is none."""
        if not len(self.keys):
            return np.full(len(pair), -1)
        wanted = pair * self.width + engagement
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where((self.keys[place] == wanted) & (engagement >= 0), place, -1)


def eligible(
    engagements: Engagements, engagement: Places, t: clock.Instants, window: int
) -> npt.NDArray[np.bool_]:
    """Whether [available_from, available_to) overlaps [t, t + window).

    Args:
      engagements: the catalogue.
      engagement: `[m]`.
      t: int64 microseconds `[m]`.
      window: in microseconds.
    """
    begins, ends = engagements.available_from[engagement], engagements.available_to[engagement]
    opens = (begins == clock.MISSING) | (begins < t + window)
    overlaps: npt.NDArray[np.bool_] = opens & ((ends == clock.MISSING) | (ends > t))
    return overlaps


def make_offers(
    engagements: Engagements,
    popularity: Popularity,
    audience: Places,
    day: Places,
    *,
    window: int,
) -> Offers:
    """The offers of the given pairs of audience and day.

    Args:
      engagements: the catalogue.
      popularity: holds the pairs; a pair it does not hold counts as without events.
      audience: of each pair, `[G]`.
      day: of each pair, `[G]`.
      window: of ranking, in microseconds.
    """
    pair, engagement = _listed(engagements, audience, day, window)
    start = offsets_of(np.bincount(pair, minlength=len(day)))
    place = popularity.find(audience, day)
    total = np.zeros((len(day), 4), np.int64)
    known = place >= 0
    total[known] = popularity.total[place[known]]
    offers = Offers(
        audience=audience,
        day=day,
        start=start,
        engagement=engagement,
        count=np.zeros((len(engagement), 4), np.int64),
        total=total,
        width=len(engagements),
    )
    rows = place[known]
    owner, source = expand(popularity.start[rows], np.diff(popularity.start)[rows])
    target = offers.find(np.flatnonzero(known)[owner], popularity.engagement[source])
    offers.count[target[target >= 0]] = popularity.count[source[target >= 0]]
    return offers


def _listed(
    engagements: Engagements, audience: Places, day: Places, window: int
) -> tuple[Places, Places]:
    """Pair and engagement of every offer, by both."""
    pairs, listed = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    begin = day * clock.DAY
    for code in np.unique(audience):
        rows = np.flatnonzero(audience == code)
        own = engagements.of_audience(int(code))
        begins = engagements.available_from[own]
        ends = engagements.available_to[own]
        ends = np.where(ends == clock.MISSING, clock.NEVER, ends)
        stop = begin[rows] + (clock.DAY - 1) + window
        mask = (begins < stop[:, None]) & (ends > begin[rows][:, None])
        row, column = np.nonzero(mask)
        pairs.append(rows[row])
        listed.append(own[column].astype(np.int64))
    pair, engagement = np.concatenate(pairs), np.concatenate(listed)
    order = np.argsort(pair, kind="stable")
    return pair[order], engagement[order]
