"""What a REST request asks for, by its method and path."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from google.protobuf.message import Message

from serving.wire.status import StatusError, invalid_argument

API_PATH: Final = re.compile(r"/v1/.*", re.IGNORECASE | re.DOTALL)
METADATA: Final = "metadata"

_VERSION: Final = r"(?:(?:/versions/(?P<version>[0-9]+))|(?:/labels/(?P<label>[^/:]+)))?"
_INFER: Final = re.compile(
    rf"/v1/models/(?P<model>[^/:]+){_VERSION}:(?P<verb>classify|regress|predict)", re.IGNORECASE
)
_ASK: Final = re.compile(
    rf"/v1/models(?:/(?P<model>[^/:]+))?{_VERSION}(?:/(?P<verb>{METADATA}))?", re.IGNORECASE
)
_INT64_MAX: Final = (1 << 63) - 1


class BadVersionError(StatusError):
    """A version beyond 64 bits: TF Serving answers 400 with an empty body then."""


class Target(NamedTuple):
    """What is asked for.

    Attributes:
      model: its name; "" where none is in the path.
      version: its number; None: none was named.
      label: of a version; None: none was named.
      verb: `predict`, `classify`, `regress`, `metadata`, or "" for the status.
    """

    model: str
    version: int | None
    label: str | None
    verb: str

    def fill(self, model_spec: Message) -> None:
        """Writes model, version and label into a `ModelSpec`."""
        model_spec.name = self.model
        if self.version is not None:
            model_spec.version.value = self.version
        if self.label is not None:
            model_spec.version_label = self.label


def parse_target(method: str, path: str) -> Target:
    """The target of a request.

    Args:
      method: of HTTP.
      path: as it was sent, without the query.

    Raises:
      StatusError: the path has another form, or the method is another.
    """
    pattern = {"POST": _INFER, "GET": _ASK}.get(method)
    match = pattern.fullmatch(path) if pattern else None
    if match is None:
        raise invalid_argument(f"Malformed request: {method} {path}")
    version, label = match["version"], match["label"]
    if version is not None and int(version) > _INT64_MAX:
        raise BadVersionError(
            invalid_argument().code, f"Failed to convert version: {version} to numeric."
        )
    return Target(
        unquote(match["model"] or ""),
        None if version is None else int(version),
        None if label is None else unquote(label),
        match["verb"] or "",
    )
