"""A file system in memory whose size can be changed while it is in use."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOMY: Final = 1 << 30


def can_mount(folder: Path) -> bool:
    """Whether this process may mount; needs root, and a container that lets it."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    folder.mkdir()
    if _mount("-t", "tmpfs", "-o", "size=1m", "none", folder) != 0:
        return False
    subprocess.run(["umount", folder], check=True)
    return True


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """While it lasts, `folder` is a file system of its own, with room for all."""
    folder.mkdir()
    assert _mount("-t", "tmpfs", "-o", f"size={ROOMY}", "none", folder) == 0
    try:
        yield
    finally:
        # Lazily: a store of ML Metadata that a test opened may not be closed yet.
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def room_for(folder: Path, size: int) -> Iterator[None]:
    """While it lasts, no more than about `size` bytes can be added below `folder`."""
    used = shutil.disk_usage(folder).used
    assert _mount("-o", f"remount,size={used + size}", folder) == 0
    try:
        yield
    finally:
        assert _mount("-o", f"remount,size={ROOMY}", folder) == 0


def _mount(*arguments: object) -> int:
    command = ["mount", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False).returncode
