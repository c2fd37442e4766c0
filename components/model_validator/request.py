"""What the validator is asked: which bundle, with which bounds."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Bounds:
    """Limits a version has to keep.

    Attributes:
      load_seconds: to load the SavedModel in a process that has TensorFlow imported.
      megabytes: of all its files.
    """

    load_seconds: float = 60.0
    megabytes: float = 2048.0


@dataclasses.dataclass(frozen=True)
class Request:
    """Told to the process that inspects.

    Attributes:
      model_dir: the copy of the bundle to look at.
      trained_files: file of the trainer -> SHA-256: the bundle must hold the same.
      forbidden: folders of the run that must not be needed.
      bounds: limits to keep.
      report: where to write what was found.
    """

    model_dir: str
    trained_files: dict[str, str]
    forbidden: tuple[str, ...]
    bounds: Bounds
    report: str

    def write(self, path: Path) -> None:
        """Writes the request as JSON."""
        path.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Request:
        """Reads what `write` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            **{
                **content,
                "forbidden": tuple(content["forbidden"]),
                "bounds": Bounds(**content["bounds"]),
            }
        )
