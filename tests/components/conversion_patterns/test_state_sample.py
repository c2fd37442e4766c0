"""A sample of states, from lives that are worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest

from components.conversion_patterns import state_sample
from components.conversion_patterns.state_sample import add_samples, sample_states
from components.event_example_gen import clock
from schemas import names
from schemas.features import query_features
from tests.components.conversion_patterns.hand_part import cohorts_of, make_part, until
from tests.components.event_example_gen.hand_made import Row, change, day, event, student
from tests.sample_data import DAY

# e0 and e2 are emails, e1 is a visit.
ON_THE_WAY = (state_sample.TYPES_ON_THE_WAY, state_sample.ENGAGEMENTS_ON_THE_WAY)


def sample(
    students: Sequence[Row],
    events: Sequence[Row] = (),
    *,
    changes: Sequence[Row] = (),
    size: int = 1000,
    end: float = 60,
) -> pa.Table:
    part, reference = make_part(students, events, changes=changes, plan=until(end))
    return sample_states(part, reference, window_days=7, horizon_days=42, size=size)


def one(table: pa.Table) -> dict[str, object]:
    [row] = table.to_pylist()
    return dict(row)


def test_the_only_state_of_a_student_with_what_came_after() -> None:
    # Entered on day 0.5 and lost on day 10: the only window begins on day 7.
    row = one(
        sample(
            [student("a", entered_at=day(0.5))],
            [event(1), event(8, "e1"), event(8.5, "e2", "ignored"), event(9)],
            changes=[change(9.25, "Applied"), change(10, "lost")],
            end=12,
        )
    )
    assert row[state_sample.STAGE] == 0
    assert row[names.Q_DAYS_IN_STAGE] == pytest.approx(6.5)
    reached = row[state_sample.REACHED_AFTER]
    # A later record of the first stage or beyond is that of day 9.25.
    assert reached == [round(2.25 * DAY)] * 3 + [clock.NEVER]
    assert row[state_sample.OTHER_AFTER] == 3 * DAY
    assert row[state_sample.KNOWN_FOR] == 5 * DAY
    # Active events from day 7 until Applied was reached.
    assert [row[key] for key in ON_THE_WAY] == [["visit", "email"], ["e1", "e0"]]


def test_there_is_one_state_for_each_stage_that_was_not_the_last() -> None:
    table = sample(
        [student("a", entered_at=day(0)), student("b", entered_at=day(0))],
        changes=[
            change(15, "Visited", student="a"),
            change(30, "Applied", student="a"),
            change(44, "Enrolled", student="a"),
        ],
    )
    found = sorted(table[state_sample.STAGE].to_pylist())
    assert found == [0, 0, 1, 2]


def test_who_stays_met_nothing_on_the_way() -> None:
    row = one(sample([student("a", entered_at=day(0))], [event(3), event(20)]))
    assert [row[key] for key in ON_THE_WAY] == [[], []]
    assert row[state_sample.REACHED_AFTER] == [clock.NEVER] * 4
    assert row[state_sample.OTHER_AFTER] == clock.NEVER


def test_what_was_reached_after_the_horizon_or_the_loss_is_not_on_the_way() -> None:
    # The only window begins on day 7; the horizon is 42 days.
    part, reference = make_part(
        [student("a", cohort="x", entered_at=day(5))],
        [event(8), event(48.5, "e1")],
        changes=[change(50, "Applied")],
        cohorts=[{"cohort": "x", "starts": day(7), "closes": day(14)}],
        plan=cohorts_of("x"),
    )
    table = sample_states(part, reference, window_days=7, horizon_days=42, size=10)
    row = one(table)
    assert [row[key] for key in ON_THE_WAY] == [[], []]
    assert row[state_sample.OTHER_AFTER] == 7 * DAY + 1
    assert row[state_sample.KNOWN_FOR] == clock.NEVER


def test_every_query_feature_and_no_id_stands_in_the_sample() -> None:
    part, reference = make_part([student("a", entered_at=day(0))], plan=until(20))
    table = sample_states(part, reference, window_days=7, horizon_days=42, size=5)
    own = {
        state_sample.PRIORITY,
        state_sample.STAGE,
        state_sample.REACHED_AFTER,
        state_sample.OTHER_AFTER,
        state_sample.KNOWN_FOR,
        *ON_THE_WAY,
    }
    assert set(table.column_names) == own | {s.key for s in query_features(reference.config)}
    assert names.STUDENT_ID not in table.column_names


def test_samples_of_partitions_are_the_sample_of_all() -> None:
    people = [student(f"s{number:02d}", entered_at=day(0)) for number in range(30)]
    moves = [change(20, "Visited", student=f"s{number:02d}") for number in range(0, 30, 3)]
    whole = sample(people, changes=moves, size=12)
    parts = [
        sample(
            people[place::4],
            changes=[
                m for m in moves if m["student_id"] in {p["student_id"] for p in people[place::4]}
            ],
            size=12,
        )
        for place in range(4)
    ]
    assert whole.num_rows == 12
    added = add_samples(parts, 12)
    order = [(state_sample.PRIORITY, "ascending")]
    assert added.sort_by(order).equals(whole.sort_by(order))
    assert add_samples(parts[::-1], 12).equals(added)


def test_it_is_a_draw_and_not_the_first_of_them() -> None:
    # 200 students of nine windows each: about a ninth is drawn for each.
    people = [student(f"s{number:03d}", entered_at=day(0)) for number in range(200)]
    table = sample(people, end=63)
    days = table[names.Q_DAYS_IN_STAGE].to_pylist()
    assert table.num_rows == 200
    assert set(days) == {7.0 * week for week in range(9)}
    # 22.2 expected of each; five deviations.
    assert max(days.count(each) for each in set(days)) < 22.2 + 5 * 4.5


def test_of_nobody_there_is_an_empty_sample_that_adds_up() -> None:
    empty = sample([student("a")])
    assert empty.num_rows == 0
    some = sample([student("a", entered_at=day(0))])
    assert add_samples([empty, some], 10).num_rows == 1
