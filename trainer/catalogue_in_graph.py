"""The catalogue inside the graph: who can be offered what, and with which features.

Eligibility, own use and calendar are computed here as EventExampleGen computes them
for training lists and `serving.state_candidates` for a gateway; the definitions are
in docs/architecture.md and at the names in `schemas.names`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from schemas import names
from schemas.config import GoalpathConfig, Kind
from schemas.features import DType
from trainer import features
from trainer.batching import MaybeRagged, model_inputs
from trainer.catalogue import MISSING, Catalogue, catalogue_features
from trainer.features import Group

Transform = Callable[[Mapping[str, MaybeRagged]], Mapping[str, MaybeRagged]]
Tensors = Mapping[str, tf.Tensor]

MICROSECONDS_A_DAY = 86_400_000_000
_SEPARATOR = "\x1f"
_ABSENT = -1
_OWN = {
    names.C_OWN_COUNT: names.USED_COUNT,
    names.C_OWN_COUNT_7: names.USED_COUNT_7,
    names.C_OWN_COUNT_28: names.USED_COUNT_28,
    names.C_OWN_MET: names.USED_MET,
    names.C_OWN_DAYS_SINCE: names.USED_DAYS_SINCE,
}


class Offers(NamedTuple):
    """What each student of a batch can be offered.

    Attributes:
      rows: rows of the catalogue, ragged int64 `[B, None]`, in the order of ids.
      flat: where the pair (student, row) stands in `rows.flat_values`, int64 `[B, n]`
        for the `n` places of the longest audience; -1 where it is not offered.
      start: first row of each student's audience, int64 `[B]`.
      group: number of the audience, int64 `[B]`; -1 for none.
    """

    rows: tf.RaggedTensor
    flat: tf.Tensor
    start: tf.Tensor
    group: tf.Tensor


class CatalogueInGraph(tf.Module):  # type: ignore[misc]
    """Constants and tables of a catalogue, and what is computed from them.

    Students of an audience that the catalogue does not have get the rows of the
    audience "", if there are any.

    Args:
      catalogue: `C` rows; may have none.
      config: of the data set.
      transform: applies the transform graph.
    """

    def __init__(self, catalogue: Catalogue, config: GoalpathConfig, transform: Transform) -> None:
        super().__init__(name="catalogue")
        self._config = config
        self._transform = transform
        rows = _at_least_one_row(catalogue)
        audiences, starts, lengths = _audience_ranges(rows.audience, len(catalogue))
        groups = np.arange(len(audiences))
        self._group_of = _table(audiences, groups)
        self._starts = tf.constant([*starts, 0], tf.int64)
        self._lengths = tf.constant([*lengths, 0], tf.int64)
        ids = rows.features[names.C_ID]
        self._ids = tf.constant(list(ids), tf.string)
        group_of_row = np.repeat(groups, lengths)
        # Not strict: the blank row of an empty catalogue is of no group.
        pairs = [b"%d\x1f%s" % pair for pair in zip(group_of_row, ids, strict=False)]
        self._row_of = _table(pairs, np.arange(len(pairs)))
        types = rows.features[names.C_TYPE]
        vocabulary = sorted(set(types))
        self._type_of = _table(vocabulary, np.arange(len(vocabulary)))
        self._types = len(vocabulary)
        self._type_of_row = tf.constant(np.searchsorted(vocabulary, types), tf.int64)
        self._from = tf.constant(rows.available_from, tf.int64)
        self._to = tf.constant(rows.available_to, tf.int64)
        self._due = tf.constant(rows.due, tf.int64)
        self._as_of = rows.as_of
        self._numbers = {
            spec.key: tf.constant(rows.features[spec.key], tf.float32)
            for spec in catalogue_features(config)
            if spec.dtype is DType.FLOAT
        }
        self._indices = self._transformed_texts(rows)

    def _transformed_texts(self, rows: Catalogue) -> dict[str, tf.Tensor]:
        """Indices and tokens of every row, int32 `[C]` or `[C, L]`; looked up here, once."""
        raw = {
            spec.key: tf.RaggedTensor.from_row_lengths(
                tf.constant(list(rows.features[spec.key]), tf.string),
                tf.constant([len(rows)], tf.int64),
            )
            for spec in catalogue_features(self._config)
            if spec.dtype is DType.BYTES
        }
        transformed = dict(self._transform(raw))
        width = features.width(self._config, Group.CANDIDATES)
        transformed[Group.CANDIDATES.numbers] = tf.zeros([1, width])
        inputs = model_inputs(transformed, self._config, (Group.CANDIDATES,))
        return {k: v[0] for k, v in inputs.items() if k != Group.CANDIDATES.numbers}

    def offers(self, audience: tf.Tensor, time: tf.Tensor) -> Offers:
        """What is eligible at `time`.

        Args:
          audience: string `[B]`.
          time: int64 `[B]`, microseconds since the epoch, UTC.
        """
        group = self._group_of.lookup(audience)
        group = tf.where(group < 0, self._group_of.lookup(tf.zeros_like(audience)), group)
        last = tf.constant(self._starts.shape[0] - 1, tf.int64)
        place = tf.where(group < 0, last, group)
        start, length = tf.gather(self._starts, place), tf.gather(self._lengths, place)
        places = tf.range(tf.reduce_max(tf.concat([length, [0]], 0)))
        listed = places < length[:, tf.newaxis]
        rows = tf.where(listed, start[:, tf.newaxis] + places, 0)
        is_open = listed & self._is_open(rows, time[:, tf.newaxis])
        numbered = tf.cumsum(tf.cast(tf.reshape(is_open, [-1]), tf.int64)) - 1
        flat = tf.where(is_open, tf.reshape(numbered, tf.shape(is_open)), _ABSENT)
        return Offers(tf.ragged.boolean_mask(rows, is_open), flat, start, group)

    def _is_open(self, rows: tf.Tensor, time: tf.Tensor) -> tf.Tensor:
        """[available_from, available_to) overlaps [t, t + window); int64 in, bool out."""
        end = time + self._config.ranking.window_days * MICROSECONDS_A_DAY
        opens, closes = tf.gather(self._from, rows), tf.gather(self._to, rows)
        return ((opens == MISSING) | (opens < end)) & ((closes == MISSING) | (closes > time))

    def popularity(self, fresh: Tensors) -> dict[str, tf.Tensor]:
        """Popularity and reach of every row, float32 `[C]`, the fresh ones put in.

        Args:
          fresh: FRESH_AUDIENCE and FRESH_ID, string `[M]`, and FRESH_POPULARITY,
            float32 `[M]`. Pairs that the catalogue does not have are ignored.
        """
        group = self._group_of.lookup(fresh[names.FRESH_AUDIENCE])
        row = self._row_of.lookup(_pair(group, fresh[names.FRESH_ID]))
        known = row >= 0
        place = tf.boolean_mask(row, known)[:, tf.newaxis]
        return {
            key: tf.tensor_scatter_nd_update(
                self._numbers[key], place, tf.boolean_mask(fresh[source], known)
            )
            for key, source in names.FRESH_POPULARITY.items()
        }

    def candidate_inputs(
        self, offers: Offers, state: Tensors, fresh: Tensors
    ) -> dict[str, tf.Tensor]:
        """The model's candidate inputs for what is offered, padded to the longest list.

        Args:
          offers: of the batch.
          state: TYPE_NAME, TYPE_ACTIVE_ALL, TYPE_ACTIVE_28 and the used features
            `[B, None]`, padded with "" and 0; active_all and SNAPSHOT_TIME `[B]`.
          fresh: as `popularity`.
        """
        rows, owner = offers.rows.flat_values, offers.rows.value_rowids()
        columns = {**self._numbers, **self.popularity(fresh)}
        numbers = {key: tf.gather(column, rows) for key, column in columns.items()}
        time = tf.gather(state[names.SNAPSHOT_TIME], owner)
        numbers.update(self._dates_at(numbers, time))
        numbers.update(self._own_use(offers, state, tf.size(rows)))
        numbers.update(self._own_type(tf.gather(self._type_of_row, rows), owner, state))
        numbers.update(self._calendar(rows, time))
        ragged = {key: offers.rows.with_flat_values(value) for key, value in numbers.items()}
        matrix = self._transform(ragged)[Group.CANDIDATES.numbers]
        width = features.width(self._config, Group.CANDIDATES)
        dense = tf.reshape(matrix.flat_values, [-1, width])
        inputs = {Group.CANDIDATES.numbers: offers.rows.with_flat_values(dense).to_tensor()}
        for key, index in self._indices.items():
            gathered = tf.gather(index, rows)
            inputs[key] = offers.rows.with_flat_values(gathered).to_tensor()
        return inputs

    def _dates_at(self, numbers: Tensors, time: tf.Tensor) -> dict[str, tf.Tensor]:
        """Date attributes, which the catalogue has as days before `as_of`, at `time`."""
        later = _days(time - self._as_of)
        return {
            spec.key: numbers[spec.key] + later * numbers[spec.known_key]
            for spec in catalogue_features(self._config)
            if spec.kind is Kind.DATE and spec.known_key is not None
        }

    def _own_use(self, offers: Offers, state: Tensors, count: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the student did with each offered engagement, by id; float32 `[count]`."""
        used = state[names.USED_ID]
        row = self._row_of.lookup(_pair(offers.group[:, tf.newaxis], used))
        place = tf.where(row < 0, tf.constant(_ABSENT, tf.int64), row - offers.start[:, tf.newaxis])
        found = place >= 0
        student = tf.cast(tf.where(found)[:, 0], tf.int64)
        flat = tf.gather_nd(offers.flat, tf.stack([student, tf.boolean_mask(place, found)], 1))
        offered = flat >= 0
        target = tf.boolean_mask(flat, offered)[:, tf.newaxis]
        shape = tf.cast(count, tf.int64)[tf.newaxis]
        result = {}
        for key, source in _OWN.items():
            values = tf.boolean_mask(tf.boolean_mask(state[source], found), offered)
            result[key] = tf.scatter_nd(target, values, shape)
        return result

    def _own_type(
        self, type_of: tf.Tensor, owner: tf.Tensor, state: Tensors
    ) -> dict[str, tf.Tensor]:
        """What the student did with engagements of the same type; float32 `[count]`."""
        index = self._type_of.lookup(state[names.TYPE_NAME])
        matches = tf.one_hot(index, self._types, dtype=tf.float32)
        by_type = tf.einsum("btk,bt->bk", matches, state[names.TYPE_ACTIVE_ALL])
        recent = tf.einsum("btk,bt->bk", matches, state[names.TYPE_ACTIVE_28])
        share = tf.math.divide_no_nan(by_type, state[names.Q_ACTIVE[0]][:, tf.newaxis])
        pair = tf.stack([owner, type_of], axis=1)
        return {
            names.C_OWN_TYPE_SHARE: tf.gather_nd(share, pair),
            names.C_OWN_TYPE_COUNT_28: tf.gather_nd(recent, pair),
        }

    def _calendar(self, rows: tf.Tensor, time: tf.Tensor) -> dict[str, tf.Tensor]:
        """Days since available and to due, and whether there is such a date; float32."""
        opens, due = tf.gather(self._from, rows), tf.gather(self._due, rows)
        return {
            names.C_AVAILABLE_KNOWN: tf.cast(opens != MISSING, tf.float32),
            names.C_DAYS_AVAILABLE: _days(time - tf.where(opens == MISSING, time, opens)),
            names.C_DUE_KNOWN: tf.cast(due != MISSING, tf.float32),
            names.C_DAYS_TO_DUE: _days(tf.where(due == MISSING, time, due) - time),
        }

    def top(self, offers: Offers, scores: tf.Tensor, k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The `k` best of each student, ties in the order of ids.

        Args:
          offers: of the batch.
          scores: float32 `[B, N]`, parallel to `offers.rows`; read up to its lengths.
          k: int32 scalar.

        Returns:
          Ids, string `[B, k]`, "" past the end; scores, float32 `[B, k]`, PAD_SCORE
          past the end.
        """
        rows = offers.rows.to_tensor(default_value=_ABSENT)
        batch = tf.shape(rows)[0]
        scores = tf.where(rows >= 0, scores, names.PAD_SCORE)
        padding = tf.fill([batch, k], tf.constant(names.PAD_SCORE, tf.float32))
        best, place = tf.math.top_k(tf.concat([scores, padding], axis=1), k=k)
        absent = tf.fill([batch, k], tf.constant(_ABSENT, tf.int64))
        row = tf.gather(tf.concat([rows, absent], axis=1), place, batch_dims=1)
        ids = tf.where(row >= 0, tf.gather(self._ids, tf.maximum(row, 0)), "")
        return ids, best


def _days(microseconds: tf.Tensor) -> tf.Tensor:
    # In float64, as EventExampleGen does: float32 has 7 digits, an instant 16.
    return tf.cast(tf.cast(microseconds, tf.float64) / MICROSECONDS_A_DAY, tf.float32)


def _pair(group: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    texts = tf.strings.as_string(group)
    return tf.strings.join([tf.broadcast_to(texts, tf.shape(ids)), ids], _SEPARATOR)


def _table(
    keys: list[bytes] | npt.NDArray[np.object_], values: npt.NDArray[np.integer[Any]]
) -> tf.lookup.StaticHashTable:
    # TensorFlow refuses a table without a key; "" leads where any unknown key does.
    listed = list(keys) or [b""]
    places = values if len(values) else [_ABSENT]
    initializer = tf.lookup.KeyValueTensorInitializer(
        tf.constant(listed, tf.string), tf.constant(places, tf.int64)
    )
    return tf.lookup.StaticHashTable(initializer, default_value=_ABSENT)


def _audience_ranges(
    audience: npt.NDArray[np.object_], count: int
) -> tuple[list[bytes], list[int], list[int]]:
    """Audiences, the first row of each and how many it has; none has any if `count` is 0."""
    found, starts, lengths = np.unique(
        np.array([bytes(text) for text in audience], object),
        return_index=True,
        return_counts=True,
    )
    sizes = lengths if count else np.zeros_like(lengths)
    return list(found), starts.tolist(), sizes.tolist()


def _at_least_one_row(catalogue: Catalogue) -> Catalogue:
    """The catalogue, or one row that is offered to nobody: gathering needs a row."""
    if len(catalogue):
        return catalogue
    blank = np.array([b""], object)
    columns = {
        key: blank if column.dtype == object else np.zeros(1, np.float32)
        for key, column in catalogue.features.items()
    }
    none = np.full(1, MISSING)
    return Catalogue(blank, columns, none, none, none, catalogue.as_of)
