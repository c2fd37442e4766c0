"""One text that changes whenever other code could make other results of the same data."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import Final

# The packages that make what a run caches; `datasets` makes only data folders.
PACKAGES: Final = ("components", "pipeline", "schemas", "serving", "trainer")
LIBRARIES: Final = (
    "keras",
    "tensorflow",
    "tensorflow-data-validation",
    "tensorflow-model-analysis",
    "tensorflow-transform",
    "tfx",
)
INSTALLED: Final = Path(__file__).resolve().parents[1]
_ABSENT: Final = "absent"


def code_identity(
    packages: Sequence[str] = PACKAGES,
    libraries: Sequence[str] = LIBRARIES,
    *,
    root: Path = INSTALLED,
) -> str:
    """SHA-256 over the Python files of packages and the versions of libraries.

    The files count by their paths below `root` and their content, wherever the project
    is installed.

    Args:
      packages: folders below `root`.
      libraries: names of distributions.
      root: where the project is installed.

    Returns:
      64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for library in sorted(libraries):
        digest.update(f"{library}=={_version(library)}\n".encode())
    for path in sorted(path for each in packages for path in (root / each).rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return _ABSENT
