"""What a client of a model server can do, and what it is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy.typing as npt

from serving.client.errors import ModelServerError, server_error
from serving.client.retry import RetryPolicy
from serving.wire.status import Code
from serving.wire.tensors import Array

DEFAULT_SIGNATURE: Final = "serving_default"
AVAILABLE: Final = 30
"""ModelVersionStatus.State of a version that answers."""

Inputs = Mapping[str, npt.ArrayLike]


@dataclasses.dataclass(frozen=True)
class ClientOptions:
    """Where a model is, and how long it may take.

    Attributes:
      target: `host:port`, or `unix:PATH` for gRPC.
      model: its name.
      timeout_seconds: for a whole request with its retries, unless the call says another.
      retry: what is tried again; requests that only read, and only where the server
        could not be reached or said that it is not available.
    """

    target: str
    model: str
    timeout_seconds: float = 5.0
    retry: RetryPolicy = dataclasses.field(default_factory=RetryPolicy)

    def limit(self, timeout_seconds: float | None) -> float:
        """The seconds that a call has: its own, or those of the options."""
        return self.timeout_seconds if timeout_seconds is None else timeout_seconds

    def error(self, code: Code, message: str) -> ModelServerError:
        """The error that fits a status of this model."""
        return server_error(code, message, f"model {self.model} at {self.target}")


@dataclasses.dataclass(frozen=True)
class WhichVersion:
    """A version of the model: by number, by label, or the newest where both are None."""

    number: int | None = None
    label: str | None = None


NEWEST: Final = WhichVersion()


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a signature gave.

    Attributes:
      outputs: array by alias; strings are bytes, in arrays of dtype object.
      version: that answered; None where the server does not say, as over REST without a
        number in the request.
    """

    outputs: Mapping[str, Array]
    version: int | None


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """The status of a version.

    Attributes:
      version: its number.
      state: `ModelVersionStatus.State`, such as `AVAILABLE`.
      message: why it ended, if it did by a fault.
    """

    version: int
    state: int
    message: str

    @property
    def available(self) -> bool:
        """Whether it answers requests."""
        return self.state == AVAILABLE


class ModelClient(Protocol):
    """A model on a server. Safe to use from several threads."""

    def predict(
        self,
        inputs: Inputs,
        *,
        signature: str = DEFAULT_SIGNATURE,
        outputs: Sequence[str] = (),
        version: WhichVersion = NEWEST,
        timeout_seconds: float | None = None,
    ) -> Prediction:
        """Runs a signature.

        Args:
          inputs: array by alias, with the dtypes of the signature.
          signature: its name.
          outputs: the aliases wanted; none: all.
          version: that is to answer.
          timeout_seconds: other than that of the options.

        Raises:
          ModelServerError: of a kind that says what can be done.
        """

    def versions(self, *, timeout_seconds: float | None = None) -> tuple[VersionStatus, ...]:
        """Every version that the server knows of, by number.

        Raises:
          ModelServerError: of a kind that says what can be done.
        """

    def close(self) -> None:
        """Closes connections."""
