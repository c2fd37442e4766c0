from __future__ import annotations

import errno
import os

import pytest

from pipeline.disk_full import as_disk_full
from schemas.errors import DataError


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_what_the_system_says_is_told_with_place_and_remedy(number: int) -> None:
    error = as_disk_full(OSError(number, os.strerror(number), "/out/file"), "/out")
    assert error is not None
    assert error.describe() == (
        f"/out/file: the disk is full. Received: {os.strerror(number)}. Remedy: free space "
        "under /out, then run again: finished nodes are kept."
    )
    assert error.exit_code == 1


def test_what_arrow_and_polars_say_is_known_too() -> None:
    # As Arrow and Polars worded it on a full tmpfs; neither sets `errno`.
    for text in (
        "Error writing bytes to file. Detail: [errno 28] No space left on device",
        "No space left on device (os error 28)",
    ):
        error = as_disk_full(OSError(text))
        assert error is not None
        assert (error.where, error.received) == ("", text)
        assert error.remedy.startswith("free space on the disk that is written to")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EACCES, os.strerror(errno.EACCES), "/out/file"),
        ValueError("28"),
        DataError("a rule.", received="No space left on device"),
    ],
)
def test_other_errors_are_none(error: Exception) -> None:
    assert as_disk_full(error) is None
