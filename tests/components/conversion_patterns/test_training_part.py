"""Who is of training, until when what a student did is known, and where windows begin."""

from __future__ import annotations

import numpy as np

from components.conversion_patterns.training_part import TrainingPart
from components.event_example_gen import clock
from tests.components.conversion_patterns.hand_part import cohorts_of, in_days, make_part, until
from tests.components.event_example_gen.hand_made import change, day, event, student
from tests.sample_data import DAY


def windows_of(part: TrainingPart, days: int) -> dict[int, list[float | None]]:
    at = part.windows(days)
    return {row: in_days(at.t[at.student == row]) for row in np.unique(at.student).tolist()}


def test_of_training_is_who_entered_before_evaluation_and_its_embargo() -> None:
    part, _ = make_part(
        [
            student("a", entered_at=day(3)),
            student("b", entered_at=day(13)),
            student("c", entered_at=day(60)),
            student("d"),
        ],
        plan=until(20, embargo=7),
    )
    assert part.chosen.tolist() == [True, False, False, False]
    assert in_days(part.known_until)[0] == 20


def test_calibration_students_are_left_out() -> None:
    people = [student(f"s{number:03d}", entered_at=day(1)) for number in range(200)]
    none, _ = make_part(people, plan=until(50))
    some, _ = make_part(people, plan=until(50, calibration=0.25))
    assert none.chosen.all()
    # A draw of a quarter of 200; 25 is four deviations off.
    assert 25 < (~some.chosen).sum() < 75
    drawn = until(50, calibration=0.25).is_calibration(some.histories.students.hashes)
    np.testing.assert_array_equal(some.chosen, ~drawn)


def test_without_a_cohort_nothing_is_known_from_the_earlier_of_as_of_and_evaluation() -> None:
    early, _ = make_part([student("a", entered_at=day(0))], plan=until(90), as_of=50)
    late, _ = make_part([student("a", entered_at=day(0))], plan=until(30), as_of=50)
    assert (in_days(early.known_until), in_days(late.known_until)) == ([50], [30])
    assert in_days(early.other) == [None]


def test_a_closed_cohort_has_decided_all_and_an_open_one_has_not() -> None:
    part, _ = make_part(
        [
            student("a", cohort="closed", entered_at=day(0)),
            student("b", cohort="cut", entered_at=day(0)),
            student("c", cohort="other", entered_at=day(0)),
        ],
        changes=[change(9, "lost", student="a")],
        cohorts=[
            {"cohort": "closed", "starts": day(0), "closes": day(30)},
            {"cohort": "cut", "starts": day(0), "closes": day(30), "observed_until": day(20)},
            {"cohort": "other", "starts": day(0), "closes": day(30)},
        ],
        plan=cohorts_of("closed", "cut"),
        as_of=100,
    )
    assert part.chosen.tolist() == [True, True, False]
    assert in_days(part.known_until) == [None, 20, None]
    # Lost on day 9; not decided; what comes at the close itself is in time.
    assert part.other.tolist() == [day(9), clock.NEVER, day(30) + 1]


def test_windows_follow_each_other_on_mondays_from_entry_to_the_end_of_knowledge() -> None:
    part, _ = make_part(
        [student("a", entered_at=day(1)), student("b", entered_at=day(0))],
        changes=[change(10, "lost", student="b")],
        plan=until(29),
    )
    assert windows_of(part, 7) == {0: [7, 14, 21, 28], 1: [0, 7]}
    # Fortnights count from a Monday of the epoch, which is no start of the data.
    assert (day(0) - clock.MONDAY) // DAY % 14 == 7
    assert windows_of(part, 14) == {0: [7, 21], 1: [7]}


def test_windows_of_a_cohort_count_from_its_start_and_end_at_its_close() -> None:
    part, _ = make_part(
        [student("a", cohort="x", entered_at=day(-50))],
        cohorts=[{"cohort": "x", "starts": day(2), "closes": day(23)}],
        plan=cohorts_of("x"),
        as_of=100,
    )
    assert windows_of(part, 7) == {0: [2, 9, 16]}


def test_no_window_begins_before_the_data_that_are_asked_for_nor_without_an_entry() -> None:
    part, _ = make_part(
        [student("a", entered_at=day(0)), student("b")], plan=until(22), since=day(10)
    )
    assert windows_of(part, 7) == {0: [14, 21]}


def test_the_enrolled_have_no_window_after_they_enrolled() -> None:
    part, _ = make_part(
        [student("a", entered_at=day(0))],
        [event(8, stage_after="Enrolled")],
        plan=until(50),
    )
    assert windows_of(part, 7) == {0: [0, 7]}
