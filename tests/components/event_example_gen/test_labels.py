"""Labels and weights of hand-made lives: closed and censored cohorts, and what is unknown.

The horizons are 14 days for likelihood and risk and 42 for goals; the ranking window is
7 days. The stages are Inquiry, Visited, Applied and Enrolled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from schemas import names
from tests.components.event_example_gen.hand_made import (
    ENGAGEMENTS,
    Row,
    change,
    day,
    days_of,
    event,
    example,
    make_tables,
    student,
)
from tests.components.event_example_gen.in_memory import Output, run
from tests.sample_data import DAY, sample_config

MICROSECOND = 1 / DAY
OPEN = [{"cohort": "2024", "starts": day(0), "closes": day(500)}]
CLOSED = [{"cohort": "2024", "starts": day(0), "closes": day(28)}]


def live(
    events: Sequence[Row] = (),
    *,
    changes: Sequence[Row] = (),
    cohorts: Sequence[Row] = OPEN,
    until: float = 200,
    engagements: Sequence[Row] = ENGAGEMENTS,
    cadence: str = "weekly",
) -> Output:
    """The Examples of one student, who is evaluated on and entered on day 0."""
    config = sample_config(
        cohorts=True,
        cadence=cadence,
        ranking={"window_days": 7, "negatives": 6, "evaluation_share": 1},
    )
    students = [student("a", cohort="2024", entered_at=day(0))]
    tables = make_tables(
        students, events, changes=changes, cohorts=cohorts, engagements=engagements
    )
    return run(tables, config, day(until))


def pair(row: dict[str, Any], label: str, weight: str) -> tuple[Any, Any]:
    return row[label], row[weight]


def likelihood(row: dict[str, Any]) -> tuple[float, float]:
    return pair(row, names.LIKELIHOOD_LABEL, names.LIKELIHOOD_WEIGHT)


def risk(row: dict[str, Any]) -> tuple[float, float]:
    return pair(row, names.RISK_LABEL, names.RISK_WEIGHT)


def goal(row: dict[str, Any]) -> tuple[list[float], list[float]]:
    return pair(row, names.GOAL_LABEL, names.GOAL_WEIGHT)


ALL_KNOWN = [1.0] * 4
NONE_KNOWN = [0.0] * 4


def test_likelihood_is_a_stage_beyond_the_present_one_within_its_window() -> None:
    output = live([event(1, stage_after="Visited"), event(21, stage_after="Applied")])
    assert likelihood(example(output, 0)) == (1, 1)
    # [7, 21) ends just before the record of day 21, and [21, 35) holds it.
    assert likelihood(example(output, 7)) == (0, 1)
    assert likelihood(example(output, 14)) == (1, 1)
    assert likelihood(example(output, 21)) == (1, 1)
    assert likelihood(example(output, 28)) == (0, 1)


def test_a_record_of_the_present_stage_or_an_earlier_one_is_no_advance() -> None:
    changes = [change(1, "Applied"), change(8, "Applied"), change(9, "Visited")]
    output = live(changes=changes)
    assert likelihood(example(output, 7)) == (0, 1)
    # Visited is the stage from day 9 on; back to Applied is an advance again.
    output = live(changes=[*changes, change(20, "Applied")])
    assert likelihood(example(output, 14)) == (1, 1)


def test_risk_is_silence_within_its_window() -> None:
    output = live([event(1), event(21), event(30, response="ignored")])
    assert risk(example(output, 0)) == (0, 1)
    assert risk(example(output, 7)) == (1, 1)
    assert risk(example(output, 14)) == (0, 1)
    assert risk(example(output, 21)) == (0, 1)
    assert risk(example(output, 28)) == (1, 1)  # an ignored message is no activity


def test_risk_is_a_loss_within_its_window_however_active_the_student_is() -> None:
    events = [event(number + 0.5) for number in range(21)]
    # The student is active once more at the very instant of the loss.
    output = live([*events, event(21), event(21, "e1", response="unsubscribed")])
    assert risk(example(output, 7)) == (0, 1)
    assert risk(example(output, 14)) == (1, 1)
    assert risk(example(output, 21)) == (1, 1)  # the loss is at t itself, thus not before t
    assert max(days_of(output)) == 21


def test_a_goal_is_reached_in_the_window_or_was_by_t() -> None:
    output = live([event(7, stage_after="Visited"), event(70, stage_after="Enrolled")])
    assert goal(example(output, 0)) == ([1, 1, 0, 0], ALL_KNOWN)
    assert goal(example(output, 14)) == ([1, 1, 0, 0], ALL_KNOWN)
    # [28, 70) ends at the record of day 70, and [35, 77) holds it.
    assert goal(example(output, 28)) == ([1, 1, 0, 0], ALL_KNOWN)
    assert goal(example(output, 35)) == ([1, 1, 1, 1], ALL_KNOWN)


def test_a_stage_that_was_left_again_is_not_reached_by_t() -> None:
    output = live(changes=[change(1, "Applied"), change(2, "Visited")])
    assert goal(example(output, 0)) == ([1, 1, 1, 0], ALL_KNOWN)
    assert goal(example(output, 7)) == ([1, 1, 0, 0], ALL_KNOWN)


@pytest.mark.parametrize(
    ("until", "known"),
    [(21, 1.0), (21 - MICROSECOND, 0.0)],
    ids=["window ends with the data", "a microsecond too far"],
)
def test_a_window_is_known_where_it_ends_by_the_end_of_the_data(until: float, known: float) -> None:
    output = live([event(8, stage_after="Visited")], until=until)
    row = example(output, 7)
    assert likelihood(row) == (known, known)
    assert risk(row) == (0, known)
    assert goal(row) == (NONE_KNOWN, NONE_KNOWN)


def test_what_happened_before_the_end_of_the_data_does_not_make_a_label_known() -> None:
    events = [event(14.5, stage_after="Applied"), event(15, response="unsubscribed")]
    row = example(live(events, until=20), 14)
    assert likelihood(row) == (0, 0)
    assert risk(row) == (0, 0)
    assert goal(row) == (NONE_KNOWN, NONE_KNOWN)
    assert (row[names.RANKING_WEIGHT], row[names.GIVEN_INDEX]) == (0, -1)
    assert set(row[names.C_GRADE]) == {0}


def test_in_a_closed_cohort_nothing_is_unknown() -> None:
    events = [event(3, stage_after="Visited"), event(28, stage_after="Applied"), event(30)]
    output = live(events, cohorts=CLOSED, until=31)
    assert days_of(output) == [0, 7, 14, 21]
    for number in days_of(output):
        row = example(output, number)
        assert row[names.LIKELIHOOD_WEIGHT] == row[names.RISK_WEIGHT] == 1
        assert row[names.GOAL_WEIGHT] == ALL_KNOWN
    # What happens at the very close counts, what comes after it is too late.
    assert likelihood(example(output, 7)) == (0, 1)
    assert likelihood(example(output, 21)) == (1, 1)
    assert goal(example(output, 21)) == ([1, 1, 1, 0], ALL_KNOWN)
    assert risk(example(output, 21)) == (0, 1)


def test_after_the_close_of_a_cohort_it_is_too_late() -> None:
    late = 28 + MICROSECOND
    events = [event(3), event(late, stage_after="Applied", response="attended")]
    output = live(events, cohorts=CLOSED, until=31)
    row = example(output, 21)
    assert likelihood(row) == (0, 1)
    assert risk(row) == (1, 1)
    assert goal(row) == ([1, 0, 0, 0], ALL_KNOWN)


def test_a_loss_after_the_close_of_a_cohort_is_none() -> None:
    events = [event(22), event(28.5, response="unsubscribed")]
    assert risk(example(live(events, cohorts=CLOSED, until=31), 21)) == (0, 1)
    events = [event(22), event(28, response="unsubscribed")]
    assert risk(example(live(events, cohorts=CLOSED, until=31), 21)) == (1, 1)


def test_a_cohort_observed_until_its_close_is_closed() -> None:
    cohorts = [{**CLOSED[0], "observed_until": day(28)}]
    row = example(live([event(3)], cohorts=cohorts, until=29), 21)
    assert (likelihood(row), risk(row)) == ((0, 1), (1, 1))


def test_a_cohort_is_closed_where_the_data_reach_past_its_close() -> None:
    # Rows at the end of the data do not exist, so that those of the close itself are missing.
    assert risk(example(live([event(3)], cohorts=CLOSED, until=28), 21)) == (0, 0)
    assert risk(example(live([event(3)], cohorts=CLOSED, until=28 + MICROSECOND), 21)) == (1, 1)


@pytest.mark.parametrize("until", [29, 300], ids=["data end after the close", "much later"])
def test_a_cohort_observed_until_a_date_is_censored_there(until: float) -> None:
    # Nothing is known of day 21 and later, however far the data of other cohorts reach.
    cohorts = [{**CLOSED[0], "observed_until": day(21)}]
    events = [event(8, stage_after="Visited"), event(20, response="attended")]
    output = live(events, cohorts=cohorts, until=until)
    assert days_of(output) == [0, 7, 14]
    assert likelihood(example(output, 0)) == (1, 1)
    assert likelihood(example(output, 7)) == (1, 1)  # [7, 21) is seen to its end
    assert risk(example(output, 7)) == (0, 1)
    assert likelihood(example(output, 14)) == (0, 0)
    assert risk(example(output, 14)) == (0, 0)
    # The ranking window of day 14 is seen, too: [14, 21).
    last = example(output, 14)
    assert last[names.RANKING_WEIGHT] == 1
    assert goal(example(output, 0)) == (NONE_KNOWN, NONE_KNOWN)


def test_the_highest_grade_of_several_responses_counts() -> None:
    events = [
        event(7, "e0", "ignored"),
        event(8, "e0", "attended"),  # grade 3
        event(9, "e0", "clicked"),  # grade 2
        event(10, "e1", "opened"),  # active without a grade: 1
        event(11, "e2", None),
        event(14, "e2", "attended"),  # after [7, 14)
    ]
    row = example(live(events), 7)
    assert row[names.C_ID] == ["e0", "e1", "e2"]
    assert row[names.C_GRADE] == [3, 1, 0]
    assert row[names.RANKING_WEIGHT] == 1


def test_without_a_response_there_is_nothing_to_rank() -> None:
    row = example(live([event(7.5, "e1", "ignored")]), 7)
    assert row[names.C_GRADE] == [0, 0, 0]
    assert row[names.RANKING_WEIGHT] == 0
    assert row[names.GIVEN_INDEX] == 1


def test_the_engagement_given_is_that_of_the_first_event_of_any_response() -> None:
    output = live([event(7, "e2", "ignored"), event(8, "e0", "attended"), event(14, "e1")])
    assert example(output, 7)[names.GIVEN_INDEX] == 2
    assert example(output, 14)[names.GIVEN_INDEX] == 1
    assert example(output, 0)[names.GIVEN_INDEX] == -1


def test_an_engagement_that_is_not_eligible_is_neither_graded_nor_given() -> None:
    engagements = [
        {**ENGAGEMENTS[0], "audience": "elsewhere"},
        {**ENGAGEMENTS[1], "available_to": day(7)},
        {**ENGAGEMENTS[2], "available_from": day(14)},
    ]
    events = [event(7, "e0", "attended"), event(8, "e1", "attended"), event(9, "e2", "attended")]
    row = example(live(events, engagements=engagements), 7)
    assert row[names.C_ID] == []
    assert (row[names.RANKING_WEIGHT], row[names.GIVEN_INDEX]) == (0, -1)


def test_available_is_any_overlap_with_the_ranking_window() -> None:
    engagements = [
        {**ENGAGEMENTS[0], "available_to": day(7) + 1},
        {**ENGAGEMENTS[1], "available_from": day(14) - 1},
        {**ENGAGEMENTS[2], "available_from": day(-9), "available_to": day(7)},
    ]
    row = example(live(engagements=engagements), 7)
    assert row[names.C_ID] == ["e0", "e1"]


def test_within_a_day_availability_is_as_of_the_instant() -> None:
    engagements = [
        {**ENGAGEMENTS[0], "available_to": day(7.5)},
        {**ENGAGEMENTS[1], "available_to": day(7.5) + 1},
        {**ENGAGEMENTS[2], "available_from": day(14.5)},
    ]
    output = live([event(7.5, "e1"), event(8)], engagements=engagements, cadence="every_event")
    assert example(output, 7.5)[names.C_ID] == ["e1"]
    assert example(output, 8)[names.C_ID] == ["e2"]


def test_in_training_no_label_reaches_past_the_start_of_evaluation() -> None:
    # Usable end is day 182 - 42; evaluation starts at 75 % of 140 days: day 105.
    config = sample_config(cohorts=False)
    rows = make_tables([student("a", entered_at=day(0))], [event(182 - 1 / 86_400)])
    output = run(rows, config, day(182))
    assert output.plan.evaluation_start == day(105)
    # The embargo of 14 days leaves day 84 as the last of training.
    assert days_of(output)[11:14] == [77, 84, 105]
    assert likelihood(example(output, 84))[1] == 1
    assert goal(example(output, 63))[1] == ALL_KNOWN  # [63, 105)
    assert goal(example(output, 70))[1] == NONE_KNOWN  # reaches to day 112
    # In evaluation the end of the data is the only limit: [140, 182).
    assert goal(example(output, 140))[1] == ALL_KNOWN
    assert goal(example(output, 147))[1] == NONE_KNOWN
    assert likelihood(example(output, 168))[1] == 1
    assert likelihood(example(output, 175))[1] == 0
