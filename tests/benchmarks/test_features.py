from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.quality_parts.candidate_features import candidate_features_of
from benchmarks.quality_parts.feature_table import FeatureTable
from benchmarks.quality_parts.logistic import scaling_of
from benchmarks.quality_parts.snapshots import Snapshots
from benchmarks.quality_parts.student_features import student_features, untaught
from schemas import names
from schemas.config import Cadence, GoalpathConfig, SnapshotsConfig
from schemas.features import DType, Shape, candidate_features, query_features
from tests.benchmarks.flat_columns import Values, snapshots

CONFIG = GoalpathConfig.model_validate(
    {
        "name": "features",
        "stages": ["Asked", "Applied"],
        "default_goal": "Applied",
        "tables": {
            "students": {"features": {"programme": "categorical", "gpa": "numeric"}},
            "engagements": {"features": {"topic": "categorical", "cost": "numeric"}},
        },
    }
)
GPA, PROGRAMME = names.PROFILE_PREFIX + "gpa", names.PROFILE_PREFIX + "programme"
TOPIC = names.CANDIDATE_PREFIX + names.ATTRIBUTE_INFIX + "topic"
COST = names.CANDIDATE_PREFIX + names.ATTRIBUTE_INFIX + "cost"


def split(count: int, **lists: list[Values]) -> Snapshots:
    """All features of `count` snapshots, 0 or "" where not given."""
    columns: dict[str, list[Values]] = {}
    nothing: list[Values] = [[]] * count
    lengths = {
        Shape.SCALAR: [1] * count,
        Shape.VECTOR: [names.WEEKS] * count,
        Shape.TYPES: [len(row) for row in lists.get(names.TYPE_NAME, nothing)],
        Shape.HISTORY: [len(row) for row in lists.get(names.HISTORY_TYPE, nothing)],
        Shape.CANDIDATES: [len(row) for row in lists.get(names.C_ID, nothing)],
    }
    for spec in (*query_features(CONFIG), *candidate_features(CONFIG)):
        zero: str | float = "" if spec.dtype is DType.BYTES else 0.0
        columns[spec.key] = [[zero] * length for length in lengths[spec.shape]]
    columns[names.SNAPSHOT_TIME] = [[0]] * count
    return snapshots({**columns, **lists})


TRAIN = split(
    3,
    **{
        names.Q_STAGE: [["Asked"], ["Applied"], ["Asked"]],
        names.TYPE_NAME: [["visit", "email"], [], ["email"]],
        names.TYPE_ACTIVE_28: [[1.0, 2.0], [], [3.0]],
        names.TYPE_DAYS_SINCE: [[9.0, 8.0], [], [7.0]],
        names.HISTORY_TYPE: [["email", "visit"], [], ["email"]],
        names.HISTORY_RESPONSE: [["clicked", "ignored"], [], ["ignored"]],
        names.HISTORY_DAYS_AGO: [[8.0, 29.0], [], [7.0]],
        GPA: [[3.5], [0.0], [2.0]],
        GPA + names.KNOWN_SUFFIX: [[1.0], [0.0], [1.0]],
        PROGRAMME: [["arts"], ["law"], [""]],
        names.C_ID: [["a", "b"], ["a"], []],
        names.C_TYPE: [["email", "visit"], ["email"], []],
        TOPIC: [["arts", "law"], ["arts"], []],
        COST: [[4.0, 0.0], [4.0], []],
        COST + names.KNOWN_SUFFIX: [[1.0, 0.0], [1.0], []],
        names.C_OWN_DAYS_SINCE: [[0.0, 0.0], [5.0], []],
        names.C_OWN_MET: [[1.0, 0.0], [1.0], []],
    },
)
NAN = math.nan


def same(found: np.ndarray, *expected: float) -> None:
    np.testing.assert_array_equal(found, np.array(expected, np.float32))


def test_types_stand_side_by_side() -> None:
    numbers = student_features(TRAIN, CONFIG).table(TRAIN).numbers
    same(numbers["type_active_28_email"], 2, 0, 3)
    same(numbers["type_active_28_visit"], 1, 0, 0)
    same(numbers["type_days_since_visit"], 9, NAN, NAN)


