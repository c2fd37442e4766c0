"""Windows counted by what was met in them, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from components.conversion_patterns import effect_counts as ec
from components.conversion_patterns.strata import Tally
from components.conversion_patterns.training_part import TrainingPart
from components.event_example_gen import clock
from schemas.config import PatternsConfig
from schemas.conversion_patterns import Subject
from tests.components.conversion_patterns.hand_part import make_part, until
from tests.components.event_example_gen.hand_made import Row, change, day, event, student

EMAIL, VISIT = 0, 1  # in the order of their names; e0 and e2 are emails, e1 is a visit
NONE_CHOSEN = np.zeros(2, bool)
PATTERNS = PatternsConfig(
    stage_time_days=(7,), recency_days=(7,), most_meetings=2, sequence_days=14
)
WEEK = day(0) // clock.WEEK


def part_of(events: Sequence[Row], changes: Sequence[Row] = (), *, end: float = 28) -> TrainingPart:
    part, _ = make_part([student("a", entered_at=day(0))], events, changes=changes, plan=until(end))
    return part


def counted(
    part: TrainingPart, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]] = NONE_CHOSEN
) -> ec.EffectCounts:
    return ec.count_effects(part, chosen, window_days=7, patterns=PATTERNS)


def rows(found: Tally, *columns: int) -> list[tuple[int, ...]]:
    """The columns of each key, with windows and moves at the end."""
    return [
        (*(int(key[column]) for column in columns), int(windows), int(moved))
        for key, windows, moved in zip(found.keys, found.windows, found.moved, strict=True)
    ]


def test_every_window_stands_in_the_pool_with_its_stratum() -> None:
    part = part_of([event(8), event(9, "e1"), event(9.5), event(15)], [change(23, "Visited")])
    pool = counted(part).pool[Subject.TYPE]
    columns = (ec.STAGE, ec.WEEK, ec.RECENCY, ec.TIME_IN_STAGE, ec.OFFERED, ec.CHOSEN, ec.LENGTH)
    assert rows(pool, *columns) == [
        (0, WEEK, 1, 0, 0, 0, 0, 1, 0),
        # Three meetings are as many as two; on day 7 the student is there for 7 days.
        (0, WEEK + 1, 1, 0, 2, 0, 0, 1, 0),
        # Active on day 9.5, and in the stage for 14 days.
        (0, WEEK + 2, 0, 1, 1, 0, 0, 1, 1),
    ]


def test_weeks_of_the_calendar_are_told_apart_before_the_epoch_as_after_it() -> None:
    # Windows of all students without a cohort begin on the same days.
    part, _ = make_part(
        [student(name, entered_at=day(0)) for name in "ab"], [event(1, student="b")], plan=until(14)
    )
    pool = counted(part).pool[Subject.TYPE]
    assert rows(pool, ec.WEEK, ec.OFFERED) == [(WEEK, 0, 1, 0), (WEEK, 1, 1, 0)]


def test_what_was_met_twice_in_a_window_counts_once() -> None:
    part = part_of([event(8), event(9, "e1"), event(9.5), event(10, "e2")], [change(16, "Applied")])
    met = counted(part).met
    code = ec.STRATUM_WIDTH
    assert rows(met[Subject.TYPE], code) == [(EMAIL, 1, 1), (VISIT, 1, 1)]
    assert rows(met[Subject.ENGAGEMENT], code) == [(0, 1, 1), (1, 1, 1), (2, 1, 1)]


def test_what_students_choose_is_counted_apart_from_what_is_offered() -> None:
    part = part_of([event(1), event(2, "e1"), event(3, "e1"), event(4, "e1")], end=14)
    pool = counted(part, np.array([False, True])).pool[Subject.TYPE]
    assert rows(pool, ec.OFFERED, ec.CHOSEN) == [(1, 2, 1, 0)]


def sequences(part: TrainingPart, *chosen: int) -> list[tuple[int, ...]]:
    """Length, codes, windows and moves."""
    flags = np.isin([EMAIL, VISIT], chosen)
    found = counted(part, flags).met[Subject.SEQUENCE]
    first = ec.STRATUM_WIDTH
    return rows(found, ec.LENGTH, first, first + 1, first + 2)


def test_sequences_are_the_last_two_and_three_offers_in_their_order() -> None:
    part = part_of([event(8), event(9, "e1"), event(10), event(11, "e2")], [change(16, "Visited")])
    assert sequences(part) == [
        (2, ec.NO_TYPE, EMAIL, EMAIL, 1, 1),
        (3, VISIT, EMAIL, EMAIL, 1, 1),
    ]
    pool = counted(part).pool[Subject.SEQUENCE]
    assert rows(pool, ec.LENGTH) == [(2, 1, 1), (3, 1, 1)]


def test_a_sequence_may_begin_before_its_window_but_must_end_in_it() -> None:
    part = part_of([event(1), event(8, "e1")])
    # [0, 7) has one offer; [7, 14) ends a sequence; [14, 21) met nothing.
    assert sequences(part) == [(2, ec.NO_TYPE, EMAIL, VISIT, 1, 0)]


def test_no_part_of_a_sequence_is_older_than_it_may_be() -> None:
    # The window [14, 21) looks back for 14 days, to day 7.
    assert sequences(part_of([event(6.9), event(15, "e1")])) == []
    assert sequences(part_of([event(7), event(15, "e1")])) == [(2, ec.NO_TYPE, EMAIL, VISIT, 1, 0)]


def test_no_part_of_a_sequence_is_of_an_earlier_stage() -> None:
    moves = [change(6, "Visited")]
    assert sequences(part_of([event(5.9), event(8, "e1")], moves)) == []
    assert sequences(part_of([event(6), event(8, "e1")], moves)) == [
        (2, ec.NO_TYPE, EMAIL, VISIT, 1, 0)
    ]


def test_what_students_choose_is_no_part_of_a_sequence() -> None:
    part = part_of([event(8), event(9, "e1"), event(10)])
    assert sequences(part, VISIT) == [(2, ec.NO_TYPE, EMAIL, EMAIL, 1, 0)]
    assert sequences(part, EMAIL, VISIT) == []


def test_use_of_types_is_that_of_training_students_in_training_time() -> None:
    part, _ = make_part(
        [student("a", entered_at=day(0)), student("b", entered_at=day(60))],
        [
            event(1),
            event(2, "e1", "ignored"),
            event(3, "e2", "ignored"),
            event(55),
            event(61, student="b"),
        ],
        plan=until(50),
    )
    use = ec.count_type_use(part, 3)
    assert (use.met.tolist(), use.active.tolist()) == ([2, 1, 0], [1, 0, 0])
    both = use + use
    assert (both.met.tolist(), both.active.tolist()) == ([4, 2, 0], [2, 0, 0])


def test_a_type_that_is_nearly_always_active_is_of_the_students_own_choice() -> None:
    use = ec.TypeUse(np.array([100, 100, 0]), np.array([99, 98, 0]))
    assert use.self_chosen(0.99).tolist() == [True, False, False]


def test_partitions_add_up_to_the_counts_of_all() -> None:
    rng = np.random.default_rng(4)
    people = [student(f"s{number}", entered_at=day(0)) for number in range(6)]
    events = [
        event(float(rng.uniform(0, 60)), f"e{rng.integers(3)}", student=f"s{rng.integers(6)}")
        for _ in range(120)
    ]
    whole, _ = make_part(people, events, plan=until(63))
    parts = []
    for name in range(6):
        own = [row for row in events if row["student_id"] == f"s{name}"]
        parts.append(counted(make_part([people[name]], own, plan=until(63))[0]))
    added, expected = ec.add_effect_counts(parts), counted(whole)
    for subject in ec.SUBJECTS:
        for one, other in (
            (added.pool[subject], expected.pool[subject]),
            (added.met[subject], expected.met[subject]),
        ):
            assert rows(one, *range(one.keys.shape[1])) == rows(other, *range(other.keys.shape[1]))
    assert expected.met[Subject.SEQUENCE].windows.sum() > 50


@pytest.mark.parametrize("people", [[student("a")], [student("a", entered_at=day(0))]])
def test_without_events_or_students_nothing_was_met(people: list[Row]) -> None:
    found = counted(make_part(people, plan=until(28))[0])
    assert [len(found.met[subject]) for subject in ec.SUBJECTS] == [0, 0, 0]
    assert len(found.pool[Subject.SEQUENCE]) == 0
