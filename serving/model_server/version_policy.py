"""Which versions of a model are to be served: a folder's names and a policy."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from google.protobuf.message import Message

from serving.wire.status import invalid_argument

_LOG: Final = logging.getLogger(__name__)
_NUMBER: Final = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)
_INT64: Final = range(-(1 << 63), 1 << 63)


@dataclasses.dataclass(frozen=True)
class ModelSource:
    """Where the versions of a model are, and which are wanted.

    Attributes:
      name: of the model.
      base_path: folder whose subfolders are versions.
      policy: `ServableVersionPolicy` of TF Serving's configuration: `latest` (the newest
        `num_versions`, one unless said; also the default), `all` or `specific`.
    """

    name: str
    base_path: Path
    policy: Message


def find_versions(source: ModelSource) -> dict[int, Path]:
    """The versions that the policy wants of those that are there; empty where none is.

    Raises:
      StatusError: the folder is not there.
    """
    try:
        names = sorted(entry.name for entry in source.base_path.iterdir())
    except OSError as error:
        raise invalid_argument(
            f"Could not find base path {source.base_path} for servable {source.name} with "
            f"error NOT_FOUND: {source.base_path} not found"
        ) from error
    found = select_versions(number_folders(names), source)
    if not found:
        _LOG.warning(
            "No versions of servable %s found under base path %s. Did you forget to name your "
            "leaf directory as a number (eg. '/1/')?",
            source.name,
            source.base_path,
        )
    return {version: source.base_path / name for version, name in found.items()}


def number_folders(names: Iterable[str]) -> dict[int, str]:
    """Version -> folder, of the names that are 64-bit integers."""
    numbered = {int(name): name for name in names if _NUMBER.fullmatch(name)}
    return {version: name for version, name in numbered.items() if version in _INT64}


def select_versions(there: Mapping[int, str], source: ModelSource) -> dict[int, str]:
    """The part of `there` that the policy of `source` wants."""
    choice = source.policy.WhichOneof("policy_choice")
    if choice == "all":
        return dict(there)
    if choice == "specific":
        return _specific(there, source)
    wanted = max(source.policy.latest.num_versions, 1)
    return {version: there[version] for version in sorted(there)[-wanted:]}


def _specific(there: Mapping[int, str], source: ModelSource) -> dict[int, str]:
    wanted = sorted(set(source.policy.specific.versions))
    for version in wanted:
        if version not in there:
            _LOG.warning(
                "Version %d of servable %s, which was requested to be served as a 'specific' "
                "version in the servable's version policy, was not found in the file system",
                version,
                source.name,
            )
    return {version: there[version] for version in wanted if version in there}
