"""What an unloaded version leaves behind."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from serving.model_server.freed_memory import return_freed_memory
from serving.model_server.saved_model import SavedModelSession
from tests.pushed_run import PushedRun

MEGABYTE = 1 << 20
PAGE = 4096


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc: memory is NOT checked here")
def test_versions_that_come_and_go_leave_memory_flat(pushed: PushedRun) -> None:
    def load_and_unload() -> None:
        session = SavedModelSession(pushed.version_dir, ["serve"])
        assert "serving_default" in session.signatures
        session.close()
        return_freed_memory()

    after = []
    for _ in range(5):
        # The server loads and unloads in threads that end, each with its arena of malloc.
        thread = threading.Thread(target=load_and_unload)
        thread.start()
        thread.join()
        after.append(resident_bytes())
    # One version kept is 200 MB of graph; one arena that is kept, up to 500.
    assert max(after[2:]) - after[1] < 60 * MEGABYTE
