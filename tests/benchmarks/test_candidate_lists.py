from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.quality_parts.candidate_lists import CandidateLists, candidate_lists
from benchmarks.quality_parts.sampled_ndcg import SampledNdcg
from schemas import names
from tests.benchmarks.flat_columns import snapshots

SECOND_PLACE = 1 / math.log2(3)


def lists(
    grades: list[list[float]], probability: list[list[float]] | None = None
) -> CandidateLists:
    lengths = [len(each) for each in grades]
    flat = np.concatenate(grades).astype(np.float64)
    return CandidateLists(
        np.arange(len(grades)),
        np.arange(len(flat)),
        np.cumsum([0, *lengths]),
        flat,
        np.concatenate(probability) if probability else np.ones(len(flat)),
    )


def scores(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def test_only_weighted_snapshots_and_drawn_candidates_are_listed() -> None:
    found = candidate_lists(
        snapshots(
            {
                names.C_ID: [["a", "b"], ["a"], [], ["c", "a", "b"]],
                names.C_GRADE: [[1.0, 0.0], [1.0], [], [0.0, 0.0, 2.0]],
                names.C_SAMPLING_PROBABILITY: [[1.0, 0.5], [1.0], [], [0.0, 0.25, 1.0]],
                names.RANKING_WEIGHT: [[1.0], [0.0], [0.0], [1.0]],
            }
        )
    )
    assert found.snapshot.tolist() == [0, 3]
    assert found.places.tolist() == [0, 1, 4, 5]
    assert found.starts.tolist() == [0, 2, 4]
    assert found.grades.tolist() == [1, 0, 0, 2]
    assert found.probability.tolist() == [1, 0.5, 0.25, 1]
    assert found.list_of.tolist() == [0, 0, 1, 1]


def test_ndcg_weighs_grades_exponentially_and_ties_by_chance() -> None:
    two = lists([[3, 1], [1, 0, 0]])
    # The first list upside down: (1 + 7 / log2(3)) / (7 + 1 / log2(3)). In the second,
    # the positive is tied with one other: first or second place.
    found = two.measure("ndcg", scores(0.1, 0.2, 5, 5, 1))
    upside_down = (1 + 7 * SECOND_PLACE) / (7 + SECOND_PLACE)
    assert found == pytest.approx([upside_down, (1 + SECOND_PLACE) / 2])


def test_recall_is_of_the_first_ten() -> None:
    eleven = lists([[1, *[0] * 10], [1, 1, *[0] * 10]])
    same = scores(*[0] * 11, 12, 1, *range(2, 12))
    # All tied: 10 of 11 places. Then: one positive first, the other last.
    assert eleven.measure("recall", same) == pytest.approx([10 / 11, 0.5])


def test_restricted_lists_need_something_to_order() -> None:
    three = lists([[1, 0, 0], [1, 0], [0, 1, 0]])
    keep = np.array([True, True, False, True, False, True, False, True])
    part, chosen = three.restricted(keep)
    # The second has one candidate left, the third no positive.
    assert part.snapshot.tolist() == [0]
    assert chosen.tolist() == [0, 1]
    assert part.starts.tolist() == [0, 2]
    assert part.grades.tolist() == [1, 0]


def test_graded_lists_keep_all_candidates() -> None:
    two = lists([[1, 0, 2], [1, 0]])
    part, chosen = two.graded_by(np.array([True, False, False, False, True]))
    assert part.snapshot.tolist() == [0]
    assert chosen.tolist() == [0, 1, 2]
    assert part.grades.tolist() == [1, 0, 0]


def test_drawn_lists_are_whole() -> None:
    many = lists([[1, 0, index] for index in range(1, 7)])
    few = many.drawn(4, seed=2)
    assert few.starts.tolist() == [0, 3, 6, 9, 12]
    assert sorted(few.snapshot.tolist()) == few.snapshot.tolist()
    last = [int(grade) for grade in few.grades[2::3]]
    assert few.places.tolist() == [3 * (i - 1) + place for i in last for place in range(3)]
    assert many.drawn(9, seed=2).places.tolist() == many.places.tolist()


def test_no_list_is_left_where_nothing_is_kept() -> None:
    part, chosen = lists([[1, 0]]).restricted(np.array([False, False]))
    assert len(part.snapshot) == len(chosen) == len(part.measure("ndcg", scores())) == 0
    assert part.starts.tolist() == [0]


def test_with_all_candidates_the_estimate_is_ndcg() -> None:
    random = np.random.default_rng(5)
    many = lists([[*random.integers(0, 3, size).tolist(), 1] for size in (3, 12, 30)])
    guess = random.permutation(len(many.grades)).astype(np.float64)
    assert SampledNdcg(many)(guess) == pytest.approx(many.measure("ndcg", guess).mean())


def test_a_sampled_candidate_above_pushes_down_by_what_it_stands_for() -> None:
    half = lists([[1, 0]], [[1.0, 0.5]])
    # One above that stands for two: third place.
    assert SampledNdcg(half)(scores(1, 2)) == pytest.approx(1 / 2)
    # Tied with two: second place in the mean.
    assert SampledNdcg(half)(scores(1, 1)) == pytest.approx(SECOND_PLACE)
    assert SampledNdcg(half)(scores(2, 1)) == 1
    # One above that stands for ten: eleventh place.
    tenth = lists([[1, 0]], [[1.0, 0.1]])
    assert SampledNdcg(tenth)(scores(1, 2)) == 0


def test_the_estimate_is_the_mean_over_lists() -> None:
    two = lists([[1, 0], [0, 1]])
    assert SampledNdcg(two)(scores(1, 2, 1, 2)) == pytest.approx((SECOND_PLACE + 1) / 2)
