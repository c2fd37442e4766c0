"""Journeys and paths of a handful of states, and what must not stand in them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from components.conversion_patterns import state_sample
from components.conversion_patterns.journeys import common_to, journey_table, successful_paths
from components.conversion_patterns.sampled import Outcomes
from components.event_example_gen import clock
from schemas import names, patterns_files
from schemas.config import GoalpathConfig
from tests.sample_data import sample_config

NEVER = clock.NEVER


def config(**patterns: object) -> GoalpathConfig:
    """Goals within 42 days."""
    return sample_config(cohorts=False, patterns={"smallest_group": 2, **patterns})


def table_of(
    met: list[list[str]], reached_days: list[float | None], **patterns: object
) -> pa.Table:
    """Journeys of states in Inquiry from which Visited is reached after so many days."""
    count = len(met)
    reached = np.full((count, 4), NEVER)
    for row, days in enumerate(reached_days):
        if days is not None:
            reached[row, :2] = round(days * clock.DAY)
    outcomes = Outcomes(
        np.zeros(count, np.int64), reached, np.full(count, NEVER), np.full(count, NEVER)
    )
    sample = pa.table(
        {
            state_sample.TYPES_ON_THE_WAY: pa.array(
                [[each[0] for each in row] for row in met], pa.list_(pa.string())
            ),
            state_sample.ENGAGEMENTS_ON_THE_WAY: pa.array(met, pa.list_(pa.string())),
            names.Q_DAYS_IN_STAGE: pa.array([7.9] * count, pa.float32()),
        }
    )
    embedding = np.arange(count * 2, dtype=float).reshape(count, 2)
    return journey_table(sample, outcomes, embedding, config(**patterns))


def test_only_who_moved_on_has_a_journey() -> None:
    found = table_of([["a1"], ["a1"], ["a1"], ["a1"]], [3.2, None, 41.99, 42])
    assert found.schema.equals(patterns_files.JOURNEYS_SCHEMA)
    # Without hours: whole days spent, and days begun.
    assert found.to_pylist() == [
        {
            patterns_files.EMBEDDING: embedding,
            patterns_files.FROM_STAGE: "Inquiry",
            patterns_files.DAYS_IN_STAGE: 7.0,
            patterns_files.REACHED_STAGE: "Visited",
            patterns_files.DAYS_TO_REACH: days,
            patterns_files.TYPES_MET: ["a"],
            patterns_files.ENGAGEMENTS_MET: ["a1"],
        }
        for embedding, days in (([0.0, 1.0], 4.0), ([4.0, 5.0], 42.0))
    ]


def test_what_too_few_met_is_left_out() -> None:
    found = table_of([["a1", "b1", "a2"], ["a1"], ["a3", "a1"]], [1, 1, 1])
    # Only a1 was met by two of those that moved on; type a by all, type b by one.
    assert found[patterns_files.ENGAGEMENTS_MET].to_pylist() == [["a1"], ["a1"], ["a1"]]
    assert found[patterns_files.TYPES_MET].to_pylist() == [["a", "a"], ["a"], ["a", "a"]]


def test_meeting_something_twice_does_not_make_two_students() -> None:
    assert common_to([["a", "a"], ["b"], ["b", "c"]], 2) == frozenset("b")
    assert common_to([], 1) == frozenset()


def test_nobody_moved_on() -> None:
    found = table_of([["a1"]], [None])
    assert (found.num_rows, found.schema) == (0, patterns_files.JOURNEYS_SCHEMA)
    assert successful_paths(found, config()) == ()


def test_paths_are_first_meetings_in_their_order() -> None:
    met = [["a1", "b1", "a1"], ["a1", "b2", "b1"], ["b1", "a1"], ["b1", "a1", "b1"], [], [], ["a1"]]
    found = successful_paths(table_of(met, [5, 9, 2, 3, 8, 8, 1]), config())
    assert [(path.types, path.students, path.median_days) for path in found] == [
        ((), 2, 8),
        (("a", "b"), 2, 7),
        (("b", "a"), 2, 2.5),
    ]
    assert {(path.from_stage, path.to_stage) for path in found} == {("Inquiry", "Visited")}


def test_the_most_taken_comes_first_and_paths_are_cut_to_their_length() -> None:
    met = [["c1", "b1", "a1"], ["c1", "b1"], ["c1", "b1", "d1"], ["a1"], ["a1", "a1"], ["d1", "a1"]]
    found = successful_paths(table_of(met, [1] * 6), config(path_length=2))
    assert [(path.types, path.students) for path in found] == [(("c", "b"), 3), (("a",), 2)]


@pytest.mark.parametrize("smallest", [2, 3])
def test_a_path_that_too_few_took_is_not_shown(smallest: int) -> None:
    journeys = table_of([["a1"], ["a1"]], [1, 1], smallest_group=smallest)
    found = successful_paths(journeys, config(smallest_group=smallest))
    assert [path.students for path in found] == ([2] if smallest == 2 else [])
