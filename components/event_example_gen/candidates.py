"""The candidate list of each snapshot, with its features and grades."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from components.event_example_gen import clock
from components.event_example_gen.columns import Column, Columns, Numbers, Texts
from components.event_example_gen.labels import Answers
from components.event_example_gen.offers import Offers, eligible
from components.event_example_gen.popularity import shares
from components.event_example_gen.sampling import Sampler
from components.event_example_gen.segments import Places, expand, offsets_of
from components.event_example_gen.state import Snapshots, StateSource, use_of_runs
from schemas import names

_COUNT_KEYS = (names.C_POPULARITY_7, names.C_POPULARITY_28, names.C_REACH_7, names.C_REACH_28)


@dataclasses.dataclass(frozen=True, eq=False)
class Lists:
    """Candidate lists of `n` snapshots, end to end; `M` candidates.

    Attributes:
      offsets: `[n + 1]`; the candidates of snapshot i are [offsets[i], offsets[i + 1]).
      row: snapshot of each candidate, `[M]`.
      offer: of each candidate, ascending within a list, `[M]`.
      grade: float32 `[M]`.
      probability: of being sampled, float32 `[M]`; 1 for a positive, 0 for what is
        there only because it was given.
      given: place of the given engagement in the list, -1 for none. `[n]`.
    """

    offsets: Places
    row: Places
    offer: Places
    grade: npt.NDArray[np.float32]
    probability: npt.NDArray[np.float32]
    given: Places


@dataclasses.dataclass(frozen=True, eq=False)
class Listing:
    """What lists are made from.

    Attributes:
      source: of the students' histories.
      snapshots: `n` of them.
      pair: place of each snapshot's audience and day among the offers, `[n]`.
      offers: of those pairs.
      answers: what the students responded to.
    """

    source: StateSource
    snapshots: Snapshots
    pair: Places
    offers: Offers
    answers: Answers

    @property
    def window(self) -> int:
        """Of ranking, in microseconds."""
        return self.source.reference.config.ranking.window_days * clock.DAY

    def is_eligible(self, row: Places, offer: Places) -> npt.NDArray[np.bool_]:
        """Whether each offer is eligible at the instant of its snapshot."""
        engagement = self.offers.engagement[offer]
        return eligible(
            self.source.reference.engagements, engagement, self.snapshots.t[row], self.window
        )

    def find(self, row: Places, engagement: Places) -> Places:
        """The offer of each snapshot and engagement; -1 where it is not eligible."""
        offer = self.offers.find(self.pair[row], engagement)
        there = offer >= 0
        there[there] = self.is_eligible(row[there], offer[there])
        return np.where(there, offer, -1)


def training_lists(listing: Listing, sampler: Sampler) -> Lists:
    """All positives, sampled negatives, and the engagement given."""
    students = listing.source.histories.students
    at = listing.snapshots
    row, offer = sampler.draw(listing.offers, listing.pair, students.hashes[at.student], at.t)
    drawn = listing.is_eligible(row, offer)
    sampled = _keys(listing, row[drawn], offer[drawn])
    return _assemble(listing, sampled, sampler)


def full_lists(listing: Listing, chosen: npt.NDArray[np.bool_]) -> Lists:
    """Every eligible engagement for the chosen snapshots, nothing for the others.

    Args:
      listing: of `n` snapshots.
      chosen: bool `[n]`.
    """
    first = listing.offers.start[listing.pair]
    counts = listing.offers.start[listing.pair + 1] - first
    row, offer = expand(first, np.where(chosen, counts, 0))
    inside = listing.is_eligible(row, offer)
    return _assemble(listing, _keys(listing, row[inside], offer[inside]), None)


def _keys(listing: Listing, row: Places, offer: Places) -> Places:
    return row * (len(listing.offers.engagement) + 1) + offer


def _assemble(listing: Listing, sampled: Places, sampler: Sampler | None) -> Lists:
    """Lists of the sampled keys; with a sampler, of positives and given ones too."""
    answers, size = listing.answers, len(listing.snapshots)
    positive_offer = listing.find(answers.row, answers.engagement)
    there = positive_offer >= 0
    positive = _keys(listing, answers.row[there], positive_offer[there])
    given_row = np.flatnonzero(answers.given >= 0)
    given_offer = listing.find(given_row, answers.given[given_row])
    given_row, given_offer = given_row[given_offer >= 0], given_offer[given_offer >= 0]
    given = _keys(listing, given_row, given_offer)
    sampled = np.unique(sampled)
    keys = sampled if sampler is None else np.unique(np.concatenate([sampled, positive, given]))
    row, offer = np.divmod(keys, len(listing.offers.engagement) + 1)
    offsets = offsets_of(np.bincount(row, minlength=size))
    grade = np.zeros(len(keys), np.float32)
    place = _find_sorted(keys, positive)
    grade[place[place >= 0]] = answers.grade[there][place >= 0]
    probability = np.ones(len(keys), np.float32)
    if sampler is not None:
        probability = sampler.probability(listing.offers, listing.pair[row], offer)
        probability[_find_sorted(sampled, keys) < 0] = 0
        probability[grade > 0] = 1
    index = np.full(size, -1)
    place = _find_sorted(keys, given)
    met = place >= 0
    index[given_row[met]] = place[met] - offsets[given_row[met]]
    return Lists(offsets, row, offer, grade, probability, index)


def _find_sorted(keys: Places, wanted: Places) -> Places:
    """The place of each wanted key among ascending keys; -1 where it is not there."""
    if not len(keys):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, place, -1)


def list_columns(listing: Listing, lists: Lists, states: Columns) -> dict[str, Column]:
    """Every candidate feature, and the ranking labels.

    Args:
      listing: of `n` snapshots.
      lists: of the same.
      states: of the same, as `compute_states` gives them.
    """
    engagement = listing.offers.engagement[lists.offer]
    flat = {
        **_identity(listing, lists, engagement),
        **_popularity(listing, lists),
        **_own_use(listing, lists, engagement),
        **_own_type(listing, lists, engagement, states),
        **_distances(listing, lists, engagement),
        names.C_GRADE: Numbers(lists.grade),
        names.C_SAMPLING_PROBABILITY: Numbers(lists.probability),
    }
    columns: dict[str, Column] = {
        key: dataclasses.replace(column, offsets=lists.offsets) for key, column in flat.items()
    }
    return {**columns, **_ranking_labels(listing, lists)}


def _ranking_labels(listing: Listing, lists: Lists) -> Columns:
    positives = np.bincount(lists.row[lists.grade > 0], minlength=len(listing.snapshots))
    weight = listing.answers.known & (positives > 0)
    return {
        names.GIVEN_INDEX: Numbers(lists.given),
        names.RANKING_WEIGHT: Numbers(weight.astype(np.float32)),
    }


def _identity(listing: Listing, lists: Lists, engagement: Places) -> dict[str, Column]:
    engagements = listing.source.reference.engagements
    return {
        names.C_ID: Texts(engagement, engagements.ids),
        names.C_TYPE: Texts(engagements.types.codes[engagement], engagements.types.vocabulary),
        **engagements.attribute_columns(engagement, listing.snapshots.t[lists.row]),
    }


def _popularity(listing: Listing, lists: Lists) -> dict[str, Column]:
    count = listing.offers.count[lists.offer]
    total = listing.offers.total[listing.pair[lists.row]]
    values = shares(count, total)
    return {
        key: Numbers(np.ascontiguousarray(values[:, place]))
        for place, key in enumerate(_COUNT_KEYS)
    }


def _own_use(listing: Listing, lists: Lists, engagement: Places) -> dict[str, Column]:
    """What the student did with each candidate before t; zeros for one never met."""
    runs = listing.source.histories.events.by_engagement
    run = runs.find(listing.snapshots.student[lists.row], engagement)
    met = np.flatnonzero(run >= 0)
    use = use_of_runs(runs, run[met], listing.snapshots.t[lists.row[met]])
    found = {
        names.C_OWN_COUNT: use.active,
        names.C_OWN_COUNT_7: use.active_7,
        names.C_OWN_COUNT_28: use.active_28,
        names.C_OWN_MET: use.met,
        names.C_OWN_DAYS_SINCE: use.days_since,
    }
    columns: dict[str, Column] = {}
    for key, values in found.items():
        column = np.zeros(len(engagement), np.float32)
        column[met] = values
        columns[key] = Numbers(column)
    return columns


def _own_type(
    listing: Listing, lists: Lists, engagement: Places, states: Columns
) -> dict[str, Column]:
    """The student's use of the candidate's type."""
    types = listing.source.reference.engagements.types
    own, active, total = (
        states[names.TYPE_NAME],
        states[names.TYPE_ACTIVE_ALL],
        states[names.Q_ACTIVE[0]],
    )
    recent = states[names.TYPE_ACTIVE_28]
    assert isinstance(own, Texts)
    assert own.offsets is not None
    assert isinstance(active, Numbers)
    assert isinstance(recent, Numbers)
    assert isinstance(total, Numbers)
    owner = np.repeat(np.arange(len(listing.snapshots)), np.diff(own.offsets))
    table = np.zeros((2, len(listing.snapshots), len(types.vocabulary)), np.float32)
    table[0, owner, own.codes] = active.values
    table[1, owner, own.codes] = recent.values
    code = types.codes[engagement]
    count = table[0, lists.row, code]
    all_active = np.maximum(total.values[lists.row], np.float32(1))
    return {
        names.C_OWN_TYPE_SHARE: Numbers(count / all_active),
        names.C_OWN_TYPE_COUNT_28: Numbers(table[1, lists.row, code]),
    }


def _distances(listing: Listing, lists: Lists, engagement: Places) -> dict[str, Column]:
    """Days since the engagement became available, and to its due date."""
    engagements, t = listing.source.reference.engagements, listing.snapshots.t[lists.row]
    begins, due = engagements.available_from[engagement], engagements.due[engagement]
    known, has_due = begins != clock.MISSING, due != clock.MISSING
    available = clock.days_between(t, np.where(known, begins, t))
    ahead = clock.days_between(np.where(has_due, due, t), t)
    return {
        names.C_AVAILABLE_KNOWN: Numbers(known.astype(np.float32)),
        names.C_DAYS_AVAILABLE: Numbers(available),
        names.C_DUE_KNOWN: Numbers(has_due.astype(np.float32)),
        names.C_DAYS_TO_DUE: Numbers(ahead),
    }
