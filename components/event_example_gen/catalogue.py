"""The engagements of a data set, and which of them are open to whom."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.event_example_gen import clock, profile
from components.event_example_gen.columns import Column, Texts, encode_texts
from schemas import names
from schemas.config import GoalpathConfig

AUDIENCE_SEPARATOR = "|"

Codes = npt.NDArray[np.int32]
Integers = npt.NDArray[np.integer[Any]]


@dataclasses.dataclass(frozen=True, eq=False)
class Engagements:
    """All engagements, in order of their ids; `E` of them.

    Attributes:
      ids: large strings `[E]`, ascending.
      types: type of each engagement, with the sorted vocabulary of types.
      attributes: candidate feature key -> column of `E` values; dates are
        instants, to be measured from the time asked about.
      available_from: int64 `[E]`, `clock.MISSING` where open.
      available_to: the same.
      due: the same.
      audiences: every audience of students and engagements, ascending.
      open_to_all: bool `[E]`; the engagement names no audience.
      restricted: for each audience, the engagements that name it.
    """

    ids: pa.LargeStringArray
    types: Texts
    attributes: Mapping[str, profile.Attribute]
    available_from: clock.Instants
    available_to: clock.Instants
    due: clock.Instants
    audiences: tuple[str, ...]
    open_to_all: npt.NDArray[np.bool_]
    restricted: Mapping[int, Codes]

    def __len__(self) -> int:
        return len(self.ids)

    @functools.cached_property
    def _all_open(self) -> Codes:
        return np.flatnonzero(self.open_to_all).astype(np.int32)

    @functools.cached_property
    def _lists(self) -> dict[int, Codes]:
        return {}

    def of_audience(self, audience: int) -> Codes:
        """The engagements open to an audience by name, ascending; dates are not looked at."""
        if audience not in self._lists:
            own = self.restricted.get(audience)
            listed = self._all_open if own is None else np.union1d(self._all_open, own)
            self._lists[audience] = listed.astype(np.int32)
        return self._lists[audience]

    def is_open(self, engagement: Integers, audience: Integers) -> npt.NDArray[np.bool_]:
        """Whether each engagement is open to the audience beside it, by name."""
        keys = audience.astype(np.int64) * len(self) + engagement
        place = np.searchsorted(self._restricted_keys, keys)
        place = np.minimum(place, max(len(self._restricted_keys) - 1, 0))
        named: npt.NDArray[np.bool_] = (
            self._restricted_keys[place] == keys
            if len(self._restricted_keys)
            else np.zeros(len(keys), bool)
        )
        return self.open_to_all[engagement] | named

    @functools.cached_property
    def _restricted_keys(self) -> npt.NDArray[np.int64]:
        parts = [
            audience * len(self) + codes.astype(np.int64)
            for audience, codes in sorted(self.restricted.items())
        ]
        return np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.int64)

    def attribute_columns(
        self, engagement: Integers, t: npt.NDArray[np.int64]
    ) -> dict[str, Column]:
        """Attributes of engagements as of the instants beside them."""
        columns: dict[str, Column] = {}
        for key, attribute in self.attributes.items():
            columns.update(attribute.columns(key, engagement, t))
        return columns


def engagements_from_table(
    table: pa.Table, config: GoalpathConfig, student_audiences: Sequence[str]
) -> Engagements:
    """The engagements of a canonical table.

    Args:
      table: `engagements` by the contract.
      config: of the data set; names the attributes and their kinds.
      student_audiences: the audiences that students are in, "" among them where a
        student is in none.
    """
    table = table.take(pc.sort_indices(table[names.ENGAGEMENT_ID])).combine_chunks()
    named = profile.text_column(table, names.AUDIENCE)
    audiences = audience_names(named, student_audiences)
    prefix = names.CANDIDATE_PREFIX + names.ATTRIBUTE_INFIX
    return Engagements(
        ids=profile.text_column(table, names.ENGAGEMENT_ID),
        types=encode_texts(table[names.ENGAGEMENT_TYPE].combine_chunks()),
        attributes=profile.attributes(table, config.tables.engagements.features, prefix),
        available_from=profile.instants(table, names.AVAILABLE_FROM),
        available_to=profile.instants(table, names.AVAILABLE_TO),
        due=profile.instants(table, names.DUE),
        audiences=audiences,
        open_to_all=pc.equal(named, "").to_numpy(zero_copy_only=False),
        restricted=_restricted(named, audiences),
    )


def audience_names(named: pa.LargeStringArray, student_audiences: Sequence[str]) -> tuple[str, ...]:
    """All audiences: those of students, and those that engagements name."""
    found = set(student_audiences)
    for text in named.unique().to_pylist():
        found.update(_split(text))
    return tuple(sorted(found))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(AUDIENCE_SEPARATOR) if part.strip()]


def _restricted(named: pa.LargeStringArray, audiences: Sequence[str]) -> dict[int, Codes]:
    place = {audience: code for code, audience in enumerate(audiences)}
    encoded = encode_texts(named)
    parts: dict[int, list[npt.NDArray[np.int64]]] = {}
    for code, text in enumerate(encoded.vocabulary.to_pylist()):
        rows = np.flatnonzero(encoded.codes == code)
        for audience in _split(text):
            parts.setdefault(place[audience], []).append(rows)
    return {
        audience: np.unique(np.concatenate(rows)).astype(np.int32)
        for audience, rows in parts.items()
    }
