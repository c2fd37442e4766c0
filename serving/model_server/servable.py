"""A loaded version of a model, and the states that a version goes through."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import Protocol

from google.protobuf.message import Message

from serving.wire.status import Code, invalid_argument
from serving.wire.tensors import Array


class Runner(Protocol):
    """Computes tensors of a graph from others; safe to call from several threads."""

    def run(
        self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout_ms: int | None
    ) -> list[Array]:
        """The tensors named by `fetches`, in their order.

        Args:
          feeds: name of a tensor in the graph -> its value.
          fetches: names of tensors in the graph.
          timeout_ms: after which the computation is given up; None: never.

        Raises:
          StatusError: what TensorFlow answers, word for word.
        """

    def close(self) -> None:
        """Frees what is held; nothing runs any more."""


@dataclasses.dataclass(frozen=True)
class Servable:
    """One version of a model, loaded.

    Attributes:
      name: of the model.
      version: its number.
      signatures: of the SavedModel, by name; `tensorflow.SignatureDef`.
      runner: of its graph.
    """

    name: str
    version: int
    signatures: Mapping[str, Message]
    runner: Runner

    def inference_signature(self, name: str) -> Message:
        """The signature that classifies or regresses under this name.

        Raises:
          StatusError: there is none, in the words of TF Serving's classifier and regressor.
        """
        if name not in self.signatures:
            raise invalid_argument("No signature was found with the name: ", name)
        return self.signatures[name]


@dataclasses.dataclass(frozen=True, order=True)
class ServableId:
    """Name and version of a model."""

    name: str
    version: int

    def __str__(self) -> str:
        """As TF Serving prints it."""
        return f"{{name: {self.name} version: {self.version}}}"


class State(enum.IntEnum):
    """Of a version, with the numbers of `ModelVersionStatus.State`."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclasses.dataclass(frozen=True)
class VersionState:
    """State and health of a version.

    Attributes:
      state: where it stands.
      code: OK, or why it ended.
      message: of that status.
    """

    state: State
    code: Code = Code.OK
    message: str = ""
