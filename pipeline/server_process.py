"""A model server as a child process, started again when it dies, gone when its parent is."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import Final

from pipeline.with_parent import with_parent

FIRST_WAIT_SECONDS: Final = 1.0
LONGEST_WAIT_SECONDS: Final = 30.0
GRACE_SECONDS: Final = 20.0
_LOG: Final = logging.getLogger("goalpath.serve")


class ServerProcess:
    """Keeps one process running.

    Args:
      command: of it.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._process = self._start()
        self._thread = threading.Thread(target=self._keep, name="model server", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        return self._process.pid

    def stop(self) -> None:
        """Ends the process; one that does not end when asked is killed."""
        with self._lock:
            self._ends.set()
            self._process.terminate()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join()

    def _start(self) -> subprocess.Popen[bytes]:
        # In a session of its own: Ctrl-C is for the parent, which ends the child when it has
        # answered what it had begun.
        return subprocess.Popen(with_parent(self._command), start_new_session=True)

    def _keep(self) -> None:
        wait = FIRST_WAIT_SECONDS
        while not self._ends.is_set():
            began = time.monotonic()
            code = self._process.wait()
            if self._ends.is_set():
                return
            if time.monotonic() - began > LONGEST_WAIT_SECONDS:
                wait = FIRST_WAIT_SECONDS
            _LOG.error("the model server ended with %d; it is started again in %.0f s", code, wait)
            if self._ends.wait(wait):
                return
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            with self._lock:
                if not self._ends.is_set():
                    self._process = self._start()
