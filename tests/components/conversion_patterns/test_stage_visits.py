"""First visits to stages of hand-made lives: Inquiry, Visited, Applied, Enrolled."""

from __future__ import annotations

from components.conversion_patterns.stage_visits import StageVisits, first_visits
from tests.components.conversion_patterns.hand_part import in_days, make_part, until
from tests.components.event_example_gen.hand_made import Row, change, day, event, student

INQUIRY, VISITED, APPLIED, ENROLLED = range(4)


def visits(
    stage: int,
    *changes: Row,
    entered: float | None = 1.5,
    end: float = 100,
    events: tuple[Row, ...] = (),
    since: float = -1000,
) -> StageVisits:
    """Of student a."""
    entered_at = {} if entered is None else {"entered_at": day(entered)}
    part, _ = make_part(
        [student("a", **entered_at)],
        events,
        changes=list(changes),
        plan=until(end),
        since=day(since),
    )
    return first_visits(part, stage)


def numbers(found: StageVisits, stage: int) -> tuple[list[float | None], ...]:
    """Entry, leaving, and when each later stage is reached."""
    later = [in_days(found.reaches[:, place])[0] for place in range(stage + 1, 4)]
    return in_days(found.entered), in_days(found.left), later


def test_the_first_stage_is_entered_with_the_student() -> None:
    found = visits(INQUIRY, change(4, "Visited"), change(9, "Enrolled"))
    assert numbers(found, INQUIRY) == ([1.5], [4], [4, 9, 9])


def test_a_record_of_the_first_stage_changes_no_entry() -> None:
    found = visits(INQUIRY, change(2, "Inquiry"), change(4, "Visited"))
    assert numbers(found, INQUIRY) == ([1.5], [4], [4, None, None])


def test_who_comes_into_a_later_stage_at_once_was_never_in_the_first() -> None:
    assert len(visits(INQUIRY, change(1.5, "Visited"))) == 0
    assert len(visits(INQUIRY, change(3, "Visited"), entered=None)) == 0


def test_but_may_come_back_to_the_first_stage() -> None:
    found = visits(INQUIRY, change(3, "Visited"), change(5, "Inquiry"), entered=3)
    assert numbers(found, INQUIRY) == ([5], [None], [None, None, None])


def test_without_any_record_the_student_stays_in_the_first_stage() -> None:
    assert numbers(visits(INQUIRY), INQUIRY) == ([1.5], [None], [None, None, None])


def test_only_the_first_visit_counts_and_it_ends_with_the_next_other_stage() -> None:
    found = visits(
        VISITED,
        change(2, "Visited"),
        change(3, "Visited"),
        change(6, "Inquiry"),
        change(8, "Visited"),
        change(9, "Applied"),
    )
    assert numbers(found, VISITED) == ([2], [6], [9, None])


def test_a_stage_that_was_jumped_over_was_not_entered() -> None:
    assert len(visits(VISITED, change(2, "Applied"))) == 0
    assert numbers(visits(APPLIED, change(2, "Applied")), APPLIED) == ([2], [None], [None])


def test_two_stages_at_one_instant_are_a_visit_of_no_time() -> None:
    found = visits(VISITED, change(2, "Visited"), change(2, "Applied"))
    assert numbers(found, VISITED) == ([2], [2], [2, None])


def test_records_of_events_count_as_well() -> None:
    found = visits(VISITED, change(9, "Applied"), events=(event(2, stage_after="Visited"),))
    assert numbers(found, VISITED) == ([2], [9], [9, None])


def test_what_began_outside_of_training_time_is_none() -> None:
    moves = (change(4, "Visited"), change(9, "Applied"))
    assert len(visits(VISITED, *moves, end=4)) == 0
    assert len(visits(VISITED, *moves, end=4.5)) == 1
    assert len(visits(VISITED, *moves, since=5)) == 0
    assert len(visits(VISITED, *moves, since=4)) == 1
    # An entry at the loss or after it is none.
    assert len(visits(VISITED, change(4, "Visited"), change(4, "lost"))) == 0


def test_students_do_not_share_their_records() -> None:
    part, _ = make_part(
        [student(name, entered_at=day(0)) for name in "abc"],
        changes=[
            change(2, "Visited", student="a"),
            change(1, "Visited", student="c"),
            change(7, "Applied", student="c"),
        ],
    )
    found = first_visits(part, VISITED)
    assert found.student.tolist() == [0, 2]
    assert in_days(found.left) == [None, 7]
    assert in_days(found.reaches[:, APPLIED]) == [None, 7]
    assert len(first_visits(part, ENROLLED)) == 0
