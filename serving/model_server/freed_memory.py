"""Gives memory that was freed back to the system."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable


def return_freed_memory() -> None:
    """Returns to the system what the C library keeps of freed memory; nothing but in glibc.

    Loading a SavedModel takes and frees hundreds of megabytes, in whichever arena of malloc
    its thread has. Each arena keeps its own, so that without this a server that changes
    versions grows for as long as new threads load them.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        return ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):
        return None
