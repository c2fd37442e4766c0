"""Where KFP's launcher keeps what lies in an object store, while a container runs.

It downloads the inputs there before, uploads the outputs from there after, and tells the
container the addresses in the store (`LocalPathForURI` of KFP's `launcher_v2.go`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

# Scheme -> folder below the root of the file system.
MOUNTS: Final = {"gs": "gcs", "minio": "minio", "s3": "s3"}


def to_path(uri: str, root: Path = Path("/")) -> str:
    """The path in the container of an artifact's URI.

    Args:
      uri: `minio://bucket/key` and the like; a path stays as it is.
      root: of the file system.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator or scheme not in MOUNTS:
        return uri
    return str(root / MOUNTS[scheme] / rest)


def to_uri(path: str, root: Path = Path("/")) -> str:
    """The URI of which `to_path` made `path`; any other path stays as it is."""
    for scheme, folder in MOUNTS.items():
        prefix = f"{root / folder}/"
        if path.startswith(prefix):
            return f"{scheme}://{path[len(prefix) :]}"
    return path
