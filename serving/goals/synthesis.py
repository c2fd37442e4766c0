"""From head outputs to goal likelihoods: the equation, in NumPy.

    z_j = b_j + sum_f w_jf x_jf           log-odds of step j, every w_jf >= 0
    P(reach k) = prod_{s < j <= k} sigmoid(z_j),  s the stage now, 1 for k <= s

A farther goal is never likelier, since its product only has more steps; more risk never
helps, since its weight has one sign.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.conversion_patterns import unit_length
from schemas.goal_parameters import (
    LARGEST_LOGIT,
    ClusterRates,
    Factor,
    GoalParameters,
    StageRates,
)
from schemas.goal_state import GoalState, Heads

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class HeadOutputs:
    """What the synthesis reads, of `n` states.

    Attributes:
      stage: place of the stage now, `[n]`.
      likelihood: of the likelihood head, `[n]`.
      risk: of the risk head, `[n]`.
      network: of the goal head, `[n, K]`.
      days_in_stage: `[n]`.
      days_since_active: `[n]`.
      embedding: of the student, `[n, D]`; not read where there are no clusters.
    """

    stage: Places
    likelihood: Floats
    risk: Floats
    network: Floats
    days_in_stage: Floats
    days_since_active: Floats
    embedding: Floats


def head_outputs(state: GoalState, place: int, heads: Sequence[Heads]) -> HeadOutputs:
    """The state with each of `n` heads' answers, for the synthesis."""
    count = len(heads)
    return HeadOutputs(
        stage=np.full(count, place, np.int64),
        likelihood=np.array([each.likelihood for each in heads]),
        risk=np.array([each.risk for each in heads]),
        network=np.array([each.network for each in heads]),
        days_in_stage=np.full(count, state.days_in_stage),
        days_since_active=np.full(count, state.days_since_active),
        embedding=np.broadcast_to(np.array(state.embedding), (count, len(state.embedding))),
    )


@dataclasses.dataclass(frozen=True, eq=False)
class RateTable:
    """`StageRates` of every stage, to look many states up at once.

    Attributes:
      days: `[K, D]`, lower ends of the bins; infinite past the end.
      log_odds: `[K, D, K]`.
    """

    days: Floats
    log_odds: Floats

    @classmethod
    def of(cls, of_stages: Sequence[StageRates]) -> RateTable:
        """The table of the rates of all stages."""
        count = max(len(rates.days) for rates in of_stages)
        stages = len(of_stages)
        days = np.full((stages, count), np.inf)
        log_odds = np.zeros((stages, count, stages))
        for place, rates in enumerate(of_stages):
            days[place, : len(rates.days)] = rates.days
            log_odds[place, : len(rates.days)] = rates.log_odds
        return cls(days, log_odds)

    def look_up(self, stage: Places, days_in_stage: Floats) -> Floats:
        """Log-odds of each step by the last bin that begins at or before the days, `[n, K - 1]`."""
        begun = self.days[stage] <= days_in_stage[:, None]
        found: Floats = self.log_odds[stage, np.maximum(begun.sum(axis=1) - 1, 0), 1:]
        return found


@dataclasses.dataclass(frozen=True, eq=False)
class ClusterTable:
    """`ClusterRates` of every cluster.

    Attributes:
      centroids: `[C, D]`.
      log_odds: `[C, K]`.
    """

    centroids: Floats
    log_odds: Floats

    @classmethod
    def of(cls, clusters: Sequence[ClusterRates], stages: int) -> ClusterTable:
        """The table of the clusters; one of no width that says nothing where there are none."""
        if not clusters:
            return cls(np.zeros((1, 0)), np.zeros((1, stages)))
        return cls(
            np.array([each.centroid for each in clusters]),
            np.array([each.log_odds for each in clusters]),
        )

    def nearest(self, embedding: Floats) -> Places:
        """The cluster of each student, `[n]`; the first where there are none."""
        width = self.centroids.shape[1]
        if not width:
            return np.zeros(len(embedding), np.int64)
        unit = unit_length(embedding)
        distance = ((unit[:, None, :] - self.centroids) ** 2).sum(axis=-1)
        found: Places = distance.argmin(axis=1)
        return found


def cut_log_odds(probability: Floats) -> Floats:
    """log(p / (1 - p)), cut to `LARGEST_LOGIT` on both sides."""
    edge = 1.0 / (1.0 + np.exp(LARGEST_LOGIT))
    p = np.clip(probability, edge, 1.0 - edge)
    found: Floats = np.log(p) - np.log1p(-p)
    return found


def step_probabilities(reach: Floats) -> Floats:
    """P(j | j - 1) of reach probabilities `[n, K]`: `[n, K - 1]`; 0 after a 0."""
    before = reach[:, :-1]
    found: Floats = np.where(before > 0, reach[:, 1:] / np.where(before > 0, before, 1.0), 0.0)
    return found


