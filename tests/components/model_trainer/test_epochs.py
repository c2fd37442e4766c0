"""Epochs of one run."""

from __future__ import annotations

import pytest

from components.model_trainer.epochs import with_epochs
from schemas.config import GoalpathConfig, TrainingConfig
from schemas.errors import InputError

CONFIG = GoalpathConfig(
    name="a",
    stages=("First", "Second"),
    default_goal="Second",
    training=TrainingConfig(epochs=6, patience=3),
)


def test_none_leaves_the_configuration_as_it_is() -> None:
    text = CONFIG.model_dump_json()
    assert with_epochs(text, 0) is text


def test_they_change_and_nothing_else_does() -> None:
    changed = GoalpathConfig.model_validate_json(with_epochs(CONFIG.model_dump_json(), 2))
    assert changed.training == TrainingConfig(epochs=2, patience=3)
    assert changed.model_copy(update={"training": CONFIG.training}) == CONFIG


def test_less_than_none_is_refused() -> None:
    with pytest.raises(InputError, match="training_epochs"):
        with_epochs(CONFIG.model_dump_json(), -1)
