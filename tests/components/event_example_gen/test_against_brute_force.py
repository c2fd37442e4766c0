"""Every feature and label of small random data sets, against the definitions row by row."""

from __future__ import annotations

from typing import Any

import pytest

from schemas import names
from schemas.config import GoalpathConfig
from schemas.features import (
    candidate_features,
    key_features,
    query_features,
    state_features,
)
from tests.components.event_example_gen.brute_force import DAY, BruteForce
from tests.components.event_example_gen.in_memory import Output, Tables, run
from tests.sample_data import START, sample_config, sample_tables

AS_OF = START + 150 * DAY
TOLERANCE = 2e-6
CASES = [
    (cohorts, cadence, seed)
    for cohorts in (True, False)
    for cadence in ("weekly", "daily", "every_event")
    for seed in (1, 2)
]


def close(value: Any, expected: Any) -> bool:
    """To the precision of float32; `pytest.approx` is too slow for a million values."""
    if isinstance(expected, list):
        return len(value) == len(expected) and all(map(close, value, expected))
    if isinstance(expected, str):
        return bool(value == expected)
    return bool(abs(value - expected) <= TOLERANCE * max(1.0, abs(expected)))


def compare(row: dict[str, Any], expected: dict[str, Any], keys: list[str]) -> None:
    wrong = {key: (row[key], expected[key]) for key in keys if not close(row[key], expected[key])}
    assert not wrong, (row[names.STUDENT_ID], row[names.SNAPSHOT_TIME])


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> tuple[Tables, GoalpathConfig, Output, BruteForce]:
    cohorts, cadence, seed = request.param
    config = sample_config(cohorts=cohorts, cadence=cadence)
    tables = sample_tables(cohorts=cohorts, students=10 if cadence == "daily" else 24, seed=seed)
    return (
        tables,
        config,
        run(tables, config, AS_OF, partitions=2),
        BruteForce(tables, config, AS_OF),
    )


Case = tuple[Tables, GoalpathConfig, Output, BruteForce]


def barrier_of(output: Output, split: str) -> int | None:
    return None if split == names.EVAL else output.plan.evaluation_start


def test_the_snapshots_are_those_of_the_definitions(case: Case) -> None:
    _, config, output, expected = case
    found = {
        (row[names.STUDENT_ID], row[names.SNAPSHOT_TIME]): split
        for split, row in output.all_examples()
    }
    wanted = {}
    for student_id, life in expected.lives.items():
        for t in expected.snapshot_times(student_id):
            side = expected_side(config, life.student, t, output)
            if side is not None:
                wanted[student_id, t] = side
    assert {key: split == names.EVAL for key, split in found.items()} == {
        key: side == names.EVAL for key, side in wanted.items()
    }
    assert set(found.values()) == set(names.SPLITS)


def expected_side(config: GoalpathConfig, student: Any, t: int, output: Output) -> str | None:
    if config.split.method == "cohort":
        if student[names.COHORT] in config.split.train:
            return names.TRAIN
        return names.EVAL if student[names.COHORT] in config.split.eval else None
    start = output.plan.evaluation_start
    assert start is not None
    if t + 14 * DAY < start:  # the embargo is the longer of two horizons of 14 days
        return names.TRAIN
    return names.EVAL if t >= start else None


def test_every_query_feature(case: Case) -> None:
    _, config, output, expected = case
    keys = [spec.key for spec in (*key_features(), *query_features(config))]
    for _, row in output.all_examples():
        wanted = expected.state(row[names.STUDENT_ID], row[names.SNAPSHOT_TIME])
        compare(row, wanted, keys)


def test_every_outcome_label(case: Case) -> None:
    _, _, output, expected = case
    for split, row in output.all_examples():
        wanted = expected.labels(
            row[names.STUDENT_ID], row[names.SNAPSHOT_TIME], barrier_of(output, split)
        )
        compare(row, wanted, list(wanted))


def test_every_candidate_feature(case: Case) -> None:
    _, config, output, expected = case
    keys = [spec.key for spec in candidate_features(config)]
    listed = 0
    for _, row in output.all_examples():
        student_id, t = row[names.STUDENT_ID], row[names.SNAPSHOT_TIME]
        wanted = [expected.candidate(student_id, key, t) for key in row[names.C_ID]]
        for key in keys:
            assert close(row[key], [candidate[key] for candidate in wanted]), (student_id, t, key)
        listed += len(wanted)
    assert listed


def test_the_lists_hold_what_they_should(case: Case) -> None:
    _, _, output, expected = case
    for split, row in output.all_examples():
        student_id, t = row[names.STUDENT_ID], row[names.SNAPSHOT_TIME]
        barrier = barrier_of(output, split)
        ids, grades = row[names.C_ID], row[names.C_GRADE]
        eligible = expected.eligible(student_id, t)
        responses = expected.grades(student_id, t, barrier)
        answers = {key: grade for key, grade in responses.items() if key in eligible}
        assert ids == sorted(set(ids))
        assert set(ids) <= set(eligible)
        assert grades == [answers.get(key, 0.0) for key in ids]
        if split == names.EVAL:
            assert ids in ([], eligible)
        else:
            assert set(answers) <= set(ids)
        given = expected.given(student_id, t, barrier)
        wanted = ids.index(given) if given in ids else -1
        assert row[names.GIVEN_INDEX] == wanted
        assert split == names.EVAL or (wanted >= 0) == (given is not None)
        assert row[names.RANKING_WEIGHT] == float(any(grade > 0 for grade in grades))


def test_the_sampling_probabilities(case: Case) -> None:
    _, config, output, expected = case
    draws, kinds = config.ranking.negatives, set()
    for split, row in output.all_examples():
        student_id, t = row[names.STUDENT_ID], row[names.SNAPSHOT_TIME]
        for place, key in enumerate(row[names.C_ID]):
            found = row[names.C_SAMPLING_PROBABILITY][place]
            if split == names.EVAL or row[names.C_GRADE][place] > 0:
                assert found == 1
                kinds.add("sure")
            elif found == 0:
                assert row[names.GIVEN_INDEX] == place
                kinds.add("given only")
            else:
                once = expected.draw_probability(student_id, key, t)
                assert found == pytest.approx(1 - (1 - once) ** draws, rel=1e-5)
                kinds.add("drawn")
    assert {"sure", "drawn"} <= kinds


def test_the_states_as_of_the_end(case: Case) -> None:
    _, config, output, expected = case
    keys = [spec.key for spec in state_features(config)]
    assert {row[names.STUDENT_ID] for row in output.states} == set(expected.lives)
    for row in output.states:
        student_id = row[names.STUDENT_ID]
        wanted = {**expected.state(student_id, AS_OF), **expected.used(student_id, AS_OF)}
        compare(row, wanted, keys)
        assert row["ended"] == expected.is_ended(expected.lives[student_id])


def test_serving_has_those_not_yet_ended(case: Case) -> None:
    _, config, output, expected = case
    keys = [spec.key for spec in (*key_features(), *query_features(config))]
    rows = output.examples["serving"]
    assert {row[names.STUDENT_ID] for row in rows} == {
        student_id for student_id, life in expected.lives.items() if not expected.is_ended(life)
    }
    for row in rows:
        compare(row, expected.state(row[names.STUDENT_ID], AS_OF), keys)
        assert names.C_ID not in row
        assert names.RISK_LABEL not in row
