"""The configuration by which the model server keeps the versions that are wanted.

The server reads it again and again. The old version stays in it until the new one answers
in the gateway, so that there is no moment without one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from serving.gateway.model_health import ModelHealth
from serving.gateway.served_versions import Served
from serving.version_choice import CANARY, STABLE
from serving.versions import Version


class ModelConfigFile:
    """A `ModelServerConfig` in text form.

    Args:
      path: of the file.
      model_name: of the model.
      base_path: folder of its versions.
      health: labels are only given to versions that the server has.
    """

    def __init__(self, path: Path, model_name: str, base_path: Path, health: ModelHealth) -> None:
        self._path = path
        self._name = model_name
        self._base = base_path
        self._health = health

    def write(self, served: Served | None, wanted: tuple[Version, ...]) -> None:
        """Writes the file where it differs.

        Args:
          served: what answers now.
          wanted: the stable version and the canary.
        """
        numbers = [version.number for version in wanted]
        if served is not None:
            numbers += [each.number for each in (served.stable, served.canary) if each is not None]
        if numbers:
            self._replace(self._text(sorted(set(numbers)), wanted))

    def _text(self, numbers: list[int], wanted: tuple[Version, ...]) -> str:
        listed = " ".join(f"versions: {number}" for number in numbers)
        labels = "".join(
            f" version_labels {{ key: {json.dumps(label)} value: {version.number} }}"
            for label, version in zip((STABLE, CANARY), wanted, strict=False)
            if version.number in self._health.available
        )
        return (
            f"model_config_list {{ config {{ name: {json.dumps(self._name)} "
            f'base_path: {json.dumps(str(self._base))} model_platform: "tensorflow" '
            f"model_version_policy {{ specific {{ {listed} }} }}{labels} }} }}\n"
        )

    def _replace(self, text: str) -> None:
        if self._path.is_file() and self._path.read_text(encoding="utf-8") == text:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, self._path)
