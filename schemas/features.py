"""The features of an Example, worked out from a configuration.

This is the one list that EventExampleGen writes by, that the TFMD schema is made
from, that the preprocessing reads and that a stored student state follows.
"""

from __future__ import annotations

import dataclasses
import enum

from schemas import names
from schemas.config import GoalpathConfig, Kind


class DType(enum.Enum):
    """How a feature stands in a tf.Example."""

    BYTES = "bytes"
    FLOAT = "float32"
    INT = "int64"


class Shape(enum.Enum):
    """How many values a feature has."""

    SCALAR = "scalar"  # [1]
    VECTOR = "vector"  # [size]
    TYPES = "types"  # ragged [T], parallel to TYPE_NAME
    HISTORY = "history"  # ragged [H], parallel to HISTORY_ID
    CANDIDATES = "candidates"  # ragged [N], parallel to C_ID
    USED = "used"  # ragged [U], parallel to USED_ID; in stored states only


class Role(enum.Enum):
    """Who reads a feature."""

    KEY = "key"  # names the Example; no input of the model
    QUERY = "query"  # query tower
    CANDIDATE = "candidate"  # candidate tower
    LABEL = "label"  # labels, weights, sampling; training and evaluation only
    STATE = "state"  # stored states, signature `recommend`


@dataclasses.dataclass(frozen=True)
class FeatureSpec:
    """One feature.

    Attributes:
      key: name in the Example.
      dtype: of its values.
      shape: how many values it has.
      role: who reads it.
      kind: what the values mean. None for keys, labels and list ids.
      size: number of values where `shape` is VECTOR, else 1.
      known_key: for numeric and date columns that can be missing, the 0/1 twin.
      column: the configured column it comes from, if any (contract name).
      domain: the values it may take, where the configuration lists them.
    """

    key: str
    dtype: DType
    shape: Shape
    role: Role
    kind: Kind | None = None
    size: int = 1
    known_key: str | None = None
    column: str | None = None
    domain: tuple[str, ...] | None = None


_QUERY_SCALARS = (
    names.Q_STAGE_POSITION,
    names.Q_DAYS_IN_STAGE,
    names.Q_DAYS_SINCE_ENTRY,
    names.Q_DAYS_SINCE_EVENT,
    names.Q_DAYS_SINCE_ACTIVE,
    *names.Q_EVENTS.values(),
    *names.Q_ACTIVE.values(),
    *names.Q_VALUE.values(),
    *names.Q_ACTIVE_DAYS.values(),
    names.Q_DISTINCT_28,
    names.Q_DISTINCT_ALL,
    names.Q_COHORT_KNOWN,
    names.Q_DAYS_SINCE_START,
    names.Q_DAYS_TO_CLOSE,
    names.Q_YEAR_SIN,
    names.Q_YEAR_COS,
    names.Q_WEEKDAY_SIN,
    names.Q_WEEKDAY_COS,
    names.Q_DUE_PASSED,
    names.Q_DUE_DONE,
    names.Q_DUE_MISSED,
    names.Q_DUE_NEXT_7,
    names.Q_DUE_NEXT_28,
    names.Q_NEXT_DUE_KNOWN,
    names.Q_DAYS_TO_NEXT_DUE,
    names.Q_NEXT_DUE_DONE,
    names.Q_LAST_DUE_KNOWN,
    names.Q_DAYS_SINCE_LAST_DUE,
    names.Q_LAST_DUE_DONE,
)
_TYPE_NUMBERS = (
    names.TYPE_ACTIVE_28,
    names.TYPE_ACTIVE_ALL,
    names.TYPE_MET_ALL,
    names.TYPE_VALUE_ALL,
    names.TYPE_DAYS_SINCE,
)
_HISTORY_NUMBERS = (
    names.HISTORY_DAYS_AGO,
    names.HISTORY_VALUE,
    names.HISTORY_ACTIVE,
)
_HISTORY_TEXTS = (names.HISTORY_ID, names.HISTORY_TYPE, names.HISTORY_RESPONSE)
_CANDIDATE_NUMBERS = (
    names.C_POPULARITY_7,
    names.C_POPULARITY_28,
    names.C_REACH_7,
    names.C_REACH_28,
    names.C_OWN_COUNT,
    names.C_OWN_COUNT_7,
    names.C_OWN_COUNT_28,
    names.C_OWN_MET,
    names.C_OWN_DAYS_SINCE,
    names.C_OWN_TYPE_SHARE,
    names.C_OWN_TYPE_COUNT_28,
    names.C_AVAILABLE_KNOWN,
    names.C_DAYS_AVAILABLE,
    names.C_DUE_KNOWN,
    names.C_DAYS_TO_DUE,
)
_LABEL_SCALARS = (
    names.RANKING_WEIGHT,
    names.LIKELIHOOD_LABEL,
    names.LIKELIHOOD_WEIGHT,
    names.RISK_LABEL,
    names.RISK_WEIGHT,
)
_USED_NUMBERS = (
    names.USED_COUNT,
    names.USED_COUNT_7,
    names.USED_COUNT_28,
    names.USED_MET,
    names.USED_DAYS_SINCE,
)


