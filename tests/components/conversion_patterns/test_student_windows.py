"""Windows in a stage, what was met in them and what followed, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from components.conversion_patterns.student_windows import (
    StudentWindows,
    classes,
    meetings,
    recency,
    student_windows,
)
from components.conversion_patterns.training_part import TrainingPart
from components.event_example_gen import clock
from tests.components.conversion_patterns.hand_part import cohorts_of, in_days, make_part, until
from tests.components.event_example_gen.hand_made import Row, change, day, event, student


def part_of(
    changes: Sequence[Row] = (), events: Sequence[Row] = (), *, end: float = 50
) -> TrainingPart:
    """Student a, who entered on day 0."""
    return make_part([student("a", entered_at=day(0))], events, changes=changes, plan=until(end))[0]


def seen(part: TrainingPart) -> dict[float | None, bool]:
    """When each window of a week begins, and whether moving on follows."""
    windows = student_windows(part, 7)
    return dict(zip(in_days(windows.t), windows.moved.tolist(), strict=True))


def test_a_move_counts_for_the_window_before_the_one_it_lies_in() -> None:
    # On day 16 the student is in [14, 21): the window [7, 14) is followed by the move,
    # and [14, 21) was not spent in one stage.
    windows = student_windows(part_of([change(16, "Visited")], end=28), 7)
    assert in_days(windows.t) == [0, 7]
    assert windows.moved.tolist() == [False, True]
    assert in_days(windows.end) == [7, 14]
    assert windows.stage.tolist() == [0, 0]
    assert in_days(windows.stage_since) == [0, 0]


def test_after_the_move_windows_are_of_the_next_stage() -> None:
    windows = student_windows(part_of([change(9, "Visited"), change(29, "Applied")]), 7)
    assert dict(zip(in_days(windows.t), windows.stage.tolist(), strict=True)) == {
        0: 0, 14: 1, 21: 1, 35: 2,
    }  # fmt: skip
    assert dict(zip(in_days(windows.t), windows.moved.tolist(), strict=True)) == {
        0: True, 14: False, 21: True, 35: False,
    }  # fmt: skip
    assert in_days(windows.stage_since) == [0, 9, 9, 29]


def test_moves_at_the_bounds_of_windows() -> None:
    # A move at the end of a window lies in the window after it. Who moves at the beginning
    # of a window is not yet in the next stage then, and does not stay.
    assert seen(part_of([change(14, "Visited")], end=28)) == {0: False, 7: True}
    assert seen(part_of([change(7, "Visited")], end=28)) == {0: True, 14: False}


def test_the_outcome_must_be_known_to_its_end() -> None:
    assert seen(part_of(end=21)) == {0: False, 7: False}
    assert seen(part_of(end=20.9)) == {0: False}


def test_going_back_is_not_moving_on_and_a_repeated_stage_is_no_move() -> None:
    part = part_of([change(1, "Visited"), change(16, "Inquiry")], end=28)
    assert seen(part) == {7: False}
    assert seen(part_of([change(9, "Inquiry")], end=21)) == {0: False}


def test_the_lost_do_not_move_on_and_have_no_window_to_its_end_after() -> None:
    assert seen(part_of([change(10, "lost")])) == {0: False}
    assert seen(part_of([change(14, "lost")])) == {0: False, 7: False}


def test_a_move_after_the_close_of_a_cohort_is_none() -> None:
    part, _ = make_part(
        [student("a", cohort="x", entered_at=day(0))],
        changes=[change(15, "Visited")],
        cohorts=[{"cohort": "x", "starts": day(0), "closes": day(14)}],
        plan=cohorts_of("x"),
    )
    assert seen(part) == {0: False, 7: False}


def test_in_the_last_stage_there_is_no_window() -> None:
    assert seen(part_of([change(8, "Enrolled")])) == {0: True}


def test_what_was_met_lies_in_the_window() -> None:
    events = [event(0), event(6.9, "e1"), event(7, "e2"), event(14, "e0")]
    part = part_of(events=events, end=21)
    windows = student_windows(part, 7)
    met = meetings(part, windows)
    assert met.window.tolist() == [0, 0, 1]
    assert in_days(part.histories.events.time[met.place]) == [0, 6.9, 7]


def test_recency_is_of_the_last_active_event_before_the_window() -> None:
    # e0 on day 3 is active, an ignored one on day 20 is not.
    part = part_of(events=[event(3), event(20, "e1", "ignored")])
    windows = student_windows(part, 7)
    found = dict(zip(in_days(windows.t), recency(part, windows, (7, 21)).tolist(), strict=True))
    # Never, 4, 11, 18, 25 and 32 days ago.
    assert found == {0: 2, 7: 0, 14: 1, 21: 1, 28: 2, 35: 2}


def test_recency_is_not_that_of_the_student_before() -> None:
    part, _ = make_part(
        [student("a", entered_at=day(0)), student("b", entered_at=day(0))],
        [event(1, student="a")],
        plan=until(21),
    )
    windows = student_windows(part, 7)
    found = recency(part, windows, (7, 28))
    assert found[windows.student == 0].tolist() == [2, 0]
    assert found[windows.student == 1].tolist() == [2, 2]


@pytest.mark.parametrize(
    ("age", "expected"), [(0, 0), (7, 0), (7.01, 1), (28, 1), (28.5, 2), (400, 2)]
)
def test_a_bound_belongs_to_the_class_below_it(age: float, expected: int) -> None:
    assert classes(np.array([round(age * clock.DAY)]), (7, 28)).tolist() == [expected]


def test_without_students_or_events_there_is_nothing() -> None:
    part, _ = make_part([student("a")])
    windows: StudentWindows = student_windows(part, 7)
    assert len(windows) == 0
    assert len(meetings(part, windows).window) == 0
    assert recency(part, windows, (7,)).tolist() == []
    quiet = part_of(end=14)
    assert recency(quiet, student_windows(quiet, 7), (7, 28)).tolist() == [2]
