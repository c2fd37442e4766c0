"""Rows made from golden rows: what is exchanged, and what stays together."""

from __future__ import annotations

import numpy as np
import pytest

from components.model_validator import probes
from components.model_validator.golden import dense_inputs
from components.model_validator.probes import InputGroup
from schemas import features, names
from schemas.config import GoalpathConfig
from schemas.features import Role
from tests.random_examples import random_rows, serialize, small_config

PROFILE = InputGroup("profile", Role.QUERY, ("profile_age", "profile_age_known"))
POPULARITY = InputGroup("popularity", Role.CANDIDATE, (names.C_POPULARITY_7,))
IDS = np.array([[b"e1", b"e2"], [b"e3", b""], [b"", b""]], object)


def rows() -> probes.Tensors:
    return {
        "profile_age": np.array([20.0, 0.0, 40.0], np.float32),
        "profile_age_known": np.array([1.0, 0.0, 1.0], np.float32),
        names.Q_STAGE: np.array([b"A", b"B", b"A"], object),
        names.C_ID: IDS,
        names.C_POPULARITY_7: np.array([[0.1, 0.2], [0.3, 0], [0, 0]], np.float32),
    }


def test_a_students_inputs_go_to_the_next_row_together() -> None:
    moved = probes.exchanged(rows(), PROFILE, IDS != b"")
    assert moved["profile_age"].tolist() == [40, 20, 0]
    assert moved["profile_age_known"].tolist() == [1, 1, 0]
    assert moved[names.Q_STAGE].tolist() == [b"A", b"B", b"A"]
    assert probes.differing(rows(), moved, PROFILE).tolist() == [True, True, True]


def test_a_candidates_inputs_go_to_the_next_listed_one_and_never_into_padding() -> None:
    moved = probes.exchanged(rows(), POPULARITY, IDS != b"")
    np.testing.assert_allclose(moved[names.C_POPULARITY_7], [[0.3, 0.1], [0.2, 0], [0, 0]])
    assert probes.differing(rows(), moved, POPULARITY).tolist() == [
        [True, True],
        [True, False],
        [False, False],
    ]
    # The golden rows themselves are left as they were.
    assert rows()[names.C_POPULARITY_7][0, 0] == pytest.approx(0.1)


def test_rows_that_are_the_same_do_not_differ() -> None:
    same = {key: np.repeat(column[:1], 3, axis=0) for key, column in rows().items()}
    moved = probes.exchanged(same, PROFILE, same[names.C_ID] != b"")
    assert not probes.differing(same, moved, PROFILE).any()


def test_the_first_of_equal_rows_is_found() -> None:
    stages = probes.first_of_each(rows(), [names.Q_STAGE])
    assert stages.tolist() == [True, True, False]
    assert probes.first_of_each(rows(), [names.Q_STAGE, "profile_age"]).tolist() == [True] * 3


@pytest.fixture(name="config", scope="module")
def _config() -> GoalpathConfig:
    return small_config()


def golden(config: GoalpathConfig, count: int) -> probes.Tensors:
    return dense_inputs(serialize(config, random_rows(config, count, seed=4)), config)


def test_every_input_is_in_one_group_of_its_side(config: GoalpathConfig) -> None:
    groups = probes.input_groups(config)
    for side in probes.sides(config):
        keys = [key for group in groups if group.role is side.role for key in group.keys]
        assert sorted(keys) == sorted(side.keys)
    assert {group.name for group in groups} == {
        "profile",
        "state",
        "types met",
        "history",
        "candidate identity",
        "popularity",
        "own use",
        "candidate calendar",
        "candidate attributes",
    }


def test_a_few_rows_give_many_that_are_all_different(config: GoalpathConfig) -> None:
    few = golden(config, 3)
    found = probes.mixed(few, config)
    count = len(found[names.Q_STAGE])
    # 3 each of profile, state, types, history and list make 243 at most.
    assert 100 < count <= 3 + probes.MIXED_ROWS
    every = [key for side in probes.sides(config) for key in side.keys]
    assert set(found) == set(every)
    assert probes.first_of_each(found, every).all()
    for key in every:
        np.testing.assert_array_equal(found[key][:3], few[key], err_msg=key)


def contents(rows: probes.Tensors, group: InputGroup) -> list[str]:
    """What a group says in each row, as text."""
    columns = [rows[key].tolist() for key in group.keys]
    return [repr(row) for row in zip(*columns, strict=True)]


def test_what_belongs_together_stays_together(config: GoalpathConfig) -> None:
    few = golden(config, 5)
    found = probes.mixed(few, config)
    for group in probes.input_groups(config):
        if not group.of_candidates:
            assert set(contents(found, group)) == set(contents(few, group))
    assert set(contents(found, probes.sides(config)[1])) == set(
        contents(few, probes.sides(config)[1])
    )


def test_one_row_cannot_be_mixed(config: GoalpathConfig) -> None:
    found = probes.mixed(golden(config, 1), config)
    assert len(found[names.Q_STAGE]) == 1


def test_strange_rows_have_the_shape_of_rows_and_nothing_known(config: GoalpathConfig) -> None:
    few = golden(config, 6)
    found = probes.strange(few, config, count=2)
    unseen, nothing, empty = (probes.take(found, slice(n, n + 2)) for n in (0, 2, 4))
    for key, column in few.items():
        assert found[key].shape == (6, *column.shape[1:])
        assert found[key].dtype == column.dtype
    lengths = (few[names.C_ID][:2] != b"").sum(axis=1)
    assert ((unseen[names.C_ID] != b"").sum(axis=1) == lengths).all()
    assert set(unseen[names.Q_STAGE].tolist()) == {b"never seen before"}
    np.testing.assert_array_equal(unseen[names.Q_DAYS_IN_STAGE], few[names.Q_DAYS_IN_STAGE][:2])
    assert not nothing[names.Q_DAYS_IN_STAGE].any()
    assert not nothing[names.C_POPULARITY_7].any()
    assert ((nothing[names.C_ID] != b"").sum(axis=1) == lengths).all()
    for key in (names.C_ID, names.HISTORY_ID, names.TYPE_NAME):
        assert (empty[key] == b"").all()
    assert features.query_features(config)[0].key in empty


def test_padding_is_cut_where_the_longest_list_ends(config: GoalpathConfig) -> None:
    few = golden(config, 6)
    one = probes.take(few, slice(1, 2))
    found = probes.without_padding(one)
    for start, key in (
        ("type_", names.TYPE_NAME),
        ("history_", names.HISTORY_ID),
        ("candidate_", names.C_ID),
    ):
        length = int((one[key] != b"").sum())
        for parallel in (name for name in found if name.startswith(start)):
            assert found[parallel].shape == (1, length)
            np.testing.assert_array_equal(found[parallel], one[parallel][:, :length])
    assert found[names.Q_WEEKLY_ACTIVE].shape == (1, names.WEEKS)