def factor_values(
    outputs: HeadOutputs, rates: RateTable, clusters: ClusterTable
) -> dict[Factor, Floats]:
    """Each factor for each step, `[n, K - 1]`."""
    network = cut_log_odds(step_probabilities(outputs.network))
    shape = network.shape

    def for_every_step(values: Floats) -> Floats:
        return np.broadcast_to(values[:, None], shape)

    return {
        Factor.NETWORK: network,
        Factor.LIKELIHOOD: for_every_step(cut_log_odds(outputs.likelihood)),
        Factor.SAFETY: for_every_step(-cut_log_odds(outputs.risk)),
        Factor.RATE: rates.look_up(outputs.stage, outputs.days_in_stage),
        Factor.RECENCY: for_every_step(-np.log1p(np.maximum(outputs.days_since_active, 0.0))),
        Factor.CLUSTER: clusters.log_odds[clusters.nearest(outputs.embedding), 1:],
    }


def stack_factors(values: dict[Factor, Floats], factors: tuple[Factor, ...]) -> Floats:
    """The factors one after the other: `[n, K - 1, F]`."""
    return np.stack([values[factor] for factor in factors], axis=-1)


def reach(log_odds: Floats, stage: Places) -> Floats:
    """P(reach k), see the module.

    Args:
      log_odds: of the steps, `[..., K - 1]`.
      stage: now, of the shape of `log_odds` without its last axis.

    Returns:
      `[..., K]`, 1 for stages that are reached, never increasing.
    """
    steps = np.arange(1, log_odds.shape[-1] + 1)
    ahead = steps > np.asarray(stage)[..., None]
    log_step = np.where(ahead, -np.logaddexp(0.0, -log_odds), 0.0)
    product = np.exp(np.cumsum(log_step, axis=-1))
    found: Floats = np.concatenate([np.ones_like(product[..., :1]), product], axis=-1)
    return found


def interval(
    probability: Floats, stage: Places, radii: Floats, group_size: int
) -> tuple[Floats, Floats]:
    """The interval of each goal; `GoalParameters.radii` says what it covers.

    Both ends are made not to increase with the goal by widening, never by narrowing.

    Args:
      probability: `[n, K]`.
      stage: now, `[n]`.
      radii: `[K, K]`.
      group_size: a group cannot tell probabilities nearer to 0 or 1 than half a student.

    Returns:
      Lower and upper ends, `[n, K]`; both 1 for stages that are reached.
    """
    half = radii[stage] * spread(probability, group_size)
    lower = np.clip(probability - half, 0.0, 1.0)
    upper = np.clip(probability + half, 0.0, 1.0)
    reached = np.arange(probability.shape[1]) <= stage[:, None]
    lower, upper = np.where(reached, 1.0, lower), np.where(reached, 1.0, upper)
    lower = np.minimum.accumulate(lower, axis=1)
    upper = np.maximum.accumulate(upper[:, ::-1], axis=1)[:, ::-1]
    return lower, upper


def spread(probability: Floats, group_size: int) -> Floats:
    """sqrt(p (1 - p)), p kept half a student of a group away from 0 and 1."""
    edge = 0.5 / group_size
    p = np.clip(probability, edge, 1.0 - edge)
    found: Floats = np.sqrt(p * (1.0 - p))
    return found


class Synthesis:
    """The equation with the parameters of one document, ready for many states.

    Args:
      parameters: of a model version.
    """

    def __init__(self, parameters: GoalParameters) -> None:
        self.parameters = parameters
        self.rates = RateTable.of(parameters.rates)
        self.clusters = ClusterTable.of(parameters.clusters, len(parameters.stages))
        self.intercepts = np.array([step.intercept for step in parameters.steps])
        self.weights = np.array(
            [[step.weights[f] for f in parameters.factors] for step in parameters.steps]
        ).reshape(len(parameters.steps), len(parameters.factors))
        self.radii = np.array(parameters.radii)
        self.reference = np.array(parameters.reference)

    def factors(self, outputs: HeadOutputs) -> Floats:
        """`[n, K - 1, F]`."""
        return stack_factors(
            factor_values(outputs, self.rates, self.clusters), self.parameters.factors
        )

    def step_log_odds(self, factors: Floats) -> Floats:
        """Log-odds of the steps, `[..., K - 1]`, of factors `[..., K - 1, F]`."""
        found: Floats = self.intercepts + (factors * self.weights).sum(axis=-1)
        return found

    def probabilities(self, outputs: HeadOutputs) -> Floats:
        """P(reach k), `[n, K]`."""
        return reach(self.step_log_odds(self.factors(outputs)), outputs.stage)

    def interval(self, probability: Floats, stage: Places) -> tuple[Floats, Floats]:
        """Lower and upper ends for `[n, K]` probabilities."""
        return interval(probability, stage, self.radii, self.parameters.group_size)
