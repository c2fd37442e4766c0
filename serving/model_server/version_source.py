"""Looks into the folders of models again and again, and says which versions are wanted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from serving.model_server.version_policy import ModelSource, find_versions
from serving.wire.status import StatusError

_LOG: Final = logging.getLogger(__name__)

Aspire = Callable[[str, Mapping[int, Path]], None]


class VersionSource:
    """Polls the folders of models.

    A folder that cannot be read leaves its model as it is; one that can, and has no
    version, unloads it.

    Args:
      aspire: told a model's name and all versions wanted of it, at every poll.
      wait_seconds: between polls; 0: polls once after each change of the models, less
        than 0: never.
    """

    def __init__(self, aspire: Aspire, wait_seconds: float) -> None:
        self._aspire = aspire
        self._wait_seconds = wait_seconds
        self._models: tuple[ModelSource, ...] = ()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._poll_again, name="poll", daemon=True)

    def start(self) -> None:
        """Begins to poll."""
        if self._wait_seconds > 0:
            self._thread.start()

    def stop(self) -> None:
        """Ends polling; returns when the last poll is over."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def set_models(self, models: Sequence[ModelSource]) -> None:
        """Takes other models: those no longer there are unloaded, and all are looked for."""
        with self._lock:
            gone = {model.name for model in self._models} - {model.name for model in models}
            self._models = tuple(models)
            for name in sorted(gone):
                self._aspire(name, {})
        if self._wait_seconds >= 0:
            self._poll()

    def _poll_again(self) -> None:
        while not self._stopped.wait(self._wait_seconds):
            self._poll()

    def _poll(self) -> None:
        with self._lock:
            for model in self._models:
                try:
                    versions = find_versions(model)
                except StatusError as error:
                    _LOG.error("A file system access error: %s", error.message)
                    continue
                self._aspire(model.name, versions)
