"""What the training data hold: counts of labels, ranges of features.

A model that is trained on constant labels or constant features fits, and predicts
nothing. Such data are refused here, before training.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import TrainingRefusedError
from schemas.features import Role
from trainer import features
from trainer.features import Group

Array = npt.NDArray[np.number[Any]]
Flags = npt.NDArray[np.bool_]
Batch = tuple[Mapping[str, Array], Mapping[str, Array]]

_LOG = logging.getLogger(__name__)
_HORIZON_REMEDY = "check the horizon and the responses in goalpath.yaml, and the period of the data"


@dataclasses.dataclass
class LabelCount:
    """Known labels of a head.

    Attributes:
      known: snapshots (for ranking: lists with a response) whose label is known.
      positive: of the known labels (for ranking: of the listed candidates).
      negative: likewise.
    """

    known: int = 0
    positive: int = 0
    negative: int = 0

    def add(self, is_known: Flags, is_positive: Flags) -> None:
        """Counts `[B]` labels."""
        self.known += int(np.sum(is_known))
        self.positive += int(np.sum(is_known & is_positive))
        self.negative += int(np.sum(is_known & ~is_positive))


@dataclasses.dataclass
class Range:
    """Least and greatest value met of a feature."""

    low: float = np.inf
    high: float = -np.inf

    @property
    def constant(self) -> bool:
        """Whether no two different values were met."""
        return self.low >= self.high


@dataclasses.dataclass
class Survey:
    """The training split in numbers.

    Attributes:
      examples: how many.
      batches: how many.
      labels: by head.
      ranges: (tower, name of the feature) -> its range after preprocessing.
    """

    examples: int = 0
    batches: int = 0
    labels: dict[str, LabelCount] = dataclasses.field(
        default_factory=lambda: {head: LabelCount() for head in names.HEADS}
    )
    ranges: dict[tuple[Role, str], Range] = dataclasses.field(default_factory=dict)

    def constant_features(self, side: Role) -> list[str]:
        """Features of a tower that never change."""
        return [
            name for (role, name), range_ in self.ranges.items() if role is side and range_.constant
        ]

    def features(self, side: Role) -> list[str]:
        """All features of a tower."""
        return [name for role, name in self.ranges if role is side]


def survey(batches: Iterable[Batch], config: GoalpathConfig) -> Survey:
    """Reads all batches once."""
    result = Survey()
    for inputs, labels in batches:
        result.batches += 1
        result.examples += len(labels[names.LIKELIHOOD_WEIGHT])
        _count_labels(result.labels, labels)
        for group in Group:
            _widen(result.ranges, inputs, config, group)
    return result


def _count_labels(counts: Mapping[str, LabelCount], labels: Mapping[str, Array]) -> None:
    for head, label, weight in (
        (names.LIKELIHOOD, names.LIKELIHOOD_LABEL, names.LIKELIHOOD_WEIGHT),
        (names.RISK, names.RISK_LABEL, names.RISK_WEIGHT),
    ):
        counts[head].add(labels[weight] > 0, labels[label] > 0)
    lists = labels[names.RANKING_WEIGHT] > 0
    listed = (labels[names.C_SAMPLING_PROBABILITY] > 0) & lists[:, None]
    ranking = counts[names.RANKING_SCORE]
    ranking.known += int(np.sum(lists))
    ranking.positive += int(np.sum(listed & (labels[names.C_GRADE] > 0)))
    ranking.negative += int(np.sum(listed & (labels[names.C_GRADE] <= 0)))


def _widen(
    ranges: dict[tuple[Role, str], Range],
    inputs: Mapping[str, Array],
    config: GoalpathConfig,
    group: Group,
) -> None:
    side = features.side_of(group)
    there = slice(None) if not group.listed else _present(inputs, group)
    numbers = inputs[group.numbers][there]
    start = 0
    for channel in features.channels(config, group):
        _include(ranges, side, channel.label, numbers[..., start : start + channel.size])
        start += channel.size
    for category in features.categories(config):
        if category.group is group:
            _include(ranges, side, category.key, inputs[category.index][there])
    for text in features.texts(config):
        if text.group is group:
            _include(ranges, side, text.key, inputs[text.tokens][there])


def _present(inputs: Mapping[str, Array], group: Group) -> Flags:
    return np.asarray(inputs[features.GROUP_ID[group] + features.INDEX_SUFFIX] > 0)


def _include(ranges: dict[tuple[Role, str], Range], side: Role, name: str, values: Array) -> None:
    known = ranges.setdefault((side, name), Range())
    if values.size:
        known.low = min(known.low, float(values.min()))
        known.high = max(known.high, float(values.max()))


def refuse_if_nothing_to_learn(found: Survey, where: str) -> None:
    """Refuses data that cannot teach every head; warns of single constant features.

    Args:
      found: the training split.
      where: how messages call it.

    Raises:
      TrainingRefusedError: no Example, a head without known, positive or negative
        labels, or a tower all of whose features are constant.
    """
    if not found.examples:
        raise TrainingRefusedError(
            "there must be Examples to learn from.",
            where=where,
            received="0 Examples",
            remedy="check that the data have snapshots in the training split.",
        )
    for head, count in found.labels.items():
        _refuse_constant_labels(head, count, found.examples, where)
    for side in (Role.QUERY, Role.CANDIDATE):
        _refuse_constant_features(found, side, where)


def _refuse_constant_labels(head: str, count: LabelCount, examples: int, where: str) -> None:
    if count.known and count.positive and count.negative:
        return
    raise TrainingRefusedError(
        f"the labels of {head} must be known for some Examples, and must differ.",
        where=where,
        received=(
            f"{count.known} known of {examples} Examples, "
            f"{count.positive} positive, {count.negative} negative"
        ),
        remedy=f"{_HORIZON_REMEDY}.",
    )


def _refuse_constant_features(found: Survey, side: Role, where: str) -> None:
    constant = found.constant_features(side)
    total = found.features(side)
    if len(constant) == len(total):
        raise TrainingRefusedError(
            f"some {side.value} feature must differ between Examples.",
            where=where,
            received=f"{len(constant)} of {len(total)} are constant in {found.examples} Examples",
            remedy="check that the tables were joined: events have to be those of the students.",
        )
    if constant:
        _LOG.warning(
            "%s: %d of %d %s features never change and teach nothing: %s",
            where,
            len(constant),
            len(total),
            side.value,
            ", ".join(constant),
        )
