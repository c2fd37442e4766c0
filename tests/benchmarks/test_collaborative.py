from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks.quality_parts.candidate_lists import candidate_lists
from benchmarks.quality_parts.collaborative import DAY, Interactions, item_knn, score_lists
from benchmarks.quality_parts.progress import Progress
from schemas import names
from tests.benchmarks.flat_columns import snapshots

# s met e and f on day 0, u met f on day 1 and g on day 3.
EVENTS = Interactions(
    time=np.array([0, 0, DAY, 3 * DAY]),
    student=np.array([0, 0, 1, 1]),
    engagement=np.array([0, 1, 1, 2]),
    students={"s": 0, "u": 1},
    engagements={"e": 0, "f": 1, "g": 2},
)


def test_interactions_are_what_was_before() -> None:
    assert EVENTS.before(0).nnz == 0
    assert EVENTS.before(1).nnz == 2
    assert EVENTS.before(3 * DAY).nnz == 3
    assert EVENTS.before(3 * DAY + 1)[1, 2] == pytest.approx(math.log(2))


def test_repeated_use_counts_by_its_logarithm() -> None:
    twice = Interactions(np.array([0, 1]), np.array([0, 0]), np.array([0, 0]), {"s": 0}, {"e": 0})
    assert twice.before(2)[0, 0] == pytest.approx(math.log(3))


def test_neighbours_are_by_shrunk_cosine() -> None:
    # Engagements (1, 1), (1, 0) and (0, 1) over two students.
    use = sp.csr_matrix(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]))
    root = math.sqrt(2)
    found = item_knn(use, np.array([0]))
    # The student used the first two; the third is a neighbour of the first alone.
    assert found[0] == pytest.approx(
        [2 / (2 + 10) + 1 / (root + 10), 1 / (root + 10) + 1 / (1 + 10), 1 / (root + 10)]
    )


def test_each_day_is_scored_by_what_was_before_it() -> None:
    split = snapshots(
        {
            names.STUDENT_ID: [["u"], ["u"], ["stranger"]],
            names.SNAPSHOT_TIME: [[2 * DAY], [4 * DAY], [4 * DAY]],
            names.C_ID: [["e", "g"], ["e", "g"], ["e", "unheard"]],
            names.C_GRADE: [[1.0, 0.0]] * 3,
            names.C_SAMPLING_PROBABILITY: [[1.0, 1.0]] * 3,
            names.RANKING_WEIGHT: [[1.0]] * 3,
        }
    )
    cuts: list[int] = []

    def own_use(matrix: sp.csr_matrix, students: np.ndarray) -> np.ndarray:
        cuts.append(matrix.nnz)
        return np.asarray(matrix[students].todense())

    lists = candidate_lists(split)
    found = score_lists(split, lists, EVENTS, own_use, progress=Progress(), label="own use")
    assert cuts == [3, 4]
    assert found == pytest.approx([0, 0, 0, math.log(2), 0, 0])
