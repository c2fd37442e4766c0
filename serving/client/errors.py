"""What can go wrong with a request to a model server."""

from __future__ import annotations

from typing import Final

from schemas.errors import GoalpathError
from serving.wire.status import Code


class ModelServerError(GoalpathError):
    """A request did not end well.

    Args:
      code: of its status.
      message: of the server, or of the connection.
      where: server and model.
    """

    rule = "the model server answers requests."
    remedy = "look at the log of the model server."

    def __init__(self, code: Code, message: str, where: str) -> None:
        super().__init__(
            type(self).rule, where=where, received=f"{code.name}: {message}", remedy=self.remedy
        )
        self.code = code
        self.message = message


class ServerUnavailableError(ModelServerError):
    """The server cannot be reached, or has no room."""

    rule = "the model server can be reached."
    remedy = "see that it runs (`goalpath serve`), and that the address is right."


class DeadlineError(ModelServerError):
    """The answer did not come in time."""

    rule = "an answer comes within the time that was given."
    remedy = "give more time, or send fewer rows at once."


class ModelNotFoundError(ModelServerError):
    """The server has no such model or version."""

    rule = "the server has the model and the version that are asked for."
    remedy = "compare with the versions that the server lists."


class RequestRefusedError(ModelServerError):
    """The request itself is wrong; it would be the next time, too."""

    rule = "a request has the inputs and outputs that the signature has."
    remedy = "compare with the signature in the model's metadata."


_KINDS: Final[dict[Code, type[ModelServerError]]] = {
    Code.UNAVAILABLE: ServerUnavailableError,
    Code.DEADLINE_EXCEEDED: DeadlineError,
    Code.NOT_FOUND: ModelNotFoundError,
    Code.INVALID_ARGUMENT: RequestRefusedError,
    Code.FAILED_PRECONDITION: RequestRefusedError,
    Code.OUT_OF_RANGE: RequestRefusedError,
    Code.UNIMPLEMENTED: RequestRefusedError,
}


def server_error(code: Code, message: str, where: str) -> ModelServerError:
    """The error that fits a status."""
    return _KINDS.get(code, ModelServerError)(code, message, where)
