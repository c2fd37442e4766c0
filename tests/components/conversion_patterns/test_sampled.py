"""What came after the states of a sample."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from components.conversion_patterns import state_sample
from components.conversion_patterns.competing_risks import CENSORED, OTHER, REACHED
from components.conversion_patterns.sampled import Outcomes, outcomes_of
from components.event_example_gen import clock

NEVER = clock.NEVER


def after(*days: float | None) -> list[int]:
    return [NEVER if each is None else round(each * clock.DAY) for each in days]


# Reaches B and then C; is lost; is not observed for long; is in B already and moves on
# after the horizon of ten days.
STAGES = [0, 0, 0, 1]
REACHES = [after(None, 2.5, 6.2), after(None, None, None), after(None, 8, 8), after(None, 1, 12)]
OTHERS = after(None, 4, None, None)
KNOWN = after(None, None, 5, None)
OUTCOMES = Outcomes(np.array(STAGES), np.array(REACHES), np.array(OTHERS), np.array(KNOWN))


def test_a_table_is_read_as_it_was_written() -> None:
    table = pa.table(
        {
            state_sample.STAGE: pa.array(STAGES, pa.int64()),
            state_sample.REACHED_AFTER: pa.array(REACHES, pa.list_(pa.int64())),
            state_sample.OTHER_AFTER: pa.array(OTHERS, pa.int64()),
            state_sample.KNOWN_FOR: pa.array(KNOWN, pa.int64()),
        }
    )
    for given in (table, pa.concat_tables([table.slice(0, 1), table.slice(1)])):
        found = outcomes_of(given)
        assert len(found) == 4
        np.testing.assert_array_equal(found.stage, STAGES)
        np.testing.assert_array_equal(found.reached_after, REACHES)
        np.testing.assert_array_equal(found.other_after, OTHERS)
        np.testing.assert_array_equal(found.known_for, KNOWN)


def test_a_slice_of_a_table_has_its_own_rows() -> None:
    table = pa.table(
        {
            state_sample.STAGE: pa.array(STAGES, pa.int64()),
            state_sample.REACHED_AFTER: pa.array(REACHES, pa.list_(pa.int64())),
            state_sample.OTHER_AFTER: pa.array(OTHERS, pa.int64()),
            state_sample.KNOWN_FOR: pa.array(KNOWN, pa.int64()),
        }
    ).slice(2, 2)
    np.testing.assert_array_equal(outcomes_of(table).reached_after, REACHES[2:])


def test_counts_are_those_of_the_rows_asked_for() -> None:
    found = OUTCOMES.counts(np.array([0, 1, 2]), 1, 10)
    expected = np.zeros((11, 3), np.int64)
    expected[2, REACHED] = expected[4, OTHER] = expected[5, CENSORED] = 1
    assert found.tolist() == expected.tolist()
    assert OUTCOMES.counts(np.array([0]), 2, 10)[6, REACHED] == 1


def test_what_is_reached_and_whether_it_is_known() -> None:
    reached, known = OUTCOMES.reached_within(OUTCOMES.stage + 1, 10)
    # The last one's next stage comes after the horizon, which is known to its end.
    assert reached.tolist() == [True, False, False, False]
    assert known.tolist() == [True, True, False, True]
    assert OUTCOMES.reached_within(OUTCOMES.stage + 1, 13)[0].tolist()[3] is True


def test_the_furthest_stage_and_when() -> None:
    stage, took = OUTCOMES.furthest_within(10)
    assert stage.tolist() == [2, 0, 0, 1]
    np.testing.assert_allclose(took, [6.2, 0, 0, 0])
    near, took = OUTCOMES.furthest_within(5)
    assert near.tolist() == [1, 0, 0, 1]
    np.testing.assert_allclose(took, [2.5, 0, 0, 0])
