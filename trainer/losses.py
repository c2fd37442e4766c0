"""The losses: list-wise for ranking, cross-entropy for likelihood, risk and goal steps.

Each gives the sum over items and the number of items, so that means over known items
can be taken over a batch or over a whole split.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import keras
from keras import ops

from schemas import names
from schemas.config import LossWeightsConfig
from trainer.goal_steps import CERTAIN
from trainer.model import LOGIT_SUFFIX

Tensors = Mapping[str, keras.KerasTensor]

_EXCLUDED = -1e9


class Loss(NamedTuple):
    """A loss over some items.

    Attributes:
      total: sum of the items' losses, scalar float32.
      weight: sum of the items' weights, scalar float32; 0 where nothing is known.
    """

    total: keras.KerasTensor
    weight: keras.KerasTensor

    def mean(self) -> keras.KerasTensor:
        """Weighted mean over items; 0 where there is none."""
        return self.total / ops.maximum(self.weight, 1e-9)


def listwise_softmax(
    scores: keras.KerasTensor,
    grades: keras.KerasTensor,
    *,
    sampling_probability: keras.KerasTensor,
    weight: keras.KerasTensor,
) -> Loss:
    """Softmax cross-entropy over each candidate list, for sampled lists.

    With gains g_i = 2^grade_i - 1, y_i = g_i / sum_j g_j and p_i the probability that
    candidate i is in the list at all,

        loss = - sum_i y_i log( exp(s_i - log p_i) / sum_j exp(s_j - log p_j) )

    List-wise softmax: Cao et al., "Learning to Rank: From Pairwise Approach to
    Listwise Approach", ICML 2007. Gains as in NDCG: Burges et al., ICML 2005. The
    correction for sampling: Bengio and Senecal, IEEE Trans. Neural Networks, 2008.

    Args:
      scores: float32 `[B, N]`; values under a probability of 0 are not read.
      grades: float32 `[B, N]`, 0 or more.
      sampling_probability: float32 `[B, N]` in [0, 1]; 0 excludes the candidate:
        padding, or listed for another reason.
      weight: float32 `[B]`; of each list.

    Returns:
      Sum over lists, and sum of weights of the lists that have a gain.
    """
    listed = sampling_probability > 0
    gains = ops.where(listed, ops.power(2.0, grades) - 1.0, 0.0)
    total_gain = ops.sum(gains, axis=1)
    weight = ops.where(total_gain > 0, weight, 0.0)
    targets = gains / ops.expand_dims(ops.maximum(total_gain, 1e-9), 1)
    correction = ops.log(ops.where(listed, sampling_probability, 1.0))
    logits = ops.where(listed, scores - correction, _EXCLUDED)
    log_likelihood = logits - _log_sum_exp(logits)
    per_list = -ops.sum(ops.where(targets > 0, targets * log_likelihood, 0.0), axis=1)
    return Loss(ops.sum(weight * per_list), ops.sum(weight))


def _log_sum_exp(logits: keras.KerasTensor) -> keras.KerasTensor:
    """Log sum exp over the last axis, `[B, 1]`; finite for an axis of length 0."""
    # A column that adds nothing gives an empty list a maximum.
    column = ops.full_like(ops.sum(logits, axis=1, keepdims=True), _EXCLUDED)
    return ops.logsumexp(ops.concatenate([logits, column], axis=1), axis=1, keepdims=True)


def binary_cross_entropy(
    logits: keras.KerasTensor, labels: keras.KerasTensor, *, weight: keras.KerasTensor
) -> Loss:
    """- y log q - (1 - y) log(1 - q) with q = 1 / (1 + exp(-z)).

    Written as softplus(z) - z y, which does not overflow. Taking it apart with
    max(z, 0) and |z| would give a wrong gradient at z = 0, where both have a corner.

    Args:
      logits: float32 `[...]`, z.
      labels: float32 `[...]`, y in [0, 1].
      weight: float32 `[...]`; 0 where the label is not known.

    Returns:
      Weighted sum, and the sum of weights.
    """
    losses = ops.softplus(logits) - logits * labels
    return Loss(ops.sum(ops.where(weight > 0, weight * losses, 0.0)), ops.sum(weight))


def goal_steps(
    logits: keras.KerasTensor, reached: keras.KerasTensor, *, weight: keras.KerasTensor
) -> Loss:
    """Minus the log-likelihood of the steps that a student came to.

        - sum_j y_{j-1} (y_j log q_j + (1 - y_j) log(1 - q_j)),   q_j = sigmoid(z_j)

    over the steps ahead: one that was not come to says nothing of itself.

    Args:
      logits: float32 `[B, 2, K - 1]`, z; `CERTAIN` or more for steps behind.
      reached: float32 `[B, K]`, y: 1 where stage k or a later one is reached.
      weight: float32 `[B, 2, K]`; 0 where it is not known whether k is.

    Returns:
      Weighted sum over steps, and the sum of their weights.
    """
    come_to = ops.expand_dims(reached[:, :-1], 1) * weight[:, :, :-1]
    ahead = ops.cast(logits < CERTAIN, "float32")
    return binary_cross_entropy(
        logits,
        ops.expand_dims(reached[:, 1:], 1),
        weight=come_to * weight[:, :, 1:] * ahead,
    )


def head_losses(outputs: Tensors, labels: Tensors) -> dict[str, Loss]:
    """The loss of each head.

    Likelihood and risk are learned from every known snapshot without an engagement,
    and once more with the engagement that the student met next, where there is one.

    Args:
      outputs: of `GoalpathModel.training`.
      labels: `trainer.batching.TRAINING_LABELS`.

    Returns:
      Output (`schemas.names.LOSSES`) -> loss.
    """
    given = ops.cast(labels[names.GIVEN_INDEX] >= 0, "float32")
    losses = {
        names.RANKING_SCORE: listwise_softmax(
            outputs[names.RANKING_SCORE],
            labels[names.C_GRADE],
            sampling_probability=labels[names.C_SAMPLING_PROBABILITY],
            weight=labels[names.RANKING_WEIGHT],
        )
    }
    for head, label_key, weight_key in (
        (names.LIKELIHOOD, names.LIKELIHOOD_LABEL, names.LIKELIHOOD_WEIGHT),
        (names.RISK, names.RISK_LABEL, names.RISK_WEIGHT),
    ):
        weight = labels[weight_key]
        label = labels[label_key]
        losses[head] = binary_cross_entropy(
            outputs[head + LOGIT_SUFFIX],
            ops.stack([label, label], axis=1),
            weight=ops.stack([weight, weight * given], axis=1),
        )
    weight = labels[names.GOAL_WEIGHT]
    losses[names.GOAL_PROBABILITY] = goal_steps(
        outputs[names.GOAL_PROBABILITY + LOGIT_SUFFIX],
        labels[names.GOAL_LABEL],
        weight=ops.stack([weight, weight * ops.expand_dims(given, 1)], axis=1),
    )
    return losses


def total_loss(losses: Mapping[str, Loss], weights: LossWeightsConfig) -> keras.KerasTensor:
    """Sum over heads of its configured weight times its mean loss, scalar."""
    return (
        weights.ranking * losses[names.RANKING_SCORE].mean()
        + weights.likelihood * losses[names.LIKELIHOOD].mean()
        + weights.risk * losses[names.RISK].mean()
        + weights.goal * losses[names.GOAL_PROBABILITY].mean()
    )
