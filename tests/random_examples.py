"""Random Examples that follow `features.example_features`, with a planted signal.

The rows are made by NumPy alone; only `to_example` and `write_examples` need
TensorFlow. Nothing here goes through EventExampleGen, so that the trainer's tests
stand on the contract and not on another component's output.

The planted signal: a student who was active lately advances and is not lost; one
who was not is lost. A candidate is responded to if it is popular or of the type
that the student used most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas import features, names
from schemas.config import GoalpathConfig, Kind
from schemas.features import DType, FeatureSpec, Role, Shape

if TYPE_CHECKING:
    import tensorflow as tf

Row = dict[str, list[Any]]

TYPES = (b"mail", b"visit", b"call", b"class")
RESPONSES = (b"", b"opened", b"ignored")
AUDIENCES = (b"north", b"south")
WORDS = (b"open", b"day", b"campus", b"visit", b"deadline", b"fees", b"reminder")
CATEGORIES = (b"", b"red", b"green", b"blue")
ENGAGEMENTS = 40
FIRST_INSTANT = 1_600_000_000_000_000
DAY = 86_400_000_000
_FLAG_ENDINGS = (names.KNOWN_SUFFIX, "_done")
_CIRCLE_ENDINGS = ("_sin", "_cos")


def small_config(**training: object) -> GoalpathConfig:
    """A configuration with every kind of column and a quick training section.

    Args:
      **training: keys of the `training` section to set.
    """
    columns = {"age": "numeric", "major": "categorical", "essay": "text", "applied": "date"}
    attributes = {"cost": "numeric", "theme": "categorical", "title": "text", "made": "date"}
    quick: dict[str, object] = {
        "epochs": 2,
        "batch_size": 32,
        "embedding_dim": 16,
        "hidden_units": (32, 16),
        "head_units": (8,),
        "vocabulary_size": 1000,
        "learning_rate": 5e-3,
    }
    return GoalpathConfig.model_validate(
        {
            "name": "random",
            "stages": ["First", "Second", "Third"],
            "default_goal": "Third",
            "tables": {
                "students": {"features": columns},
                "engagements": {"features": attributes},
            },
            "snapshots": {"history_length": 6},
            "training": {**quick, **training},
        }
    )


def engagement_id(index: int) -> bytes:
    """Name of the engagement `index`, 0 to ENGAGEMENTS - 1."""
    return b"e%03d" % index


def random_rows(
    config: GoalpathConfig, count: int, *, seed: int, candidates: int = 8, empty_share: float = 0.1
) -> list[Row]:
    """Rows of one Example each.

    Args:
      config: the configuration whose features the rows have.
      count: how many rows.
      seed: of everything that is random here.
      candidates: the longest candidate list.
      empty_share: share of rows without history and types, and (drawn anew)
        without candidates.

    Returns:
      Feature key -> list of values, for every key of `example_features`.
    """
    rng = np.random.default_rng(seed)
    return [_row(config, index, rng, candidates, empty_share) for index in range(count)]


def _row(
    config: GoalpathConfig,
    index: int,
    rng: np.random.Generator,
    candidates: int,
    empty_share: float,
) -> Row:
    lengths = {
        Shape.SCALAR: 1,
        Shape.TYPES: int(rng.integers(1, len(TYPES) + 1)),
        Shape.HISTORY: int(rng.integers(1, config.snapshots.history_length + 1)),
        Shape.CANDIDATES: int(rng.integers(2, candidates + 1)),
    }
    if rng.random() < empty_share:
        lengths[Shape.TYPES] = lengths[Shape.HISTORY] = 0
    if rng.random() < empty_share:
        lengths[Shape.CANDIDATES] = 0
    row: Row = {}
    for spec in features.example_features(config):
        length = spec.size if spec.shape is Shape.VECTOR else lengths[spec.shape]
        row[spec.key] = _values(spec, length, rng)
    _make_consistent(row, config, index, rng)
    _plant_labels(row, config, rng)
    return row


def _values(spec: FeatureSpec, length: int, rng: np.random.Generator) -> list[Any]:
    if spec.dtype is DType.INT:
        return [0] * length
    if spec.dtype is DType.FLOAT:
        if spec.key.endswith(_FLAG_ENDINGS):
            return [float(v) for v in rng.integers(0, 2, length)]
        if spec.key.endswith(_CIRCLE_ENDINGS):
            return [float(v) for v in rng.uniform(-1, 1, length).astype(np.float32)]
        return [float(v) for v in rng.gamma(1.0, 5.0, length).astype(np.float32)]
    if spec.kind is Kind.TEXT:
        return [b" ".join(rng.choice(WORDS, rng.integers(0, 5))) for _ in range(length)]
    choices: Sequence[bytes] = CATEGORIES
    if spec.domain:
        choices = [stage.encode() for stage in spec.domain]
    return [bytes(rng.choice(choices)) for _ in range(length)]


def _make_consistent(
    row: Row, config: GoalpathConfig, index: int, rng: np.random.Generator
) -> None:
    met = rng.choice(ENGAGEMENTS, len(row[names.HISTORY_ID]))
    listed = np.sort(rng.choice(ENGAGEMENTS, len(row[names.C_ID]), replace=False))
    row[names.STUDENT_ID] = [b"s%05d" % index]
    row[names.AUDIENCE] = [AUDIENCES[index % 2]]
    row[names.COHORT] = [b""]
    row[names.SNAPSHOT_TIME] = [FIRST_INSTANT + int(rng.integers(0, 300)) * DAY]
    row[names.Q_STAGE_POSITION] = [_stage_index(row, config) / (len(config.stages) - 1)]
    row[names.HISTORY_ID] = [engagement_id(i) for i in met]
    row[names.HISTORY_TYPE] = [TYPES[i % len(TYPES)] for i in met]
    row[names.HISTORY_RESPONSE] = [bytes(rng.choice(RESPONSES)) for _ in met]
    row[names.HISTORY_ACTIVE] = [float(r != b"ignored") for r in row[names.HISTORY_RESPONSE]]
    row[names.HISTORY_DAYS_AGO] = sorted(row[names.HISTORY_DAYS_AGO])
    row[names.TYPE_NAME] = list(TYPES[: len(row[names.TYPE_NAME])])
    row[names.C_ID] = [engagement_id(i) for i in listed]
    row[names.C_TYPE] = [TYPES[i % len(TYPES)] for i in listed]
    for key in (names.C_POPULARITY_7, names.C_POPULARITY_28, names.C_REACH_7, names.C_REACH_28):
        row[key] = [float(v) for v in rng.beta(0.3, 3.0, len(listed)).astype(np.float32)]
    row[names.C_OWN_TYPE_SHARE] = [float(v) for v in rng.random(len(listed)).astype(np.float32)]
    row[names.C_OWN_MET] = [float(v) for v in rng.integers(0, 4, len(listed))]
    row[names.C_OWN_DAYS_SINCE] = _zero_where_unknown(
        row[names.C_OWN_DAYS_SINCE], row[names.C_OWN_MET]
    )
    for spec in features.example_features(config):
        if spec.known_key:
            row[spec.key] = _zero_where_unknown(row[spec.key], row[spec.known_key])


def _zero_where_unknown(values: list[float], known: list[float]) -> list[float]:
    return [v if k else 0.0 for v, k in zip(values, known, strict=True)]


def _stage_index(row: Mapping[str, list[Any]], config: GoalpathConfig) -> int:
    return config.stages.index(row[names.Q_STAGE][0].decode())


def _plant_labels(row: Row, config: GoalpathConfig, rng: np.random.Generator) -> None:
    recent = row[names.Q_ACTIVE[28]][0]
    advances = float(rng.random() < (0.85 if recent > 4 else 0.15))
    lost = float(rng.random() < (0.8 if row[names.Q_DAYS_SINCE_ACTIVE][0] > 4 else 0.1))
    popular = np.array(row[names.C_POPULARITY_7]) > 0.1
    hit = np.where(popular, 0.8, 0.05) > rng.random(len(popular))
    row[names.C_GRADE] = [float(v) for v in hit]
    row[names.C_SAMPLING_PROBABILITY] = [1.0 if v else 0.5 for v in hit]
    row[names.RANKING_WEIGHT] = [float(hit.any())]
    row[names.GIVEN_INDEX] = [int(np.argmax(hit)) if hit.any() else -1]
    known = float(rng.random() < 0.9)
    for label, weight, value in (
        (names.LIKELIHOOD_LABEL, names.LIKELIHOOD_WEIGHT, advances),
        (names.RISK_LABEL, names.RISK_WEIGHT, lost),
    ):
        row[label] = [value * known]
        row[weight] = [known]
    stage = _stage_index(row, config)
    reached = [float(k <= stage + advances) for k in range(len(config.stages))]
    row[names.GOAL_LABEL] = [v * known for v in reached]
    row[names.GOAL_WEIGHT] = [known] * len(reached)


def random_states(config: GoalpathConfig, count: int, *, seed: int) -> list[Row]:
    """Rows of `features.state_features`: query features and what was used so far."""
    rng = np.random.default_rng(seed + 1)
    states = []
    for row in random_rows(config, count, seed=seed):
        keys = [spec.key for spec in features.state_features(config)]
        state = {key: row[key] for key in keys if key in row}
        used = rng.choice(ENGAGEMENTS, int(rng.integers(0, 6)), replace=False)
        state[names.USED_ID] = [engagement_id(i) for i in used]
        for spec in features.used_features():
            if spec.dtype is DType.FLOAT:
                state[spec.key] = [float(v) for v in rng.integers(0, 9, len(used))]
        states.append(state)
    return states


def to_example(config: GoalpathConfig, row: Mapping[str, list[Any]]) -> tf.train.Example:
    """The tf.Example of a row; labels that the row lacks are left out."""
    import tensorflow as tf

    example = tf.train.Example()
    for spec in features.example_features(config):
        if spec.key not in row:
            continue
        feature = example.features.feature[spec.key]
        if spec.dtype is DType.BYTES:
            feature.bytes_list.value.extend(row[spec.key])
        elif spec.dtype is DType.INT:
            feature.int64_list.value.extend(row[spec.key])
        else:
            feature.float_list.value.extend(row[spec.key])
    return example


def serialize(config: GoalpathConfig, rows: Iterable[Mapping[str, list[Any]]]) -> list[bytes]:
    """Serialized Examples of `rows`."""
    return [to_example(config, row).SerializeToString() for row in rows]


def unlabelled(config: GoalpathConfig, row: Mapping[str, list[Any]]) -> Row:
    """The row without labels, as a caller of the served model has it."""
    labels = {spec.key for spec in features.label_features(config) if spec.role is Role.LABEL}
    return {key: values for key, values in row.items() if key not in labels}


def write_examples(path: Path, serialized: Iterable[bytes]) -> None:
    """Writes an uncompressed TFRecord file."""
    import tensorflow as tf

    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in serialized:
            writer.write(record)
