"""Rows to try a model on, made from golden rows by exchanging what they know."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas import features, names
from schemas.config import GoalpathConfig
from schemas.features import Role, Shape

MIXED_ROWS: Final = 128
QUERY: Final = "student"
CANDIDATES: Final = "candidate"
_UNSEEN: Final = b"never seen before"

Array = npt.NDArray[np.generic]
Tensors = dict[str, Array]
Mask = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class InputGroup:
    """Inputs that say one thing together.

    Attributes:
      name: how messages call it.
      role: whose they are.
      keys: of `predict`'s inputs.
    """

    name: str
    role: Role
    keys: tuple[str, ...]

    @property
    def of_candidates(self) -> bool:
        """Whether there is a value for each candidate, and not one for the student."""
        return self.role is Role.CANDIDATE


_CANDIDATE_GROUPS: Final = {
    "candidate identity": (names.C_ID, names.C_TYPE),
    "popularity": (
        names.C_POPULARITY_7,
        names.C_POPULARITY_28,
        names.C_REACH_7,
        names.C_REACH_28,
    ),
    "own use": (
        names.C_OWN_COUNT,
        names.C_OWN_COUNT_7,
        names.C_OWN_COUNT_28,
        names.C_OWN_MET,
        names.C_OWN_DAYS_SINCE,
        names.C_OWN_TYPE_SHARE,
        names.C_OWN_TYPE_COUNT_28,
    ),
    "candidate calendar": (
        names.C_AVAILABLE_KNOWN,
        names.C_DAYS_AVAILABLE,
        names.C_DUE_KNOWN,
        names.C_DAYS_TO_DUE,
    ),
}


def sides(config: GoalpathConfig) -> tuple[InputGroup, InputGroup]:
    """All inputs of the student, and all of the candidates."""
    query = tuple(spec.key for spec in features.query_features(config))
    candidates = tuple(spec.key for spec in features.candidate_features(config))
    return (
        InputGroup(QUERY, Role.QUERY, query),
        InputGroup(CANDIDATES, Role.CANDIDATE, candidates),
    )


def input_groups(config: GoalpathConfig) -> tuple[InputGroup, ...]:
    """The sides cut into what has a part of its own in the model; empty groups left out."""
    specs = features.query_features(config)
    profile = tuple(s.key for s in specs if s.key.startswith(names.PROFILE_PREFIX))
    scalar = (Shape.SCALAR, Shape.VECTOR)
    query = {
        "profile": profile,
        "state": tuple(s.key for s in specs if s.shape in scalar and s.key not in profile),
        "types met": tuple(s.key for s in specs if s.shape is Shape.TYPES),
        "history": tuple(s.key for s in specs if s.shape is Shape.HISTORY),
    }
    prefix = names.CANDIDATE_PREFIX + names.ATTRIBUTE_INFIX
    candidate = {
        **_CANDIDATE_GROUPS,
        "candidate attributes": tuple(
            s.key for s in features.candidate_features(config) if s.key.startswith(prefix)
        ),
    }
    found = [InputGroup(name, Role.QUERY, keys) for name, keys in query.items()]
    found += [InputGroup(name, Role.CANDIDATE, keys) for name, keys in candidate.items()]
    return tuple(group for group in found if group.keys)


def exchanged(rows: Tensors, group: InputGroup, listed: Mask) -> Tensors:
    """The rows with a group's values handed on to the next row, or the next candidate.

    Args:
      rows: inputs of `predict`, `B` rows.
      group: whose values are handed on, all together.
      listed: bool `[B, N]`; where a candidate stands. Lists keep their lengths.
    """
    if not group.of_candidates:
        return {k: np.roll(v, 1, axis=0) if k in group.keys else v for k, v in rows.items()}
    moved = dict(rows)
    for key in group.keys:
        moved[key] = rows[key].copy()
        moved[key][listed] = np.roll(rows[key][listed], 1)
    return moved


def differing(one: Tensors, other: Tensors, group: InputGroup) -> Mask:
    """Where a group's values differ: bool `[B]`, or `[B, N]` for one of the candidates."""
    found = [one[key] != other[key] for key in group.keys]
    if not group.of_candidates:
        found = [part.reshape(len(part), -1).any(axis=1) for part in found]
    return np.asarray(np.logical_or.reduce(found), np.bool_)


