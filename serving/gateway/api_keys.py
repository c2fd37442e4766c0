"""Who is asking: API keys, compared in a time that does not depend on them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import pydantic


class ApiKeys:
    """The keys that are let in.

    Args:
      keys: name of a client -> its key.
    """

    def __init__(self, keys: Mapping[str, pydantic.SecretStr]) -> None:
        self._digests = {
            name: _digest(key.get_secret_value().encode()) for name, key in keys.items()
        }

    def __bool__(self) -> bool:
        return bool(self._digests)

    def client(self, key: bytes) -> str | None:
        """The name of the client with a key; None for nobody's.

        Digests have one length, and all are compared.
        """
        digest, found = _digest(key), None
        for name, known in self._digests.items():
            if hmac.compare_digest(known, digest):
                found = name
        return found


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
