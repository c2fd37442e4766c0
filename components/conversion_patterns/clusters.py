"""Groups of students alike by their embedding, and how far the groups can be trusted."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from components.conversion_patterns.competing_risks import Reals
from components.conversion_patterns.sampled import Outcomes
from components.conversion_patterns.transitions import chance_of
from components.event_example_gen.segments import Places
from schemas.config import GoalpathConfig
from schemas.conversion_patterns import Chance, Cluster, Clustering, Trait, unit_length

RESEEDS: Final = 5  # clusterings compared with each other
STATES_A_CLUSTER: Final = 20  # fewer of them a cluster, and none is looked for
SILHOUETTE_STATES: Final = 4_000  # its cost is their square
TRAITS: Final = 5
NAMED_TRAITS: Final = 2
_PLAIN: Final = 0.25  # deviations from which on a trait is named
_STARTS: Final = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Division:
    """States divided into clusters.

    Attributes:
      label: `[n]`.
      centroids: `[k, D]`.
      silhouette: mean, in [-1, 1].
      stability: mean adjusted Rand index between reseeded runs.
    """

    label: Places
    centroids: Reals
    silhouette: float
    stability: float


def divide(embedding: Reals, *, most: int, least_stability: float, seed: int) -> Division | None:
    """k-means on unit-length embeddings, k by the silhouette among those that are stable.

    For every k, k-means is run `RESEEDS` times from other starts. The stability of k is
    the mean adjusted Rand index (Hubert and Arabie, 1985) over all pairs of runs, and
    the run of least inertia stands for k. Of the stable ones that with the largest mean
    silhouette (Rousseeuw, 1987) is taken.

    Args:
      embedding: `[n, D]`.
      most: clusters, at most.
      least_stability: bound on the stability.
      seed: of the starts.

    Returns:
      None where the states are too few or all alike, or no k is stable.
    """
    points = unit_length(embedding)
    alike = len(np.unique(points.round(6), axis=0))
    most = min(most, len(points) // STATES_A_CLUSTER, alike - 1)
    stable = [
        division
        for number in range(2, most + 1)
        if (division := _divide(points, number, seed)).stability >= least_stability
    ]
    return max(stable, key=lambda each: each.silhouette, default=None)


def _divide(points: Reals, number: int, seed: int) -> Division:
    runs = [
        KMeans(number, n_init=_STARTS, random_state=seed + reseed).fit(points)
        for reseed in range(RESEEDS)
    ]
    pairs = [
        adjusted_rand_score(first.labels_, second.labels_)
        for place, first in enumerate(runs)
        for second in runs[:place]
    ]
    best = min(runs, key=lambda run: float(run.inertia_))
    some = min(len(points), SILHOUETTE_STATES)
    silhouette = silhouette_score(points, best.labels_, sample_size=some, random_state=seed)
    return Division(
        label=best.labels_.astype(np.int64),
        centroids=best.cluster_centers_,
        silhouette=float(silhouette),
        stability=float(np.mean(pairs)),
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Described:
    """What clusters are described by; `n` states of the sample.

    Attributes:
      numbers: numbers of the state, `[n]` each.
      outcomes: what came after.
      likelihood: the model's, `[n]`; None where it was not asked.
      risk: likewise.
    """

    numbers: Mapping[str, Reals]
    outcomes: Outcomes
    likelihood: Reals | None = None
    risk: Reals | None = None


def describe_clusters(
    division: Division | None, states: Described, config: GoalpathConfig
) -> Clustering:
    """The clusters, largest first, named by what sets them apart."""
    if division is None:
        reason = (
            f"no division of {len(states.outcomes)} states into 2 to "
            f"{config.patterns.most_clusters} clusters was stable"
        )
        return Clustering(clusters=(), silhouette=None, stability=None, reason=reason)
    order = np.argsort(-np.bincount(division.label), kind="stable")
    traits = [_traits(states.numbers, division.label == place) for place in order]
    clusters = [
        _cluster(int(place), (name, own), division, states, config)
        for place, name, own in zip(order, cluster_names(traits), traits, strict=True)
    ]
    return Clustering(
        clusters=tuple(clusters),
        silhouette=division.silhouette,
        stability=division.stability,
        reason="",
    )


def _cluster(
    place: int,
    named: tuple[str, tuple[Trait, ...]],
    division: Division,
    states: Described,
    config: GoalpathConfig,
) -> Cluster:
    name, traits = named
    inside = division.label == place
    rows = np.flatnonzero(inside)
    stage = states.outcomes.stage[rows]
    shares = np.bincount(stage, minlength=len(config.stages)) / len(rows)
    return Cluster(
        name=name,
        students=len(rows),
        share=len(rows) / len(inside),
        centroid=tuple(float(value) for value in division.centroids[place]),
        traits=traits,
        stages=dict(zip(config.stages, shares.tolist(), strict=True)),
        conversion={
            name: _conversion(states.outcomes, rows[stage < target], target, config)
            for target, name in enumerate(config.stages)
            if target
        },
        likelihood=None if states.likelihood is None else float(states.likelihood[rows].mean()),
        risk=None if states.risk is None else float(states.risk[rows].mean()),
    )


def _conversion(
    outcomes: Outcomes, rows: Places, target: int, config: GoalpathConfig
) -> Chance | None:
    if not len(rows):
        return None
    counts = outcomes.counts(rows, target, config.horizons.goal_days)
    return chance_of(counts, config.patterns.level)


def _traits(
    numbers: Mapping[str, Reals], inside: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[Trait, ...]:
    """The features that differ most from the whole sample, in its deviations."""
    found = []
    for key, values in numbers.items():
        deviation = float(values.std())
        if deviation <= 0:
            continue
        mean, overall = float(values[inside].mean()), float(values.mean())
        found.append(
            Trait(
                feature=key,
                difference=(mean - overall) / deviation,
                mean=mean,
                overall_mean=overall,
            )
        )
    found.sort(key=lambda trait: -abs(trait.difference))
    return tuple(found[:TRAITS])


def cluster_names(traits: Sequence[tuple[Trait, ...]]) -> list[str]:
    """In words, each its own: "high active_28, low days_since_active".

    Clusters that the first `NAMED_TRAITS` do not tell apart are named by more of them, and
    by their place among each other where all are alike.

    Args:
      traits: of each cluster, largest difference first.
    """
    names = [_name(own, NAMED_TRAITS) for own in traits]
    for length in range(NAMED_TRAITS + 1, TRAITS + 1):
        shared = _shared(names)
        names = [
            _name(own, length) if name in shared else name
            for own, name in zip(traits, names, strict=True)
        ]
    shared, seen = _shared(names), collections.Counter[str]()
    for place, name in enumerate(names):
        if name in shared:
            seen[name] += 1
            names[place] = f"{name} ({seen[name]})"
    return names


def _shared(names: Sequence[str]) -> frozenset[str]:
    return frozenset(name for name, count in collections.Counter(names).items() if count > 1)


def _name(traits: tuple[Trait, ...], most: int) -> str:
    plain = [trait for trait in traits if abs(trait.difference) >= _PLAIN][:most]
    words = [f"{'high' if trait.difference > 0 else 'low'} {trait.feature}" for trait in plain]
    return ", ".join(words) or "near the mean"