def test_responses_are_counted_and_the_last_event_named() -> None:
    table = student_features(TRAIN, CONFIG).table(TRAIN)
    same(table.numbers["response_all_ignored"], 1, 0, 1)
    same(table.numbers["response_28_ignored"], 0, 0, 1)
    same(table.numbers["response_28_clicked"], 1, 0, 0)
    assert table.categories[names.HISTORY_TYPE].tolist() == [0, -1, 0]  # email, none, email
    assert table.categories[names.HISTORY_RESPONSE].tolist() == [0, -1, 1]


def test_an_unknown_number_is_no_number() -> None:
    table = student_features(TRAIN, CONFIG).table(TRAIN)
    same(table.numbers[GPA], 3.5, NAN, 2)
    assert table.categories[names.Q_STAGE].tolist() == [0, 1, 0]


def test_what_training_has_not_met_is_left_out() -> None:
    other = split(
        2,
        **{
            names.Q_STAGE: [["Asked"], ["Applied"]],
            names.TYPE_NAME: [["webinar", "email"], []],
            names.TYPE_ACTIVE_28: [[6.0, 5.0], []],
            PROGRAMME: [["medicine"], ["law"]],
        },
    )
    students = student_features(TRAIN, CONFIG)
    table = students.table(other)
    assert table.names == students.table(TRAIN).names
    same(table.numbers["type_active_28_email"], 5, 0)
    same(table.numbers["type_active_28_visit"], 0, 0)
    assert table.categories[PROGRAMME].tolist() == [-1, 2]  # "", arts, law
    assert np.isnan(table.matrix()[0, table.names.index(PROGRAMME)])


@pytest.mark.parametrize(
    ("cadence", "days", "hidden"),
    [
        ("weekly", 729, {"year_sin", "year_cos", "weekday_sin", "weekday_cos"}),
        ("weekly", 730, {"weekday_sin", "weekday_cos"}),
        ("daily", 729, {"year_sin", "year_cos"}),
        ("daily", 730, set()),
    ],
)
def test_phases_that_training_cannot_teach_are_left_out(
    cadence: str, days: int, hidden: set[str]
) -> None:
    config = CONFIG.model_copy(update={"snapshots": SnapshotsConfig(cadence=Cadence(cadence))})
    train = split(2, **{names.SNAPSHOT_TIME: [[0], [days * 86_400_000_000]]})
    assert untaught(train, config) == hidden
    assert not hidden & set(student_features(train, config).table(train).names)


def test_candidates_have_their_student_beside_them() -> None:
    students = student_features(TRAIN, CONFIG)
    candidates = candidate_features_of(TRAIN, CONFIG, students)
    assert candidates.matches == ((PROGRAMME, TOPIC),)
    table = candidates.table(TRAIN, np.array([0, 1, 2]))
    same(table.numbers[COST], 4, NAN, 4)
    same(table.numbers[names.C_OWN_DAYS_SINCE], 0, NAN, 5)
    same(table.numbers[GPA], 3.5, 3.5, NAN)
    # An arts student with an item on arts and one on law, a law student with arts.
    same(table.numbers[f"{PROGRAMME}_is_{TOPIC}"], 1, 0, 0)
    assert table.categories[names.C_ID].tolist() == [0, 1, 0]
    assert names.C_ID not in table.without(names.C_ID).names
    same(candidates.table(TRAIN, np.array([2])).numbers[COST], 4)


def test_scaling_takes_gaps_for_the_mean_and_codes_for_columns() -> None:
    table = FeatureTable(
        {
            "x": np.array([0, math.e - 1, NAN], np.float32),
            "same": np.array([2, 2, 2], np.float32),
            "none": np.array([NAN, NAN, NAN], np.float32),
        },
        {"c": np.array([1, -1, 0])},
        {"c": 2},
    )
    # log1p gives 0 and 1: mean .5, deviation .5.
    np.testing.assert_allclose(
        scaling_of(table).design(table),
        [[-1, 0, 0, 0, 1], [1, 0, 0, 0, 0], [0, 0, 0, 1, 0]],
        atol=1e-6,
    )
