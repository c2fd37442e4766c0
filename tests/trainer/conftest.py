"""What only the tests of the trainer share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.config import GoalpathConfig
from tests.trained_run import TrainedRun

if TYPE_CHECKING:
    from trainer.example_batches import Transform


@pytest.fixture(name="config", scope="session")
def _config(trained: TrainedRun) -> GoalpathConfig:
    return trained.config


@pytest.fixture(name="layer", scope="session")
def _layer(trained: TrainedRun) -> Transform:
    """Applies the preprocessing that was learned from the training Examples."""
    import tensorflow_transform as tft

    layer: Transform = tft.TFTransformOutput(str(trained.transform)).transform_features_layer()
    return layer