def _column_specs(
    column: str, kind: Kind, prefix: str, shape: Shape, role: Role
) -> tuple[FeatureSpec, ...]:
    key = prefix + column
    if kind in (Kind.CATEGORICAL, Kind.TEXT):
        return (FeatureSpec(key, DType.BYTES, shape, role, kind, column=column),)
    known = key + names.KNOWN_SUFFIX
    return (
        FeatureSpec(key, DType.FLOAT, shape, role, kind, known_key=known, column=column),
        FeatureSpec(known, DType.FLOAT, shape, role, Kind.NUMERIC),
    )


def key_features() -> tuple[FeatureSpec, ...]:
    """What names an Example."""
    texts = (names.STUDENT_ID, names.AUDIENCE, names.COHORT)
    return (
        *(FeatureSpec(key, DType.BYTES, Shape.SCALAR, Role.KEY) for key in texts),
        FeatureSpec(names.SNAPSHOT_TIME, DType.INT, Shape.SCALAR, Role.KEY),
    )


def query_features(config: GoalpathConfig) -> tuple[FeatureSpec, ...]:
    """What the query tower reads: profile, stage, calendar, history.

    A date column becomes days before t (negative for a date after t). A missing
    text or category is ""; a missing number or date is 0 with its twin at 0.
    """
    query = Role.QUERY
    stage = FeatureSpec(
        names.Q_STAGE, DType.BYTES, Shape.SCALAR, query, Kind.CATEGORICAL, domain=config.stages
    )
    specs = [stage]
    for key in _QUERY_SCALARS:
        specs.append(FeatureSpec(key, DType.FLOAT, Shape.SCALAR, query, Kind.NUMERIC))
    specs.append(
        FeatureSpec(
            names.Q_WEEKLY_ACTIVE,
            DType.FLOAT,
            Shape.VECTOR,
            query,
            Kind.NUMERIC,
            size=names.WEEKS,
        )
    )
    categorical = Kind.CATEGORICAL
    specs.append(FeatureSpec(names.TYPE_NAME, DType.BYTES, Shape.TYPES, query, categorical))
    for key in _TYPE_NUMBERS:
        specs.append(FeatureSpec(key, DType.FLOAT, Shape.TYPES, query, Kind.NUMERIC))
    for key in _HISTORY_TEXTS:
        specs.append(FeatureSpec(key, DType.BYTES, Shape.HISTORY, query, categorical))
    for key in _HISTORY_NUMBERS:
        specs.append(FeatureSpec(key, DType.FLOAT, Shape.HISTORY, query, Kind.NUMERIC))
    for column, kind in config.tables.students.features.items():
        specs.extend(_column_specs(column, kind, names.PROFILE_PREFIX, Shape.SCALAR, query))
    return tuple(specs)


def candidate_features(config: GoalpathConfig) -> tuple[FeatureSpec, ...]:
    """What the candidate tower reads, ragged and parallel to `C_ID`."""
    shape, role = Shape.CANDIDATES, Role.CANDIDATE
    specs = [
        FeatureSpec(key, DType.BYTES, shape, role, Kind.CATEGORICAL)
        for key in (names.C_ID, names.C_TYPE)
    ]
    for key in _CANDIDATE_NUMBERS:
        specs.append(FeatureSpec(key, DType.FLOAT, shape, role, Kind.NUMERIC))
    prefix = names.CANDIDATE_PREFIX + names.ATTRIBUTE_INFIX
    for column, kind in config.tables.engagements.features.items():
        specs.extend(_column_specs(column, kind, prefix, shape, role))
    return tuple(specs)


def label_features(config: GoalpathConfig) -> tuple[FeatureSpec, ...]:
    """Labels, weights and sampling: never an input of the model."""
    role = Role.LABEL
    per_candidate = (names.C_GRADE, names.C_SAMPLING_PROBABILITY)
    return (
        *(FeatureSpec(key, DType.FLOAT, Shape.CANDIDATES, role) for key in per_candidate),
        FeatureSpec(names.GIVEN_INDEX, DType.INT, Shape.SCALAR, role),
        *(FeatureSpec(key, DType.FLOAT, Shape.SCALAR, role) for key in _LABEL_SCALARS),
        *(
            FeatureSpec(key, DType.FLOAT, Shape.VECTOR, role, size=len(config.stages))
            for key in (names.GOAL_LABEL, names.GOAL_WEIGHT)
        ),
    )


def used_features() -> tuple[FeatureSpec, ...]:
    """What a stored state has beside the query features."""
    return (
        FeatureSpec(names.USED_ID, DType.BYTES, Shape.USED, Role.STATE, Kind.CATEGORICAL),
        *(
            FeatureSpec(key, DType.FLOAT, Shape.USED, Role.STATE, Kind.NUMERIC)
            for key in _USED_NUMBERS
        ),
    )


def example_features(config: GoalpathConfig) -> tuple[FeatureSpec, ...]:
    """Every feature of an Example, in the order it is written."""
    return (
        *key_features(),
        *query_features(config),
        *candidate_features(config),
        *label_features(config),
    )


def state_features(config: GoalpathConfig) -> tuple[FeatureSpec, ...]:
    """Every column of a stored student state."""
    return (*key_features(), *query_features(config), *used_features())