def mixed(rows: Tensors, config: GoalpathConfig, *, seed: int = 0) -> Tensors:
    """Different rows, each with profile, state, types, history and list of some row.

    A handful of golden rows cannot tell heads apart that are much alike; what they
    know in other combinations can. The golden rows are among them, each once.

    Args:
      rows: inputs of `predict`, one row at least.
      config: of the data set.
      seed: of the combinations.

    Returns:
      At most `MIXED_ROWS` beside the golden rows.
    """
    query = [group for group in input_groups(config) if not group.of_candidates]
    groups = [*query, sides(config)[1]]
    identities = np.array([_identities(rows, group.keys) for group in groups]).T
    random = np.random.default_rng(seed)
    count = len(identities)
    golden = np.repeat(np.arange(count)[:, np.newaxis], len(groups), axis=1)
    drawn = random.integers(0, count, (MIXED_ROWS, len(groups)))
    chosen: dict[tuple[int, ...], npt.NDArray[np.int64]] = {}
    for places in np.concatenate([golden, drawn]):
        same = tuple(identities[places, np.arange(len(groups))].tolist())
        chosen.setdefault(same, places)
    places = np.array(list(chosen.values()))
    return {
        key: rows[key][places[:, column]]
        for column, group in enumerate(groups)
        for key in group.keys
    }


def first_of_each(rows: Tensors, keys: Sequence[str]) -> Mask:
    """Bool `[B]`: the first of the rows that are the same in `keys`."""
    identities = _identities(rows, keys)
    first = np.zeros(len(identities), np.bool_)
    first[np.unique(identities, return_index=True)[1]] = True
    return first


def _identities(rows: Mapping[str, Array], keys: Iterable[str]) -> npt.NDArray[np.int64]:
    """A number for each row, the same for rows with the same values; int64 `[B]`."""
    columns = [rows[key].tolist() for key in keys]
    known: dict[str, int] = {}
    contents = (repr(row) for row in zip(*columns, strict=True))
    return np.array([known.setdefault(content, len(known)) for content in contents], np.int64)


def strange(rows: Tensors, config: GoalpathConfig, *, count: int = 4) -> Tensors:
    """The first rows with texts never seen, and again with all numbers 0.

    Lists keep their lengths, except that the last of the rows lose theirs.

    Args:
      rows: inputs of `predict`.
      config: of the data set.
      count: of rows to take.
    """
    first = {key: column[:count] for key, column in rows.items()}
    unseen = {key: _unseen(column) for key, column in first.items()}
    nothing = {
        key: column if column.dtype == object else np.zeros_like(column)
        for key, column in unseen.items()
    }
    lists = {
        spec.key
        for spec in (*features.query_features(config), *features.candidate_features(config))
        if spec.shape not in (Shape.SCALAR, Shape.VECTOR)
    }
    empty = {
        key: np.full_like(column, b"" if column.dtype == object else 0) if key in lists else column
        for key, column in nothing.items()
    }
    return {key: np.concatenate([unseen[key], nothing[key], empty[key]]) for key in rows}


def _unseen(column: Array) -> Array:
    if column.dtype != object:
        return column
    return np.where(column == b"", b"", _UNSEEN).astype(object)


def without_padding(rows: Tensors) -> Tensors:
    """Rows whose lists, of types, events and candidates, end with the longest of them."""
    found = dict(rows)
    for group, keys in _lists_of(rows).items():
        length = int((rows[group] != b"").sum(axis=1).max(initial=0))
        found |= {key: rows[key][:, :length] for key in keys}
    return found


def _lists_of(rows: Tensors) -> dict[str, list[str]]:
    """The id input of each kind of list -> all inputs parallel to it."""
    starts = {
        names.TYPE_NAME: "type_",
        names.HISTORY_ID: "history_",
        names.C_ID: names.CANDIDATE_PREFIX,
    }
    return {
        group: [key for key in rows if key.startswith(start)] for group, start in starts.items()
    }


def take(rows: Tensors, places: Array | slice) -> Tensors:
    """Some of the rows."""
    return {key: column[places] for key, column in rows.items()}
