"""Draws of negatives: their probabilities by hand, and how often each is met."""

from __future__ import annotations

import numpy as np
import pytest

from components.event_example_gen import hashing
from components.event_example_gen.offers import Offers
from components.event_example_gen.popularity import ACTIVE_28
from components.event_example_gen.sampling import Sampler
from schemas import names
from tests.components.event_example_gen.hand_made import day, event, example, make_tables, student
from tests.components.event_example_gen.in_memory import run
from tests.sample_data import sample_config

# Pairs: four offers with 0, 1, 1 and 2 active events; none; one with 5; three with none.
COUNTS = ([0, 1, 1, 2], [], [5], [0, 0, 0])
FOUR, NONE, ONE, SILENT = range(4)


def offers() -> Offers:
    active = np.array([count for pair in COUNTS for count in pair])
    count = np.zeros((len(active), 4), np.int64)
    count[:, ACTIVE_28] = active
    return Offers(
        audience=np.arange(len(COUNTS)),
        day=np.zeros(len(COUNTS), np.int64),
        start=np.cumsum([0, *map(len, COUNTS)]),
        engagement=np.concatenate([np.arange(len(pair)) for pair in COUNTS]).astype(np.int64),
        count=count,
        total=np.zeros((len(COUNTS), 4), np.int64),
        width=10,
    )


def probabilities(sampler: Sampler, pair: int) -> list[float]:
    found = offers()
    places = np.arange(found.start[pair], found.start[pair + 1])
    return sampler.probability(found, np.full(len(places), pair), places).tolist()


def draw(sampler: Sampler, pair: int, snapshots: int, first: int = 0) -> np.ndarray:
    """Offers drawn for each snapshot, counted from the first of the pair: `[n, draws]`."""
    found = offers()
    hashes = hashing.mix(np.arange(first, first + snapshots).astype(np.uint64), 77)
    rows, drawn = sampler.draw(found, np.full(snapshots, pair), hashes, np.full(snapshots, day(0)))
    assert rows.tolist() == np.repeat(np.arange(snapshots), sampler.draws).tolist()
    return (drawn - found.start[pair]).reshape(snapshots, sampler.draws)


def test_the_probability_of_being_met_by_one_of_three_draws() -> None:
    # One draw: half of c / 4 and half of 1 / 4, thus 1/8, 2/8, 2/8 and 3/8.
    found = probabilities(Sampler(draws=3, popular_share=0.5, seed=1), FOUR)
    assert found == pytest.approx(
        [1 - (7 / 8) ** 3, 1 - (6 / 8) ** 3, 1 - (6 / 8) ** 3, 1 - (5 / 8) ** 3]
    )
    assert found == pytest.approx([0.330078125, 0.578125, 0.578125, 0.755859375])


def test_without_a_popular_share_all_are_equally_likely() -> None:
    found = probabilities(Sampler(draws=2, popular_share=0, seed=1), FOUR)
    assert found == pytest.approx([1 - (3 / 4) ** 2] * 4)


def test_without_events_all_are_equally_likely() -> None:
    found = probabilities(Sampler(draws=2, popular_share=0.9, seed=1), SILENT)
    assert found == pytest.approx([1 - (2 / 3) ** 2] * 3)


def test_the_only_offer_is_certain() -> None:
    assert probabilities(Sampler(draws=2, popular_share=0.5, seed=1), ONE) == [1.0]


def test_a_small_probability_keeps_its_digits() -> None:
    # 1 - (1 - p)^1 must be p itself, to the precision of float32.
    assert probabilities(Sampler(draws=1, popular_share=0.9999999, seed=1), FOUR)[0] == (
        pytest.approx(1e-7 / 4, rel=1e-5)
    )


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_offers_are_met_as_often_as_their_probability_says(share: float) -> None:
    sampler, snapshots = Sampler(draws=3, popular_share=share, seed=1), 40_000
    drawn = draw(sampler, FOUR, snapshots)
    expected = np.array(probabilities(sampler, FOUR))
    met = np.array([(drawn == offer).any(axis=1).mean() for offer in range(4)])
    error = np.sqrt(expected * (1 - expected) / snapshots)
    assert (np.abs(met - expected) < 4 * error).all(), (met, expected)


def test_draws_of_one_snapshot_do_not_depend_on_each_other() -> None:
    sampler = Sampler(draws=2, popular_share=0.5, seed=1)
    first, second = draw(sampler, FOUR, 40_000).T
    once = np.array([1, 2, 2, 3]) / 8
    both = np.bincount(first * 4 + second, minlength=16).reshape(4, 4) / 40_000
    expected = np.outer(once, once)
    error = np.sqrt(expected * (1 - expected) / 40_000)
    assert (np.abs(both - expected) < 4.5 * error).all()


def test_draws_depend_on_student_time_and_seed_alone() -> None:
    sampler = Sampler(draws=4, popular_share=0.5, seed=1)
    whole = draw(sampler, FOUR, 100)
    assert draw(sampler, FOUR, 40, first=30).tolist() == whole[30:70].tolist()
    other_seed = draw(Sampler(draws=4, popular_share=0.5, seed=2), FOUR, 100)
    assert (other_seed != whole).any()
    found, hashes = offers(), hashing.mix(np.arange(100, dtype=np.uint64), 77)
    _, later = sampler.draw(found, np.full(100, FOUR), hashes, np.full(100, day(7)))
    assert (later.reshape(100, 4) != whole).any()


def test_a_pair_without_offers_gets_no_draws() -> None:
    found = offers()
    pair = np.array([NONE, ONE, NONE])
    rows, drawn = Sampler(draws=2, popular_share=0.5, seed=1).draw(
        found, pair, np.zeros(3, np.uint64), np.zeros(3, np.int64)
    )
    assert rows.tolist() == [1, 1]
    assert drawn.tolist() == [found.start[ONE]] * 2


def test_what_is_listed_for_other_reasons_than_a_draw() -> None:
    ranking = {"window_days": 7, "negatives": 1, "popular_share": 0.5, "evaluation_share": 0.5}
    config = sample_config(cohorts=False, ranking=ranking)
    students = [student(f"s{number}", entered_at=day(0)) for number in range(40)]
    events = [
        row
        for number in range(40)
        for row in (
            event(0.5, "e1", "ignored", student=f"s{number}"),  # given, no positive
            event(1, "e0", "attended", student=f"s{number}"),  # positive, grade 3
        )
    ]
    output = run(make_tables(students, events), config, day(182))
    kinds = set()
    for number in range(40):
        row = example(output, 0, f"s{number}")
        found = dict(zip(row[names.C_ID], row[names.C_SAMPLING_PROBABILITY], strict=True))
        assert found["e0"] == 1  # a positive is always there
        # One draw of three, evenly since nothing has happened yet; 0: only because given.
        assert found["e1"] == pytest.approx(1 / 3) or found["e1"] == 0
        assert row[names.C_ID][row[names.GIVEN_INDEX]] == "e1"
        drawn = {key for key, value in found.items() if value == pytest.approx(1 / 3)}
        assert len(drawn) <= 1
        kinds.add((found["e1"] > 0, "e2" in found))
    # e1 was drawn, e2 was drawn, or e0 was, which is a positive anyway.
    assert kinds == {(True, False), (False, True), (False, False)}
