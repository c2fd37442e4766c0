"""What takes long is made once a session, when a test first asks for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    import tensorflow as tf

    from tests.pushed_run import PushedRun
    from tests.trained_run import TrainedRun

# A change is judged by the same generated examples each time. New ones are looked for with
# HYPOTHESIS_PROFILE=explore, and what they find is written down as an example of its test.
settings.register_profile("repeat", derandomize=True)
settings.register_profile("explore", derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Lets several workers begin with what takes longest, so that none is left with it."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


@pytest.fixture(name="trained", scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    """A model trained on random Examples and exported; to be read, not changed."""
    from tests.trained_run import make_trained_run

    return make_trained_run(tmp_path_factory.mktemp("trained"))


@pytest.fixture(name="pushed", scope="session")
def _pushed(trained: TrainedRun, tmp_path_factory: pytest.TempPathFactory) -> PushedRun:
    """The trained model, bundled with states and pushed; to be read, not changed."""
    from tests.pushed_run import push_run

    return push_run(trained, tmp_path_factory.mktemp("pushed"))


@pytest.fixture(name="loaded", scope="session")
def _loaded(pushed: PushedRun) -> tf.Module:
    """The SavedModel of the pushed version."""
    import tensorflow as tf

    return tf.saved_model.load(str(pushed.version_dir))


@pytest.fixture(name="loads")
def _loads(loaded: tf.Module, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lets whoever loads a SavedModel have the pushed one; the folders asked for."""
    import tensorflow as tf

    folders: list[str] = []

    def load(folder: str) -> tf.Module:
        folders.append(folder)
        return loaded

    monkeypatch.setattr(tf.saved_model, "load", load)
    return folders
