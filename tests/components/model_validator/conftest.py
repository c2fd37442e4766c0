"""The one good bundle that all broken ones are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.components.model_validator.forge import Forge
    from tests.trained_run import TrainedRun


@pytest.fixture(name="forge", scope="session")
def _forge(trained: TrainedRun, tmp_path_factory: pytest.TempPathFactory) -> Forge:
    from tests.components.model_validator.forge import make_forge

    return make_forge(trained, tmp_path_factory.mktemp("forge"))
