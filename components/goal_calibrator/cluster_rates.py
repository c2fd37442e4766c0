"""How far each cluster of students is from all of them in reaching stages."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from schemas.conversion_patterns import Cluster, Clustering
from schemas.goal_parameters import ClusterRates
from serving.goals.synthesis import cut_log_odds

Floats = npt.NDArray[np.float64]


def cluster_rates(
    clustering: Clustering, stages: tuple[str, ...], *, prior: float
) -> tuple[ClusterRates, ...]:
    """The rates of every cluster; none where there are no clusters.

    Args:
      clustering: of training students.
      stages: in order.
      prior: students of the mean over all clusters that are added to each.
    """
    if not clustering.clusters:
        return ()
    chance = np.array([_chances(each, stages) for each in clustering.clusters])
    students = np.array([each.students for each in clustering.clusters], float)[:, None]
    weight = np.where(np.isnan(chance), 0.0, students)
    rate = np.nan_to_num(chance)
    whole = ((weight * rate).sum(axis=0) + 0.5) / (weight.sum(axis=0) + 1.0)
    shrunk = (weight * rate + prior * whole) / (weight + prior)
    lift = cut_log_odds(shrunk) - cut_log_odds(whole)
    return tuple(
        ClusterRates(
            name=each.name,
            centroid=each.centroid,
            students=each.students,
            log_odds=tuple(row),
        )
        for each, row in zip(clustering.clusters, lift.tolist(), strict=True)
    )


def _chances(cluster: Cluster, stages: tuple[str, ...]) -> list[float]:
    """By stage; NaN where nobody was observed."""
    chances = [cluster.conversion.get(stage) for stage in stages]
    values = [None if chance is None else chance.probability for chance in chances]
    return [float("nan") if value is None else value for value in values]
