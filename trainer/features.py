"""What the preprocessing makes of each feature, worked out from the contract.

The preprocessing writes numbers of a group as one matrix, so that a normalisation is
one analyzer and not sixty, and the model has one input a group. Categories and
tokens become integers: 0 is "missing" or padding, then the vocabulary by frequency,
then one for all that is outside it. Several, by hash, would give each new engagement
the bias of unrelated ones that share its hash.

Groups follow the shapes of the contract: the scalars and vectors of the query, the
types met, the history, and the candidates.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator

from schemas import names
from schemas.config import Cadence, GoalpathConfig, Kind
from schemas.features import (
    DType,
    FeatureSpec,
    Role,
    Shape,
    candidate_features,
    key_features,
    label_features,
    query_features,
)

NUMBERS = "numbers"
INDEX_SUFFIX = "_index"
TOKENS_SUFFIX = "_tokens"

ENGAGEMENT_VOCABULARY = "engagement_ids"
TYPE_VOCABULARY = "engagement_types"
RESPONSE_VOCABULARY = "responses"
VALUE_VOCABULARY = "values"
"""Of the stage and of all categorical columns, students' and engagements': where both
hold the same text (a programme and the topic of an event) they have the same integer."""

SHARE_OFFSET = 1e-4
"""Added to a share before its logarithm; about one event in ten thousand."""


class Group(enum.Enum):
    """Features of one shape and one tower."""

    QUERY = "query"  # [B]
    TYPES = "types"  # [B, T]
    HISTORY = "history"  # [B, H]
    CANDIDATES = "candidate"  # [B, N]

    @property
    def numbers(self) -> str:
        """Key of the group's matrix of numbers."""
        return f"{self.value}_{NUMBERS}"

    @property
    def listed(self) -> bool:
        """Whether the group has a length of its own in each Example."""
        return self is not Group.QUERY


_GROUPS = {
    Shape.SCALAR: Group.QUERY,
    Shape.VECTOR: Group.QUERY,
    Shape.TYPES: Group.TYPES,
    Shape.HISTORY: Group.HISTORY,
    Shape.CANDIDATES: Group.CANDIDATES,
}

GROUP_ID = {
    Group.TYPES: names.TYPE_NAME,
    Group.HISTORY: names.HISTORY_ID,
    Group.CANDIDATES: names.C_ID,
}
"""The feature of a group whose "" marks padding."""


class Scale(enum.Enum):
    """How a number is brought to the size that a network likes."""

    SIGNED_LOG = "signed_log"  # sign(x) log(1 + |x|), then z-score: counts, days, sums
    LINEAR = "linear"  # z-score
    LOG_SHARE = "log_share"  # log(x + SHARE_OFFSET), then z-score
    UNIT = "unit"  # is in [-1, 1] as it is


@dataclasses.dataclass(frozen=True)
class Channel:
    """One column (or `size` columns) of a group's matrix of numbers.

    Attributes:
      key: the feature read.
      scale: what is done to it.
      known_key: the feature that is above 0 where `key` holds a value; None: always.
      size: columns it takes.
    """

    key: str
    scale: Scale
    known_key: str | None = None
    size: int = 1

    @property
    def label(self) -> str:
        """How messages call it."""
        return self.key if self.scale is not Scale.LINEAR else f"{self.key} (linear)"


@dataclasses.dataclass(frozen=True)
class Category:
    """A feature that becomes an integer.

    Attributes:
      key: the feature read.
      group: whose list it is parallel to.
      vocabulary: name of the vocabulary, which features may share.
    """

    key: str
    group: Group
    vocabulary: str

    @property
    def index(self) -> str:
        """Key of the integers, int64."""
        return self.key + INDEX_SUFFIX


@dataclasses.dataclass(frozen=True)
class Text:
    """A feature that becomes `length` integers, one a word, padded with 0."""

    key: str
    group: Group
    vocabulary: str
    length: int

    @property
    def tokens(self) -> str:
        """Key of the integers, int64."""
        return self.key + TOKENS_SUFFIX


_UNIT = frozenset(
    (
        names.Q_STAGE_POSITION,
        names.Q_COHORT_KNOWN,
        names.Q_YEAR_SIN,
        names.Q_YEAR_COS,
        names.Q_WEEKDAY_SIN,
        names.Q_WEEKDAY_COS,
        names.Q_NEXT_DUE_KNOWN,
        names.Q_NEXT_DUE_DONE,
        names.Q_LAST_DUE_KNOWN,
        names.Q_LAST_DUE_DONE,
        names.HISTORY_ACTIVE,
        names.C_OWN_TYPE_SHARE,
        names.C_AVAILABLE_KNOWN,
        names.C_DUE_KNOWN,
    )
)
YEAR_PHASE = frozenset((names.Q_YEAR_SIN, names.Q_YEAR_COS))
"""Told only where the training snapshots span `YEARS_FOR_PHASE`."""
YEARS_FOR_PHASE = 2
"""In fewer years a phase of the year was seen once, and is the name of a cohort."""
_WEEKDAY = frozenset((names.Q_WEEKDAY_SIN, names.Q_WEEKDAY_COS))
_SHARES = frozenset(
    (names.C_POPULARITY_7, names.C_POPULARITY_28, names.C_REACH_7, names.C_REACH_28)
)
# Far from 0 a logarithm blurs days that a calendar tells apart, so these are also
# given as they are.
_ALSO_LINEAR = frozenset(
    (
        names.Q_DAYS_IN_STAGE,
        names.Q_DAYS_SINCE_ENTRY,
        names.Q_DAYS_SINCE_START,
        names.Q_DAYS_TO_CLOSE,
        names.C_DAYS_TO_DUE,
    )
)
_KNOWN_BY = {
    names.Q_DAYS_SINCE_START: names.Q_COHORT_KNOWN,
    names.Q_DAYS_TO_CLOSE: names.Q_COHORT_KNOWN,
    names.Q_DAYS_TO_NEXT_DUE: names.Q_NEXT_DUE_KNOWN,
    names.Q_DAYS_SINCE_LAST_DUE: names.Q_LAST_DUE_KNOWN,
    names.C_OWN_DAYS_SINCE: names.C_OWN_MET,
    names.C_DAYS_AVAILABLE: names.C_AVAILABLE_KNOWN,
    names.C_DAYS_TO_DUE: names.C_DUE_KNOWN,
}
_SHARED_VOCABULARIES = {
    names.HISTORY_ID: ENGAGEMENT_VOCABULARY,
    names.C_ID: ENGAGEMENT_VOCABULARY,
    names.TYPE_NAME: TYPE_VOCABULARY,
    names.HISTORY_TYPE: TYPE_VOCABULARY,
    names.C_TYPE: TYPE_VOCABULARY,
    names.HISTORY_RESPONSE: RESPONSE_VOCABULARY,
}


