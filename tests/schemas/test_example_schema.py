from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from schemas import features, names
from schemas.config import GoalpathConfig, parse_config
from schemas.errors import ConfigError
from schemas.example_schema import (
    example_schema,
    load_schema,
    schema_differences,
    write_schema,
)

CONFIG = """
name: t
stages: [Inquired, Visited, Applied]
default_goal: Applied
snapshots: {history_length: 9}
tables:
  students:
    features: {major: categorical, essay: text, gpa: numeric, born: date}
  engagements:
    features: {cost: numeric}
comparators: {drift_linf: 0.25, drift_js: 0.5, skew_linf: null, skew_js: 0.125}
"""


@pytest.fixture
def config() -> GoalpathConfig:
    return parse_config(CONFIG)


@pytest.fixture
def by_name(config: GoalpathConfig) -> dict[str, schema_pb2.Feature]:
    return {feature.name: feature for feature in example_schema(config).feature}


def test_every_feature_is_there_once_and_no_other(config: GoalpathConfig) -> None:
    listed = [feature.name for feature in example_schema(config).feature]
    assert listed == [spec.key for spec in features.example_features(config)]
    assert len(set(listed)) == len(listed)
    assert example_schema(config).represent_variable_length_as_ragged


def test_scalars_and_vectors_have_a_shape_and_must_be_there(
    by_name: dict[str, schema_pb2.Feature],
) -> None:
    for name, size in ((names.Q_STAGE, 1), (names.Q_WEEKLY_ACTIVE, 12), (names.GOAL_LABEL, 3)):
        feature = by_name[name]
        assert [dim.size for dim in feature.shape.dim] == [size]
        assert feature.presence.min_fraction == 1.0
        assert feature.presence.min_count == 1


def test_lists_have_no_shape_and_may_be_empty(by_name: dict[str, schema_pb2.Feature]) -> None:
    for name in (names.C_ID, names.TYPE_NAME, names.HISTORY_ID):
        assert not by_name[name].HasField("shape")
        assert by_name[name].value_count.min == 0
    assert by_name[names.HISTORY_VALUE].value_count.max == 9


def test_types(by_name: dict[str, schema_pb2.Feature]) -> None:
    assert by_name["profile_major"].type == schema_pb2.BYTES
    assert by_name["profile_born"].type == schema_pb2.FLOAT
    assert by_name[names.SNAPSHOT_TIME].type == schema_pb2.INT


def test_domains(by_name: dict[str, schema_pb2.Feature]) -> None:
    stage = by_name[names.Q_STAGE]
    assert list(stage.string_domain.value) == ["Inquired", "Visited", "Applied"]
    for name in (names.RISK_LABEL, "profile_gpa_known", "candidate_attribute_cost_known"):
        domain = by_name[name].float_domain
        assert (domain.min, domain.max) == (0.0, 1.0)
    gpa = by_name["profile_gpa"].float_domain
    assert gpa.disallow_nan
    assert gpa.disallow_inf
    assert not gpa.HasField("max")


def test_serving_has_neither_candidates_nor_labels(config: GoalpathConfig) -> None:
    schema = example_schema(config)
    assert list(schema.default_environment) == ["TRAINING", "SERVING"]
    trained_only = {
        feature.name for feature in schema.feature if "SERVING" in feature.not_in_environment
    }
    expected = (*features.candidate_features(config), *features.label_features(config))
    assert trained_only == {spec.key for spec in expected}


def test_comparators_follow_the_configuration(by_name: dict[str, schema_pb2.Feature]) -> None:
    major, gpa, essay = (by_name[f"profile_{name}"] for name in ("major", "gpa", "essay"))
    assert major.drift_comparator.infinity_norm.threshold == 0.25
    assert not major.HasField("skew_comparator")
    assert gpa.drift_comparator.jensen_shannon_divergence.threshold == 0.5
    assert gpa.skew_comparator.jensen_shannon_divergence.threshold == 0.125
    assert by_name["profile_born"].HasField("drift_comparator")
    for feature in (essay, by_name[names.STUDENT_ID], by_name[names.RISK_LABEL]):
        assert not feature.HasField("drift_comparator")
    assert not by_name[names.Q_YEAR_SIN].HasField("drift_comparator")


def test_without_a_curated_file_the_default_is_loaded(
    tmp_path: Path, config: GoalpathConfig
) -> None:
    assert load_schema(tmp_path, config) == example_schema(config)


def test_a_curated_file_wins(tmp_path: Path, config: GoalpathConfig) -> None:
    curated = example_schema(config)
    curated.feature[3].annotation.tag.append("ours")
    write_schema(curated, tmp_path / "schema.pbtxt")
    assert load_schema(tmp_path, config) == curated


Change = Callable[[schema_pb2.Schema], None]


def _drop_stage(schema: schema_pb2.Schema) -> None:
    del schema.feature[[f.name for f in schema.feature].index(names.Q_STAGE)]


def _add_one(schema: schema_pb2.Schema) -> None:
    schema.feature.add(name="surplus")


def _flatten(schema: schema_pb2.Schema) -> None:
    schema.represent_variable_length_as_ragged = False


def _retype(schema: schema_pb2.Schema) -> None:
    schema.feature[[f.name for f in schema.feature].index("profile_gpa")].type = schema_pb2.INT


def _reshape(schema: schema_pb2.Schema) -> None:
    candidate = schema.feature[[f.name for f in schema.feature].index(names.C_ID)]
    candidate.shape.dim.add(size=5)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (_drop_stage, "missing: stage"),
        (_add_one, "unknown: surplus"),
        (_flatten, "represent_variable_length_as_ragged is not true"),
        (_retype, "profile_gpa is INT, must be FLOAT"),
        (_reshape, r"candidate_id has shape \[5\], must have no shape \(ragged\)"),
    ],
)
def test_a_curated_file_that_does_not_fit_is_refused(
    tmp_path: Path, config: GoalpathConfig, change: Change, difference: str
) -> None:
    curated = example_schema(config)
    change(curated)
    write_schema(curated, tmp_path / "schema.pbtxt")
    with pytest.raises(ConfigError, match=difference):
        load_schema(tmp_path, config)


def test_a_file_that_is_no_schema_is_refused(tmp_path: Path, config: GoalpathConfig) -> None:
    (tmp_path / "schema.pbtxt").write_text("feature { nome: 'x' }")
    with pytest.raises(ConfigError, match="text format"):
        load_schema(tmp_path, config)


def test_text_and_message_are_the_same(tmp_path: Path, config: GoalpathConfig) -> None:
    write_schema(example_schema(config), tmp_path / "s.pbtxt")
    read = text_format.Parse((tmp_path / "s.pbtxt").read_text(), schema_pb2.Schema())
    assert schema_differences(read, example_schema(config)) == ()
    assert read == example_schema(config)
