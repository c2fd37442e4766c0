"""Checksums of weights: the proof that what is loaded is what was trained."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from schemas.errors import ExportRejectedError

Array = npt.NDArray[np.generic]


class Checksum(TypedDict):
    """One weight; the list of them is in the order of `model_vars`."""

    path: str
    shape: list[int]
    dtype: str
    sha256: str


def checksum(path: str, value: Array) -> Checksum:
    """Checksum of the bytes of a weight, row by row."""
    value = np.ascontiguousarray(value)
    return {
        "path": path,
        "shape": list(value.shape),
        "dtype": str(value.dtype),
        "sha256": hashlib.sha256(value.tobytes()).hexdigest(),
    }


def dump_checksums(checksums: Sequence[Checksum]) -> str:
    """The content of `weights.json`."""
    return json.dumps(list(checksums), indent=1) + "\n"


def load_checksums(text: str) -> list[Checksum]:
    """Reads `weights.json`."""
    loaded: list[Checksum] = json.loads(text)
    return loaded


def require_equal(trained: Sequence[Checksum], loaded: Iterable[Array], *, where: str) -> None:
    """Compares weights with what was trained.

    Args:
      trained: taken from the model in memory.
      loaded: the weights of an export, in the same order.
      where: how the message calls the export.

    Raises:
      ExportRejectedError: there are more or fewer, or one differs.
    """
    values = list(loaded)
    # Not strict: that there are as many of both is part of what is checked.
    found = [checksum(entry["path"], value) for entry, value in zip(trained, values, strict=False)]
    wrong = [old["path"] for old, new in zip(trained, found, strict=False) if old != new]
    if len(values) == len(trained) and not wrong:
        return
    raise ExportRejectedError(
        "every weight of an export must be the trained one, bit for bit.",
        where=where,
        received=(
            f"{len(values)} of {len(trained)} weights, {len(wrong)} of them different"
            + (f": {', '.join(wrong[:5])}" if wrong else "")
        ),
        remedy="do not push it; export again, and report it if it happens again.",
    )
