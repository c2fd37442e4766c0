"""Data that cannot teach a model are refused, with counts that a person can check."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable

import numpy as np
import pytest

from schemas import names
from schemas.errors import TrainingRefusedError
from schemas.features import Role
from tests.random_examples import small_config
from tests.trainer.model_batches import Arrays, Batch, random_batch
from trainer import features
from trainer.features import Group
from trainer.survey import LabelCount, refuse_if_nothing_to_learn, survey

CONFIG = small_config()
WHERE = "the training split"


def batch(rows: int = 40, seed: int = 1) -> Batch:
    return copy.deepcopy(random_batch(CONFIG, rows, seed=seed))


def refusal(*batches: Batch) -> TrainingRefusedError:
    with pytest.raises(TrainingRefusedError) as error:
        refuse_if_nothing_to_learn(survey(batches, CONFIG), WHERE)
    assert error.value.where == WHERE
    assert error.value.remedy
    return error.value


def test_what_can_be_learned_is_not_refused() -> None:
    found = survey([batch(), batch(8, seed=2)], CONFIG)
    refuse_if_nothing_to_learn(found, WHERE)
    assert (found.examples, found.batches) == (48, 2)


def test_labels_are_counted_over_batches_where_they_are_known() -> None:
    inputs, labels = batch(4)
    labels |= {
        names.LIKELIHOOD_LABEL: np.array([1, 1, 0, 0], np.float32),
        names.LIKELIHOOD_WEIGHT: np.array([1, 1, 1, 0], np.float32),
        names.RISK_LABEL: np.array([0, 0, 0, 1], np.float32),
        names.RISK_WEIGHT: np.array([1, 0, 0, 1], np.float32),
        names.RANKING_WEIGHT: np.array([1, 1, 0, 0], np.float32),
        names.C_GRADE: np.array([[2, 0, 0], [1, 1, 0], [3, 3, 3], [0, 0, 0]], np.float32),
        # The second list holds a response that is listed for another reason.
        names.C_SAMPLING_PROBABILITY: np.array(
            [[1, 0.5, 0], [1, 0, 0.2], [1, 1, 1], [1, 1, 1]], np.float32
        ),
    }
    found = survey([(inputs, labels), (inputs, labels)], CONFIG)
    assert found.labels == {
        names.LIKELIHOOD: LabelCount(known=6, positive=4, negative=2),
        names.RISK: LabelCount(known=4, positive=2, negative=2),
        names.RANKING_SCORE: LabelCount(known=4, positive=4, negative=4),
    }


def test_no_examples_are_refused() -> None:
    assert refusal().received == "0 Examples"


def constant(value: float, label: str) -> Callable[[Arrays], None]:
    def change(labels: Arrays) -> None:
        labels[label] = np.full_like(labels[label], value)

    return change


@pytest.mark.parametrize(
    ("head", "label", "value", "received"),
    [
        (names.LIKELIHOOD, names.LIKELIHOOD_LABEL, 1, "40 known of 40 Examples, 40 positive, 0"),
        (names.LIKELIHOOD, names.LIKELIHOOD_LABEL, 0, "40 known of 40 Examples, 0 positive, 40"),
        (names.LIKELIHOOD, names.LIKELIHOOD_WEIGHT, 0, "0 known of 40 Examples, 0 positive, 0"),
        (names.RISK, names.RISK_LABEL, 1, "40 known of 40 Examples, 40 positive, 0"),
        (names.RISK, names.RISK_WEIGHT, 0, "0 known of 40 Examples, 0 positive, 0"),
        (names.RANKING_SCORE, names.RANKING_WEIGHT, 0, "0 known of 40 Examples, 0 positive, 0"),
    ],
)
def test_constant_and_unknown_labels_are_refused(
    head: str, label: str, value: float, received: str
) -> None:
    inputs, labels = batch()
    constant(value, label)(labels)
    error = refusal((inputs, labels))
    assert error.rule.startswith(f"the labels of {head} must be known")
    assert error.received == f"{received} negative"
    assert "horizon" in error.remedy


@pytest.mark.parametrize("grade", [0, 2])
def test_lists_without_both_a_response_and_a_miss_are_refused(grade: float) -> None:
    inputs, labels = batch()
    constant(grade, names.C_GRADE)(labels)
    labels[names.RANKING_WEIGHT] = np.ones(40, np.float32)
    assert refusal((inputs, labels)).rule.startswith(f"the labels of {names.RANKING_SCORE} ")


def test_labels_that_differ_between_batches_only_are_enough() -> None:
    ones, zeros = batch(), batch(seed=2)
    constant(1, names.LIKELIHOOD_LABEL)(ones[1])
    constant(0, names.LIKELIHOOD_LABEL)(zeros[1])
    refuse_if_nothing_to_learn(survey([ones, zeros], CONFIG), WHERE)


def make_constant(inputs: Arrays, groups: tuple[Group, ...]) -> None:
    """Every value of the groups the same where there is one; lists keep their lengths."""
    for group in groups:
        there = (
            inputs[features.GROUP_ID[group] + features.INDEX_SUFFIX] > 0
            if group.listed
            else np.ones(len(inputs[group.numbers]), bool)
        )
        inputs[group.numbers] = np.where(there[..., None], np.float32(1.5), np.float32(0))
        inputs[group.numbers] = np.broadcast_to(
            inputs[group.numbers], (*there.shape, features.width(CONFIG, group))
        )
        for category in features.categories(CONFIG):
            if category.group is group:
                inputs[category.index] = np.where(there, 3, 0)
        for text in features.texts(CONFIG):
            if text.group is group:
                inputs[text.tokens] = np.zeros_like(inputs[text.tokens])


@pytest.mark.parametrize(
    ("side", "groups"),
    [
        (Role.QUERY, (Group.QUERY, Group.TYPES, Group.HISTORY)),
        (Role.CANDIDATE, (Group.CANDIDATES,)),
    ],
)
def test_a_tower_whose_features_never_change_is_refused(
    side: Role, groups: tuple[Group, ...]
) -> None:
    inputs, labels = batch()
    make_constant(inputs, groups)
    error = refusal((inputs, labels))
    total = len(survey([batch()], CONFIG).features(side))
    assert error.rule == f"some {side.value} feature must differ between Examples."
    assert error.received == f"{total} of {total} are constant in 40 Examples"
    assert "joined" in error.remedy


def test_padding_is_no_value_of_a_feature() -> None:
    inputs, labels = batch()
    make_constant(inputs, (Group.HISTORY,))
    found = survey([(inputs, labels)], CONFIG)
    constant_features = set(found.constant_features(Role.QUERY))
    assert {names.HISTORY_ID, names.HISTORY_TYPE, names.HISTORY_VALUE} <= constant_features
    assert names.TYPE_NAME not in constant_features


def test_lists_that_are_always_empty_hold_nothing_to_learn_from() -> None:
    inputs, labels = random_batch(CONFIG, 20, seed=3, longest=0)
    found = survey([(inputs, labels)], CONFIG)
    assert found.constant_features(Role.CANDIDATE) == found.features(Role.CANDIDATE)


def test_single_constant_features_are_named_and_let_through(
    caplog: pytest.LogCaptureFixture,
) -> None:
    inputs, labels = batch()
    place = [c.label for c in features.channels(CONFIG, Group.QUERY)].index(names.Q_DAYS_IN_STAGE)
    inputs[Group.QUERY.numbers][:, place] = 0.25
    inputs["profile_major_index"][:] = 2
    with caplog.at_level(logging.WARNING):
        refuse_if_nothing_to_learn(survey([(inputs, labels)], CONFIG), WHERE)
    (message,) = caplog.messages
    assert message.startswith(f"{WHERE}: 2 of ")
    assert message.endswith(f"teach nothing: {names.Q_DAYS_IN_STAGE}, profile_major")


def test_a_feature_that_differs_between_batches_only_is_not_constant() -> None:
    first, second = batch(), batch()
    make_constant(first[0], (Group.CANDIDATES,))
    make_constant(second[0], (Group.CANDIDATES,))
    second[0][Group.CANDIDATES.numbers] = second[0][Group.CANDIDATES.numbers] * 2
    found = survey([first, second], CONFIG)
    assert names.C_POPULARITY_7 not in found.constant_features(Role.CANDIDATE)
    assert names.C_ID in found.constant_features(Role.CANDIDATE)