def group_of(spec: FeatureSpec) -> Group:
    """The group that a query or candidate feature belongs to."""
    return _GROUPS[spec.shape]


def input_features(config: GoalpathConfig) -> tuple[FeatureSpec, ...]:
    """Every feature that the model reads, in the order of the contract."""
    return (*query_features(config), *candidate_features(config))


def read_features(config: GoalpathConfig, *, labels: bool) -> tuple[FeatureSpec, ...]:
    """What is parsed from an Example, for serving or (with `labels`) for training."""
    if not labels:
        return input_features(config)
    instant = tuple(spec for spec in key_features() if spec.key == names.SNAPSHOT_TIME)
    return (*input_features(config), *label_features(config), *instant)


def channels(config: GoalpathConfig, group: Group) -> tuple[Channel, ...]:
    """The columns of a group's matrix of numbers, in order.

    Weekly snapshots are all taken on one weekday, or on that of their cohort's start,
    so from them nothing can be learned of weekdays.
    """
    left_out = _WEEKDAY if config.snapshots.cadence is Cadence.WEEKLY else frozenset()
    return tuple(
        channel
        for spec in input_features(config)
        if spec.dtype is DType.FLOAT and group_of(spec) is group and spec.key not in left_out
        for channel in _channels_of(spec)
    )


def _channels_of(spec: FeatureSpec) -> Iterator[Channel]:
    known = spec.known_key or _KNOWN_BY.get(spec.key)
    yield Channel(spec.key, _scale_of(spec), known, spec.size)
    if spec.key in _ALSO_LINEAR or spec.kind is Kind.DATE:
        yield Channel(spec.key, Scale.LINEAR, known, spec.size)


def _scale_of(spec: FeatureSpec) -> Scale:
    is_twin = spec.column is None and spec.key.endswith(names.KNOWN_SUFFIX)
    if spec.key in _UNIT or is_twin:
        return Scale.UNIT
    if spec.key in _SHARES:
        return Scale.LOG_SHARE
    if spec.column is not None and spec.kind is Kind.NUMERIC:
        return Scale.LINEAR
    return Scale.SIGNED_LOG


def width(config: GoalpathConfig, group: Group) -> int:
    """Columns of a group's matrix of numbers."""
    return sum(channel.size for channel in channels(config, group))


def place_of(config: GoalpathConfig, group: Group, key: str) -> int:
    """First column of a feature in its group's matrix of numbers.

    Raises:
      KeyError: the group has no such channel.
    """
    start = 0
    for channel in channels(config, group):
        if channel.key == key:
            return start
        start += channel.size
    raise KeyError(key)


def categories(config: GoalpathConfig) -> tuple[Category, ...]:
    """Every feature that becomes an integer."""
    return tuple(
        Category(
            spec.key,
            group_of(spec),
            _SHARED_VOCABULARIES.get(spec.key, VALUE_VOCABULARY),
        )
        for spec in input_features(config)
        if spec.dtype is DType.BYTES and spec.kind is Kind.CATEGORICAL
    )


def agreeing(config: GoalpathConfig, group: Group) -> tuple[Category, ...]:
    """The categories of a group that are compared with those of the other tower."""
    found = categories(config)
    return tuple(c for c in found if c.group is group and c.vocabulary == VALUE_VOCABULARY)


def texts(config: GoalpathConfig) -> tuple[Text, ...]:
    """Every feature that becomes a list of tokens."""
    return tuple(
        Text(spec.key, group_of(spec), spec.key, config.training.text_tokens)
        for spec in input_features(config)
        if spec.kind is Kind.TEXT
    )


def input_keys(config: GoalpathConfig, group: Group) -> tuple[str, ...]:
    """Keys of the model's inputs that hold a group: numbers, indices and tokens."""
    return (
        group.numbers,
        *(c.index for c in categories(config) if c.group is group),
        *(t.tokens for t in texts(config) if t.group is group),
    )


def vocabularies(config: GoalpathConfig) -> dict[str, tuple[str, ...]]:
    """Name of each vocabulary to learn -> the features it is learned from."""
    learned: dict[str, list[str]] = {}
    for category in categories(config):
        learned.setdefault(category.vocabulary, []).append(category.key)
    for text in texts(config):
        learned.setdefault(text.vocabulary, []).append(text.key)
    return {name: tuple(keys) for name, keys in learned.items()}


def side_of(group: Group) -> Role:
    """The tower that reads a group."""
    return Role.CANDIDATE if group is Group.CANDIDATES else Role.QUERY
