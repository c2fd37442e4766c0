"""From counts to lifts and findings, with numbers that are worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from components.conversion_patterns import effect_counts as ec
from components.conversion_patterns.effects import Catalogue, describe_effects
from components.conversion_patterns.strata import Tally, add_tallies
from schemas.config import PatternsConfig
from schemas.conversion_patterns import Effect, Finding, Subject

EMAIL, PORTAL, VISIT = range(3)
PATTERNS = PatternsConfig(smallest_exposure=30)
CATALOGUE = Catalogue(
    stages=("A", "B", "C"),
    types=("email", "portal", "visit"),
    engagements=("e0", "e1", "e2"),
    type_of=np.array([EMAIL, PORTAL, VISIT]),
    self_chosen=np.array([False, True, False]),
)
Rows = Mapping[tuple[int, ...], tuple[int, int]]
NOTHING = ec.NO_TYPE


def stratum(stage: int = 0, week: int = 0, offered: int = 1, chosen: int = 0) -> tuple[int, ...]:
    return (stage, week, 0, 0, offered, chosen, 0)


def tallied(rows: Rows, width: int) -> Tally:
    """Key -> windows, moved."""
    keys = np.array(list(rows), np.int64).reshape(len(rows), width)
    numbers = np.array(list(rows.values()), np.int64).reshape(len(rows), 2)
    return add_tallies([Tally(keys, numbers[:, 0], numbers[:, 1])])


def effects(subject: Subject, pool: Rows, met: Rows) -> list[Effect]:
    """Of one subject alone."""
    code = ec.LONGEST_SEQUENCE if subject is Subject.SEQUENCE else 1
    width = ec.STRATUM_WIDTH
    counts = ec.EffectCounts({subject: tallied(pool, width)}, {subject: tallied(met, width + code)})
    return list(describe_effects(counts, CATALOGUE, PATTERNS))


def test_a_type_is_compared_with_what_else_was_offered() -> None:
    # 60 of 100 after a visit, 20 of 100 after an email and no visit.
    [email, visit] = sorted(
        effects(
            Subject.TYPE,
            {stratum(): (200, 80)},
            {(*stratum(), EMAIL): (100, 20), (*stratum(), VISIT): (100, 60)},
        ),
        key=lambda each: each.name,
    )
    assert (visit.met, visit.met_moved_on, visit.others, visit.others_moved_on) == (
        100,
        60,
        100,
        20,
    )
    assert visit.lift == pytest.approx(3.0)
    assert visit.lower is not None
    assert visit.upper is not None
    # The interval is symmetric about the logarithm, with deviation
    # sqrt(1/60 - 1/100 + 1/20 - 1/100) = .2160.
    assert np.log(visit.upper / 3) == pytest.approx(1.96 * 0.2160, abs=1e-3)
    assert np.log(3 / visit.lower) == pytest.approx(1.96 * 0.2160, abs=1e-3)
    assert visit.finding is Finding.EFFECTIVE
    assert email.lift == pytest.approx(1 / 3)
    assert email.finding is Finding.LESS_EFFECTIVE
    assert email.q_value == pytest.approx(visit.q_value)


def test_weeks_are_not_mixed() -> None:
    # In each week the shares are alike; in one of them nearly all move and meet visits.
    [visit] = effects(
        Subject.TYPE,
        {stratum(week=1): (100, 50), stratum(week=2): (100, 10)},
        {(*stratum(week=1), VISIT): (80, 40), (*stratum(week=2), VISIT): (10, 1)},
    )
    assert visit.lift == pytest.approx(1.0)
    assert visit.finding is Finding.NO_EVIDENCE


def test_an_offer_is_compared_whatever_students_chose_beside_it() -> None:
    # The stratum of an offer does not ask for the number of choices: the pool of both is
    # one of 100, in which 50 met the visit.
    [visit] = effects(
        Subject.TYPE,
        {stratum(chosen=0): (60, 12), stratum(chosen=2): (40, 28)},
        {(*stratum(chosen=0), VISIT): (30, 6), (*stratum(chosen=2), VISIT): (20, 14)},
    )
    assert (visit.met, visit.others, visit.others_moved_on) == (50, 50, 20)
    assert visit.lift == pytest.approx((20 / 50) / (20 / 50))


def test_windows_with_another_number_of_offers_are_not_compared() -> None:
    [visit] = effects(
        Subject.TYPE,
        {stratum(offered=0): (1000, 0), stratum(offered=1): (100, 40)},
        {(*stratum(offered=1), VISIT): (50, 20)},
    )
    assert (visit.others, visit.lift) == (50, pytest.approx(1.0))


def test_of_what_students_choose_nothing_is_claimed() -> None:
    [portal] = effects(
        Subject.TYPE, {stratum(chosen=1): (200, 80)}, {(*stratum(chosen=1), PORTAL): (100, 60)}
    )
    assert portal.lift == pytest.approx(3.0)
    assert portal.q_value is not None
    assert portal.q_value < 1e-6
    assert portal.finding is Finding.SELF_CHOSEN


def test_engagements_have_their_type_and_stages_are_apart() -> None:
    found = effects(
        Subject.ENGAGEMENT,
        {stratum(0): (100, 50), stratum(1): (100, 50)},
        {(*stratum(0), 2): (50, 25), (*stratum(1), 2): (40, 20), (*stratum(1), 0): (30, 15)},
    )
    assert [(each.from_stage, each.name, each.types, each.met) for each in found] == [
        ("A", "e2", ("visit",), 50),
        ("B", "e0", ("email",), 30),
        ("B", "e2", ("visit",), 40),
    ]


def test_sequences_are_named_by_their_types_and_compared_with_as_long_ones() -> None:
    two, three = (*stratum()[:-1], 2), (*stratum()[:-1], 3)
    found = effects(
        Subject.SEQUENCE,
        {two: (100, 40), three: (80, 40)},
        {
            (*two, NOTHING, EMAIL, VISIT): (50, 30),
            (*three, VISIT, EMAIL, VISIT): (40, 20),
        },
    )
    by_name = {each.name: each for each in found}
    assert by_name["email > visit"].lift == pytest.approx((30 / 50) / (10 / 50))
    assert by_name["email > visit"].types == ("email", "visit")
    assert by_name["visit > email > visit"].others == 40


def test_what_was_met_too_rarely_is_not_shown() -> None:
    found = effects(
        Subject.TYPE,
        {stratum(week=1): (100, 50), stratum(week=2): (100, 50)},
        {
            (*stratum(week=1), EMAIL): (15, 9),
            (*stratum(week=2), EMAIL): (15, 9),
            (*stratum(week=1), VISIT): (29, 29),
        },
    )
    assert [each.name for each in found] == ["email"]


def test_without_anything_to_compare_there_is_no_lift() -> None:
    [visit] = effects(Subject.TYPE, {stratum(): (50, 20)}, {(*stratum(), VISIT): (50, 20)})
    assert (visit.lift, visit.lower, visit.upper, visit.q_value) == (None, None, None, None)
    assert (visit.others, visit.finding) == (0, Finding.NO_EVIDENCE)


def test_of_none_at_all_there_is_no_effect() -> None:
    assert effects(Subject.TYPE, {}, {}) == []


def test_q_values_count_all_effects_of_a_subject_over_all_stages() -> None:
    pool = {stratum(stage): (200, 80) for stage in (0, 1)}
    alone = effects(Subject.TYPE, {stratum(0): (200, 80)}, {(*stratum(0), VISIT): (100, 48)})
    beside = effects(
        Subject.TYPE,
        pool,
        {(*stratum(0), VISIT): (100, 48), (*stratum(1), VISIT): (100, 40)},
    )
    # The other p-value is 1: two tests in place of one.
    [first, second] = beside
    assert alone[0].q_value is not None
    assert first.q_value == pytest.approx(2 * alone[0].q_value)
    assert second.q_value == pytest.approx(1.0)
    # p = .02 alone is a finding; corrected for the other it is not.
    assert 0.01 < alone[0].q_value < 0.05
    assert alone[0].finding is Finding.EFFECTIVE
    assert first.finding is (Finding.EFFECTIVE if first.q_value <= 0.05 else Finding.NO_EVIDENCE)
