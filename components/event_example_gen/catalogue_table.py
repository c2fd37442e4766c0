"""The catalogue of a model version: what can be offered to each audience."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from components.event_example_gen import clock
from components.event_example_gen.catalogue import Engagements
from components.event_example_gen.columns import Numbers, Texts, to_flat_array
from components.event_example_gen.popularity import Popularity, shares
from components.event_example_gen.segments import Places
from schemas import names

_COUNT_KEYS = (names.C_POPULARITY_7, names.C_POPULARITY_28, names.C_REACH_7, names.C_REACH_28)


def catalogue_table(engagements: Engagements, popularity: Popularity, as_of: int) -> pa.Table:
    """One row for each audience and engagement open to it by name, sorted.

    Args:
      engagements: all of them.
      popularity: holds every audience on the day of `as_of`.
      as_of: what attributes and popularity are measured at.

    Returns:
      `audience`, the candidate features that do not depend on the student, and
      `available_from`, `available_to` and `due` as int64 microseconds or null.
    """
    listed = [
        engagements.of_audience(code).astype(np.int64) for code in range(len(engagements.audiences))
    ]
    engagement = np.concatenate([*listed, np.zeros(0, np.int64)])
    audience = np.repeat(np.arange(len(listed)), [len(rows) for rows in listed])
    texts = pa.array(engagements.audiences, pa.large_string())
    columns = {
        names.AUDIENCE: Texts(audience, texts),
        names.C_ID: Texts(engagement, engagements.ids),
        names.C_TYPE: Texts(engagements.types.codes[engagement], engagements.types.vocabulary),
        **_popularity(popularity, audience, engagement, as_of // clock.DAY),
        **engagements.attribute_columns(engagement, np.full(len(engagement), as_of)),
    }
    arrays = {key: to_flat_array(column) for key, column in columns.items()}
    dates = {
        names.AVAILABLE_FROM: engagements.available_from,
        names.AVAILABLE_TO: engagements.available_to,
        names.DUE: engagements.due,
    }
    for key, instants in dates.items():
        values = instants[engagement]
        arrays[key] = pa.array(values, mask=values == clock.MISSING)
    return pa.table(arrays)


def _popularity(
    popularity: Popularity, audience: Places, engagement: Places, day: int
) -> dict[str, Numbers]:
    pair = popularity.find(audience, np.full(len(audience), day))
    width = int(max(engagement.max(initial=0), popularity.engagement.max(initial=0))) + 1
    owner = np.repeat(np.arange(len(popularity.day)), np.diff(popularity.start))
    keys, wanted = owner * width + popularity.engagement, pair * width + engagement
    count = np.zeros((len(engagement), 4), np.int64)
    if len(keys):
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found = (keys[place] == wanted) & (pair >= 0)
        count[found] = popularity.count[place[found]]
    values = shares(count, popularity.total[pair])
    return {key: Numbers(values[:, place]) for place, key in enumerate(_COUNT_KEYS)}
