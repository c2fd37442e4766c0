"""A model version keeps the configuration it was made with; goalpath goes on changing."""

from __future__ import annotations

import copy

import pytest

from schemas.config import GoalpathConfig, parse_config, stored_config
from schemas.errors import ConfigError

COHORTS = parse_config(
    "{name: x, stages: [A, B], default_goal: B, split: {method: cohort, train: [a], eval: [b]}}"
)


def test_what_was_stored_comes_back() -> None:
    assert stored_config(COHORTS.model_dump(mode="json"), where="version 3") == COHORTS


@pytest.mark.parametrize(
    "path",
    [("gone",), ("training", "gone"), ("training", "loss_weights", "gone"), ("split", "gone")],
)
def test_a_key_that_is_not_known_any_more_is_left_out(path: tuple[str, ...]) -> None:
    stored = COHORTS.model_dump(mode="json")
    branch = stored
    for part in path[:-1]:
        branch = branch[part]
    branch[path[-1]] = {"some": ["thing"]}
    before = copy.deepcopy(stored)
    assert stored_config(stored, where="version 3") == COHORTS
    assert stored == before


def test_a_key_that_came_later_has_its_default() -> None:
    stored = COHORTS.model_dump(mode="json")
    del stored["training"]["category_dropout"]
    assert stored_config(stored, where="version 3") == COHORTS


def test_anything_else_that_is_wrong_is_refused_with_its_place() -> None:
    stored = GoalpathConfig.model_dump(COHORTS, mode="json")
    stored["training"]["gone"] = 1
    stored["stages"] = ["A"]
    with pytest.raises(ConfigError, match=r"stages.*version 3|version 3.*stages"):
        stored_config(stored, where="version 3")


@pytest.mark.parametrize("stored", [None, [], "text", {}])
def test_what_is_no_configuration_is_refused(stored: object) -> None:
    with pytest.raises(ConfigError, match="version 3"):
        stored_config(stored, where="version 3")
