"""Are the weights that load the weights that were trained?"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from components.model_validator.report import CheckResult, from_problems

_REMEDY: Final = (
    "the export lost or changed weights: build every layer before saving, and export the "
    "trained object itself."
)

Array = npt.NDArray[np.generic]


@dataclasses.dataclass(frozen=True)
class WeightRecord:
    """What `weights.json` says of one variable, taken from memory after training."""

    path: str
    shape: tuple[int, ...]
    dtype: str
    sha256: str


def record(path: str, value: Array) -> WeightRecord:
    """The record of a variable's value."""
    content = np.ascontiguousarray(value)
    digest = hashlib.sha256(content.tobytes()).hexdigest()
    return WeightRecord(path, tuple(value.shape), str(value.dtype), digest)


def read_records(path: Path) -> list[WeightRecord]:
    """Reads `weights.json`.

    Raises:
      OSError: it cannot be read.
      ValueError: it is no list of records, or an empty one.
    """
    entries = json.loads(path.read_text(encoding="utf-8"))
    if not entries:
        raise ValueError(f"{path.name} names no variable")
    return [WeightRecord(e["path"], tuple(e["shape"]), e["dtype"], e["sha256"]) for e in entries]


def check_in_order(
    name: str, trained: Sequence[WeightRecord], loaded: Sequence[Array]
) -> CheckResult:
    """Every variable, in the order of training, bit for bit.

    Args:
      name: of the check.
      trained: the records of `weights.json`.
      loaded: values of the variables found in the export, in the same order.
    """
    if len(trained) != len(loaded):
        problem = f"trained {len(trained)} variables, found {len(loaded)}"
        return from_problems(name, [problem], "", remedy=_REMEDY)
    found = [record(entry.path, value) for entry, value in zip(trained, loaded, strict=True)]
    return _compare(name, dict.fromkeys(trained), dict(zip(trained, found, strict=True)))


def check_by_path(
    name: str, trained: Sequence[WeightRecord], loaded: Mapping[str, Array]
) -> CheckResult:
    """Every variable, by its path, bit for bit, and none besides."""
    by_path = {entry.path: entry for entry in trained}
    missing = [
        f"{path}: was trained, and is not there" for path in sorted(set(by_path) - set(loaded))
    ]
    extra = [
        f"{path}: is there, and was not trained" for path in sorted(set(loaded) - set(by_path))
    ]
    if missing or extra:
        return from_problems(name, missing + extra, "", remedy=_REMEDY)
    found = {entry: record(entry.path, loaded[entry.path]) for entry in trained}
    return _compare(name, dict.fromkeys(trained), found)


def check_as_set(
    name: str, trained: Sequence[WeightRecord], stored: Mapping[str, Array]
) -> CheckResult:
    """The stored values are the trained ones, whatever their names there."""
    found = {key: record(key, value) for key, value in stored.items()}
    digests = {_content(entry) for entry in found.values()}
    wanted = {_content(entry) for entry in trained}
    problems = [
        f"{entry.path} {list(entry.shape)}: no stored variable has its values"
        for entry in trained
        if _content(entry) not in digests
    ]
    problems += [
        f"{key}: is stored, and holds no trained values"
        for key, entry in found.items()
        if _content(entry) not in wanted
    ]
    fine = f"the checkpoint holds all {len(trained)} trained variables, bit for bit, and no other"
    return from_problems(name, problems, fine, remedy=_REMEDY)


def _content(entry: WeightRecord) -> tuple[tuple[int, ...], str, str]:
    return entry.shape, entry.dtype, entry.sha256


def check_finite(name: str, loaded: Mapping[str, Array]) -> CheckResult:
    """No weight is NaN or infinite."""
    problems = [
        f"{path}: {int(np.size(value) - np.isfinite(value).sum())} of {np.size(value)} values "
        "are NaN or infinite"
        for path, value in loaded.items()
        if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all()
    ]
    fine = f"all values of {len(loaded)} variables are finite"
    return from_problems(name, problems, fine, remedy="look at the training's losses.")


def _compare(
    name: str,
    trained: Mapping[WeightRecord, None],
    found: Mapping[WeightRecord, WeightRecord],
) -> CheckResult:
    problems = []
    for entry in trained:
        other = found[entry]
        if other.shape != entry.shape or other.dtype != entry.dtype:
            problems.append(
                f"{entry.path}: trained as {entry.dtype}{list(entry.shape)}, found "
                f"{other.dtype}{list(other.shape)}"
            )
        elif other.sha256 != entry.sha256:
            problems.append(f"{entry.path}: its values are not the trained ones")
    fine = f"all {len(trained)} variables are the trained ones, bit for bit"
    return from_problems(name, problems, fine, remedy=_REMEDY, values={"trained": len(trained)})
