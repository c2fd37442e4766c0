"""What only the tests of the trainer share."""

from __future__ import annotations

import pytest

from schemas.config import GoalpathConfig
from tests.trained_run import TrainedRun


@pytest.fixture(name="config", scope="session")
def _config(trained: TrainedRun) -> GoalpathConfig:
    return trained.config
