"""Groups of embeddings: how many are found, whether they are stable, and how they are named."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import adjusted_rand_score

from components.conversion_patterns.clusters import (
    Described,
    Division,
    cluster_names,
    describe_clusters,
    divide,
)
from components.conversion_patterns.sampled import Outcomes
from components.event_example_gen import clock
from schemas.conversion_patterns import NOTHING_KNOWN, Trait
from tests.sample_data import sample_config

CONFIG = sample_config(cohorts=False)
Reals = npt.NDArray[np.float64]


def blobs(number: int, each: int = 40, spread: float = 0.05) -> tuple[Reals, npt.NDArray[np.int64]]:
    """Points about as many axes, of any length, and which they are about."""
    rng = np.random.default_rng(number)
    label = np.repeat(np.arange(number), each)
    points = np.eye(6)[label] + spread * rng.normal(size=(len(label), 6))
    return points * rng.uniform(0.2, 9, (len(label), 1)), label


def found_in(embedding: Reals, *, most: int = 6, stability: float = 0.8, seed: int = 1) -> Division:
    division = divide(embedding, most=most, least_stability=stability, seed=seed)
    assert division is not None
    return division


@pytest.mark.parametrize("number", [2, 3, 5])
def test_the_number_of_clusters_is_found(number: int) -> None:
    embedding, label = blobs(number)
    division = found_in(embedding)
    assert len(division.centroids) == number
    assert adjusted_rand_score(division.label, label) == 1.0
    assert division.stability == pytest.approx(1.0)
    assert division.silhouette > 0.8


def test_it_is_the_same_under_reseeding() -> None:
    embedding, _ = blobs(4)
    runs = [found_in(embedding, seed=seed).label for seed in (1, 77, 1234)]
    for one, other in itertools.combinations(runs, 2):
        assert adjusted_rand_score(one, other) == 1.0


def test_centroids_are_the_means_of_unit_length_embeddings() -> None:
    embedding, _ = blobs(2)
    division = found_in(embedding)
    unit = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    for place in range(2):
        mean = unit[division.label == place].mean(axis=0)
        np.testing.assert_allclose(division.centroids[place], mean, atol=1e-6)


def test_without_structure_nothing_stable_is_found() -> None:
    rng = np.random.default_rng(0)
    embedding = rng.normal(size=(400, 20))
    assert divide(embedding, most=6, least_stability=0.95, seed=1) is None


@pytest.mark.parametrize(
    "embedding",
    [
        np.zeros((0, 3)),
        np.ones((1, 3)),
        np.ones((300, 3)),
        np.zeros((300, 3)),
        blobs(2, each=19)[0],
    ],
    ids=["none", "one", "all alike", "all zero", "too few"],
)
def test_too_few_or_all_alike(embedding: Reals) -> None:
    assert divide(embedding, most=8, least_stability=0.0, seed=1) is None


# Eight states: the first five in one cluster, three in the other.
DIVISION = Division(
    label=np.array([1, 1, 1, 1, 1, 0, 0, 0]),
    centroids=np.array([[0.0, 1.0], [1.0, 0.0]]),
    silhouette=0.5,
    stability=0.9,
)
STAGE = np.array([0, 0, 0, 1, 3, 0, 1, 1])
NUMBERS = {
    "busy": np.array([4.0, 4.0, 4.0, 4.0, 4.0, 0.0, 0.0, 0.0]),
    "noise": np.array([0.0, 2.0, 1.0, 0.0, 2.0, 1.0, 0.0, 2.0]),
    "constant": np.ones(8),
}


def outcomes() -> Outcomes:
    """Of the first three states two reach Visited on day 3; nothing else happens."""
    reached = np.full((8, 4), clock.NEVER)
    reached[:2, :2] = 3 * clock.DAY
    never = np.full(8, clock.NEVER)
    return Outcomes(STAGE, reached, never, never)


def test_clusters_are_described_largest_first() -> None:
    states = Described(NUMBERS, outcomes(), np.arange(8.0) / 10, np.full(8, 0.5))
    found = describe_clusters(DIVISION, states, CONFIG)
    assert (found.silhouette, found.stability, found.reason) == (0.5, 0.9, "")
    large, small = found.clusters
    assert (large.students, large.share) == (5, 5 / 8)
    assert large.centroid == (1.0, 0.0)
    assert (large.likelihood, large.risk) == (pytest.approx(0.2), pytest.approx(0.5))
    assert large.stages == {"Inquiry": 0.6, "Visited": 0.2, "Applied": 0.0, "Enrolled": 0.2}
    # Two of the three that are not there yet reach Visited; of the four before Applied none.
    visited, applied = large.conversion["Visited"], large.conversion["Applied"]
    assert visited is not None
    assert applied is not None
    assert visited.probability == pytest.approx(2 / 3)
    assert applied.probability == 0.0
    # No event in 4: z^2 / (n + z^2).
    assert applied.upper == pytest.approx(3.8415 / (4 + 3.8415), rel=1e-4)
    assert small.conversion["Visited"] is not None
    assert set(small.conversion) == {"Visited", "Applied", "Enrolled"}


def test_a_cluster_is_named_by_what_sets_it_apart() -> None:
    states = Described(NUMBERS, outcomes())
    large, small = describe_clusters(DIVISION, states, CONFIG).clusters
    # busy: mean 4 within, 2.5 in all, deviation 4 sqrt(15) / 8.
    trait = large.traits[0]
    assert (trait.feature, trait.mean, trait.overall_mean) == ("busy", 4.0, 2.5)
    assert trait.difference == pytest.approx(1.5 / (4 * np.sqrt(15) / 8))
    assert large.name == "high busy"
    assert small.name == "low busy"
    assert "constant" not in {each.feature for each in large.traits}
    assert (large.likelihood, large.risk) == (None, None)


def test_without_anything_that_sets_it_apart_it_is_near_the_mean() -> None:
    states = Described({"constant": np.ones(8)}, outcomes())
    found = describe_clusters(DIVISION, states, CONFIG).clusters
    assert [(each.name, each.traits) for each in found] == [
        ("near the mean (1)", ()),
        ("near the mean (2)", ()),
    ]


def test_no_two_clusters_have_one_name() -> None:
    def traits(**differences: float) -> tuple[Trait, ...]:
        return tuple(
            Trait(feature=key, difference=value, mean=0, overall_mean=0)
            for key, value in differences.items()
        )

    assert cluster_names(
        [
            traits(a=2, b=-1, c=0.9, d=0.5),
            traits(a=1, c=0.8),
            traits(a=1.5, b=-1.2, c=-0.4),
            traits(a=3, b=-2, c=0.7, d=-0.3),
            traits(a=0.2),
        ]
    ) == [
        "high a, low b, high c, high d",
        "high a, high c",
        "high a, low b, low c",
        "high a, low b, high c, low d",
        "near the mean",
    ]
    assert cluster_names([traits(a=1)] * 2) == ["high a (1)", "high a (2)"]
    assert cluster_names([]) == []


def test_a_cluster_of_the_enrolled_alone_converts_no_more() -> None:
    division = Division(np.array([0, 1]), np.eye(2), 0.1, 1.0)
    never = np.full(2, clock.NEVER)
    unknown = Outcomes(np.array([3, 0]), np.full((2, 4), clock.NEVER), never, np.zeros(2, np.int64))
    done, new = describe_clusters(division, Described({}, unknown), CONFIG).clusters
    assert done.conversion == {"Visited": None, "Applied": None, "Enrolled": None}
    assert new.conversion["Visited"] == NOTHING_KNOWN


def test_without_clusters_the_reason_is_said() -> None:
    found = describe_clusters(None, Described(NUMBERS, outcomes()), CONFIG)
    assert found.clusters == ()
    assert "8 states" in found.reason
