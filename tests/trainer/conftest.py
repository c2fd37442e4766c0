"""What takes long is made once: an analysed transform, and a trained and exported model."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.config import GoalpathConfig
from tests.random_examples import random_rows, serialize, small_config
from tests.trainer.trained_run import TrainedRun, analyse, prepare

TRAIN_ROWS = 768
CALIBRATION_ROWS = 128


@pytest.fixture(name="config", scope="session")
def _config() -> GoalpathConfig:
    return small_config(epochs=6)


@pytest.fixture(name="train_examples", scope="session")
def _train_examples(config: GoalpathConfig) -> list[bytes]:
    return serialize(config, random_rows(config, TRAIN_ROWS, seed=11))


@pytest.fixture(name="calibration_examples", scope="session")
def _calibration_examples(config: GoalpathConfig) -> list[bytes]:
    return serialize(config, random_rows(config, CALIBRATION_ROWS, seed=12))


@pytest.fixture(name="analysed", scope="session")
def _analysed(
    config: GoalpathConfig,
    train_examples: list[bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Folder of the transform output of the training Examples."""
    folder = tmp_path_factory.mktemp("analysed") / "transform"
    analyse(config, train_examples, folder)
    return folder


@pytest.fixture(name="trained", scope="session")
def _trained(
    config: GoalpathConfig,
    train_examples: list[bytes],
    calibration_examples: list[bytes],
    analysed: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> TrainedRun:
    """A run whose model is trained and exported."""
    from trainer.train import run_fn

    run = prepare(
        config,
        tmp_path_factory.mktemp("trained"),
        train=train_examples,
        calibration=calibration_examples,
        analysed=analysed,
    )
    run_fn(run.fn_args)
    return run
