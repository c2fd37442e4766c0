"""Stage records: order, ties, loss and end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from components.event_example_gen import clock
from components.event_example_gen.partition import NO_STAGE, code_stages
from components.event_example_gen.stages import StageRecords, stage_records
from tests.components.event_example_gen.hand_made import change, day, event, make_tables, student
from tests.components.event_example_gen.in_memory import make_histories, make_reference
from tests.sample_data import STAGES, sample_config

LOSS = len(STAGES)
NEVER = clock.NEVER


def records(rows: Sequence[tuple[int, int, int]], students: int = 1) -> StageRecords:
    """Of (student, time, place in the funnel)."""
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    return stage_records(*columns, students=students, stages=len(STAGES))


def at(found: StageRecords, t: Sequence[int], student: int = 0) -> list[tuple[int, int]]:
    """The stage as of each t, and since when; 5 stands for the entry."""
    times = np.array(t, np.int64)
    row = np.full(len(times), student)
    position, since = found.at(row, times, np.full(len(times), 5))
    return list(zip(position.tolist(), since.tolist(), strict=True))


def test_the_stage_is_that_of_the_last_record_before_t() -> None:
    found = records([(0, 30, 2), (0, 10, 1)])
    assert at(found, [9, 10, 11, 30, 31]) == [(0, 5), (0, 5), (1, 10), (1, 10), (2, 30)]


def test_without_a_record_it_is_the_first_stage_since_entry() -> None:
    assert at(records([]), [0, 99]) == [(0, 5), (0, 5)]
    assert at(records([(1, 10, 3)], students=2), [99]) == [(0, 5)]


def test_at_one_instant_the_furthest_stage_stands() -> None:
    found = records([(0, 10, 2), (0, 10, 0), (0, 10, 1)])
    assert at(found, [10, 11]) == [(0, 5), (2, 10)]


def test_since_is_the_start_of_the_unbroken_run() -> None:
    found = records([(0, 10, 1), (0, 20, 1), (0, 30, 2), (0, 40, 1), (0, 50, 1)])
    assert at(found, [25, 35, 60]) == [(1, 10), (2, 30), (1, 40)]


def test_students_do_not_mix() -> None:
    found = records([(1, 10, 1), (0, 20, 2), (1, 15, LOSS), (2, 1, 3)], students=4)
    assert at(found, [99], 0) == [(2, 20)]
    assert at(found, [99], 1) == [(1, 10)]
    assert at(found, [99], 3) == [(0, 5)]
    assert found.lost_at.tolist() == [NEVER, 15, NEVER, NEVER]
    assert found.ends_at.tolist() == [NEVER, 15, 1, NEVER]


def test_nothing_after_the_first_loss_is_a_record() -> None:
    found = records([(0, 10, 1), (0, 20, LOSS), (0, 20, 2), (0, 21, 3), (0, 30, LOSS)])
    assert found.lost_at.tolist() == [20]
    assert found.ends_at.tolist() == [20]
    assert found.position.tolist() == [1, 2]


def test_the_end_is_the_first_record_of_the_last_stage_or_the_loss() -> None:
    assert records([(0, 10, 3), (0, 20, LOSS)]).ends_at.tolist() == [10]
    assert records([(0, 10, LOSS), (0, 10, 3)]).ends_at.tolist() == [10]
    assert records([(0, 10, 3), (0, 20, 1), (0, 30, 3)]).ends_at.tolist() == [10]
    assert records([(0, 10, 2)]).ends_at.tolist() == [NEVER]


def test_how_many_records_reach_each_stage() -> None:
    found = records([(0, 10, 1), (0, 20, 3), (0, 30, 0)])
    assert found.reached.tolist() == [[0, 0, 0, 0], [1, 1, 0, 0], [2, 2, 1, 1], [3, 2, 1, 1]]


def test_stages_are_coded_by_their_place() -> None:
    texts = pa.array(["Applied", None, "", "lost", "Inquiry", "Enrolled"])
    codes = code_stages(texts, sample_config(cohorts=False))
    assert codes.tolist() == [2, NO_STAGE, NO_STAGE, LOSS, 0, 3]


def test_records_come_from_events_responses_and_stage_changes() -> None:
    events = [
        event(1, stage_after="Visited"),
        event(4, response="unsubscribed", stage_after="Applied"),
        event(5, stage_after="Enrolled"),
    ]
    tables = make_tables([student()], events, changes=[change(2, "Inquiry"), change(6, "lost")])
    histories = make_histories(tables, make_reference(tables, sample_config(cohorts=True), day(90)))
    found = histories.records
    assert found.time.tolist() == [day(1), day(2), day(4)]
    assert found.position.tolist() == [1, 0, 2]
    assert found.lost_at.tolist() == [day(4)]
    assert len(histories.events) == 2
    assert histories.rows_after_loss == 2  # the event of day 5 and the change of day 6


def test_rows_at_or_after_as_of_do_not_exist() -> None:
    events = [event(1, stage_after="Visited"), event(2, stage_after="Applied")]
    tables = make_tables([student()], events, changes=[change(2, "lost"), change(3, "lost")])
    reference = make_reference(tables, sample_config(cohorts=True), day(2))
    histories = make_histories(tables, reference)
    assert histories.records.position.tolist() == [1]
    assert histories.records.lost_at.tolist() == [NEVER]
    assert len(histories.events) == 1
    assert histories.rows_after_loss == 0


def test_without_a_table_of_stage_changes_events_are_the_only_source() -> None:
    config = sample_config(cohorts=False)
    tables = make_tables([student("a"), student("b")], [event(1, stage_after="Visited")])
    histories = make_histories(tables, make_reference(tables, config, day(9)))
    assert histories.records.position.tolist() == [1]
    assert histories.entered.tolist() == [day(1), clock.MISSING]
