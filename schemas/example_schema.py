"""The TFMD schema of the Examples, made from the configuration.

It is the only module of `schemas` that needs `tensorflow_metadata`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from schemas import features, names
from schemas.config import ComparatorsConfig, GoalpathConfig, Kind
from schemas.errors import ConfigError
from schemas.features import DType, FeatureSpec, Role, Shape

SCHEMA_FILE: Final = "schema.pbtxt"
TRAINING_ENVIRONMENT: Final = "TRAINING"
SERVING_ENVIRONMENT: Final = "SERVING"

_TYPES: Final[Mapping[DType, schema_pb2.FeatureType]] = {
    DType.BYTES: schema_pb2.BYTES,
    DType.FLOAT: schema_pb2.FLOAT,
    DType.INT: schema_pb2.INT,
}
_FIXED: Final = (Shape.SCALAR, Shape.VECTOR)
_ZERO_TO_ONE: Final = frozenset(
    {
        names.Q_STAGE_POSITION,
        names.Q_COHORT_KNOWN,
        names.Q_NEXT_DUE_KNOWN,
        names.Q_NEXT_DUE_DONE,
        names.Q_LAST_DUE_KNOWN,
        names.Q_LAST_DUE_DONE,
        names.HISTORY_ACTIVE,
        names.C_POPULARITY_7,
        names.C_POPULARITY_28,
        names.C_REACH_7,
        names.C_REACH_28,
        names.C_OWN_TYPE_SHARE,
        names.C_AVAILABLE_KNOWN,
        names.C_DUE_KNOWN,
        names.C_SAMPLING_PROBABILITY,
        names.RANKING_WEIGHT,
        names.LIKELIHOOD_LABEL,
        names.LIKELIHOOD_WEIGHT,
        names.RISK_LABEL,
        names.RISK_WEIGHT,
        names.GOAL_LABEL,
        names.GOAL_WEIGHT,
    }
)
# Where in the year and the week a snapshot lies changes from run to run by design.
_CALENDAR: Final = frozenset(
    {names.Q_YEAR_SIN, names.Q_YEAR_COS, names.Q_WEEKDAY_SIN, names.Q_WEEKDAY_COS}
)


def example_schema(config: GoalpathConfig) -> schema_pb2.Schema:
    """The schema of every Example that EventExampleGen writes.

    Scalars and vectors have a shape and are in every Example; lists are ragged.
    Candidates and labels are in the environment TRAINING alone, since stored and
    served states have none.
    """
    specs = features.example_features(config)
    known = {spec.known_key for spec in specs if spec.known_key is not None}
    schema = schema_pb2.Schema(
        represent_variable_length_as_ragged=True,
        default_environment=[TRAINING_ENVIRONMENT, SERVING_ENVIRONMENT],
    )
    for spec in specs:
        feature = schema.feature.add(name=spec.key, type=_TYPES[spec.dtype])
        _set_length(feature, spec, config)
        _set_domain(feature, spec, known)
        _set_comparators(feature, spec, config.comparators)
        if spec.role in (Role.CANDIDATE, Role.LABEL):
            feature.not_in_environment.append(SERVING_ENVIRONMENT)
    return schema


def load_schema(data_dir: str | Path, config: GoalpathConfig) -> schema_pb2.Schema:
    """The schema of a data folder: its `schema.pbtxt` where there is one, else the default.

    Raises:
      ConfigError: the file is no schema, or does not fit the features that the
        configuration makes; the message names them.
    """
    path = Path(data_dir) / SCHEMA_FILE
    expected = example_schema(config)
    if not path.is_file():
        return expected
    schema = _parse(path)
    differences = schema_differences(schema, expected)
    if differences:
        raise ConfigError(
            "a curated schema must cover every feature of the Examples.",
            where=str(path),
            received="; ".join(differences),
            remedy="correct it, or remove the file to have the schema made from goalpath.yaml.",
        )
    return schema


def schema_differences(schema: schema_pb2.Schema, expected: schema_pb2.Schema) -> tuple[str, ...]:
    """Where `schema` cannot stand in for `expected`; domains and comparators are free."""
    ours = {feature.name: feature for feature in expected.feature}
    theirs = {feature.name: feature for feature in schema.feature}
    differences = []
    if not schema.represent_variable_length_as_ragged:
        differences.append("represent_variable_length_as_ragged is not true")
    if missing := [name for name in ours if name not in theirs]:
        differences.append(f"missing: {', '.join(missing)}")
    if unknown := [name for name in theirs if name not in ours]:
        differences.append(f"unknown: {', '.join(unknown)}")
    for name in ours.keys() & theirs.keys():
        differences.extend(_feature_differences(theirs[name], ours[name]))
    return tuple(sorted(differences))


def write_schema(schema: schema_pb2.Schema, path: str | Path) -> None:
    """Writes a schema as text, to be read by ImportSchemaGen or curated by hand."""
    Path(path).write_text(text_format.MessageToString(schema), encoding="utf-8")


def _parse(path: Path) -> schema_pb2.Schema:
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
    except (text_format.ParseError, UnicodeError) as error:
        raise ConfigError(
            "a curated schema must be a tensorflow.metadata.v0.Schema in text format.",
            where=str(path),
            received=str(error),
            remedy="mend the line named above, or remove the file.",
        ) from error


def _feature_differences(feature: schema_pb2.Feature, expected: schema_pb2.Feature) -> list[str]:
    differences = []
    if feature.type != expected.type:
        found, wanted = (schema_pb2.FeatureType.Name(f.type) for f in (feature, expected))
        differences.append(f"{feature.name} is {found}, must be {wanted}")
    found_dims, wanted_dims = ([dim.size for dim in f.shape.dim] for f in (feature, expected))
    if feature.HasField("shape") != expected.HasField("shape") or found_dims != wanted_dims:
        differences.append(
            f"{feature.name} has {_describe_shape(feature)}, must have {_describe_shape(expected)}"
        )
    return differences


def _describe_shape(feature: schema_pb2.Feature) -> str:
    if not feature.HasField("shape"):
        return "no shape (ragged)"
    return f"shape [{', '.join(str(dim.size) for dim in feature.shape.dim)}]"


def _set_length(feature: schema_pb2.Feature, spec: FeatureSpec, config: GoalpathConfig) -> None:
    if spec.shape in _FIXED:
        feature.presence.min_fraction = 1.0
        feature.presence.min_count = 1
        feature.shape.dim.add(size=spec.size)
        return
    # A student without events, or a snapshot without a list, has length 0.
    feature.value_count.min = 0
    if spec.shape is Shape.HISTORY:
        feature.value_count.max = config.snapshots.history_length


def _set_domain(feature: schema_pb2.Feature, spec: FeatureSpec, known: set[str]) -> None:
    if spec.domain is not None:
        feature.string_domain.name = spec.key
        feature.string_domain.value.extend(spec.domain)
    if spec.dtype is not DType.FLOAT:
        return
    feature.float_domain.disallow_nan = True
    feature.float_domain.disallow_inf = True
    if spec.key in _ZERO_TO_ONE or spec.key in known:
        feature.float_domain.min = 0.0
        feature.float_domain.max = 1.0


def _set_comparators(
    feature: schema_pb2.Feature, spec: FeatureSpec, limits: ComparatorsConfig
) -> None:
    if spec.role is not Role.QUERY or spec.shape is not Shape.SCALAR or spec.key in _CALENDAR:
        return
    pairs = (
        (feature.drift_comparator, limits.drift_linf, limits.drift_js),
        (feature.skew_comparator, limits.skew_linf, limits.skew_js),
    )
    for comparator, linf, js in pairs:
        if spec.kind is Kind.CATEGORICAL and linf is not None:
            comparator.infinity_norm.threshold = linf
        if spec.kind in (Kind.NUMERIC, Kind.DATE) and js is not None:
            comparator.jensen_shannon_divergence.threshold = js
