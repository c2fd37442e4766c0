"""Draws of negatives, and the probability that a draw meets an engagement."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from components.event_example_gen import hashing
from components.event_example_gen.offers import Offers
from components.event_example_gen.popularity import ACTIVE_28
from components.event_example_gen.segments import Places
from schemas.config import RankingConfig

_NEGATIVE_DRAW = 2  # tells this use of a snapshot's hash from others
_PLACE_DRAW = 3


@dataclasses.dataclass(frozen=True)
class Sampler:
    """How negatives are drawn among the offers of a day.

    Attributes:
      draws: with replacement, for each snapshot.
      popular_share: chance that a draw is made in proportion to the active events of
        the last 28 days; else, or where there is no event, all are equally likely.
      seed: of the draws.
    """

    draws: int
    popular_share: float
    seed: int

    def draw(
        self, offers: Offers, pair: Places, hashes: hashing.Hashes, t: Places
    ) -> tuple[Places, Places]:
        """Draws offers for snapshots.

        Args:
          offers: of the pairs.
          pair: of each snapshot, `[n]`.
          hashes: of the student of each snapshot, `[n]`.
          t: of each snapshot, `[n]`.

        Returns:
          Snapshot and offer of each draw, `[n * draws]`; fewer where a pair has no
          offers.
        """
        rows = np.flatnonzero(offers.start[pair + 1] > offers.start[pair])
        pair = pair[rows]
        base = hashing.mix(hashing.mix(hashing.mix(hashes, self.seed), t), _NEGATIVE_DRAW)[rows]
        coin = hashing.mix(base[:, None], np.arange(self.draws))
        place = hashing.mix(coin, _PLACE_DRAW)
        first, stop = offers.start[pair], offers.start[pair + 1]
        before = offers.events_before
        events = before[stop] - before[first]
        uniform = first[:, None] + hashing.below(place, (stop - first)[:, None])
        target = before[first][:, None] + hashing.below(place, np.maximum(events, 1)[:, None])
        popular = (hashing.uniform(coin) < self.popular_share) & (events > 0)[:, None]
        drawn = uniform
        drawn[popular] = np.searchsorted(before, target[popular], side="right") - 1
        return np.repeat(rows, self.draws), drawn.reshape(-1)

    def probability(self, offers: Offers, pair: Places, offer: Places) -> npt.NDArray[np.float32]:
        """The probability that at least one of the draws meets the offer.

        1 - (1 - p)^draws, where p = share * c / sum(c) + (1 - share) / n for an offer
        with c active events among the n of its pair; 1 / n where sum(c) is 0.

        Args:
          offers: of the pairs.
          pair: `[m]`.
          offer: `[m]`.
        """
        before, first, stop = offers.events_before, offers.start[pair], offers.start[pair + 1]
        events = before[stop] - before[first]
        share = np.where(events > 0, self.popular_share, 0.0)
        popular = offers.count[offer, ACTIVE_28] / np.maximum(events, 1)
        once = share * popular + (1 - share) / (stop - first)
        with np.errstate(divide="ignore"):
            met: npt.NDArray[np.float64] = -np.expm1(self.draws * np.log1p(-once))
        return met.astype(np.float32)


def sampler_of(ranking: RankingConfig, seed: int) -> Sampler:
    """The sampler that the configuration asks for."""
    return Sampler(ranking.negatives, ranking.popular_share, seed)
