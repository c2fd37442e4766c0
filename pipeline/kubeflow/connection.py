"""A client of the Kubeflow Pipelines API, and its errors in words."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import urllib3

from schemas.errors import GoalpathError, InputError

if TYPE_CHECKING:
    import kfp

HEALTH_PATH: Final = "/apis/v2beta1/healthz"
TOKEN_VARIABLE: Final = "GOALPATH_KUBEFLOW_TOKEN"
_CONNECT_SECONDS: Final = 10.0
_READ_SECONDS: Final = 60.0
_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_SERVER_ERROR: Final = 500


class KubeflowServerError(GoalpathError):
    """The API answered that it could not."""


@dataclasses.dataclass(frozen=True)
class Server:
    """Where the API is and who asks.

    Attributes:
      endpoint: URL without a slash at the end.
      token: a bearer token; None: none is sent.
      namespace: of the user; None where there is one user.
      ca_certificate: file to check the server with; None: the usual ones.
    """

    endpoint: str
    token: str | None = None
    namespace: str | None = None
    ca_certificate: str | None = None


def read_token(token_file: Path | None) -> str | None:
    """The token in a file, else in the environment; None where there is none.

    Raises:
      InputError: the file cannot be read, or is empty.
    """
    if token_file is None:
        return os.environ.get(TOKEN_VARIABLE) or None
    try:
        token = token_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InputError(
            "the token file must be readable.",
            where="--token-file",
            received=f"{token_file}: {error.strerror}",
            remedy="check the path and its permissions.",
        ) from error
    if not token:
        raise InputError(
            "the token file must hold a token.",
            where="--token-file",
            received=f"{token_file} is empty",
            remedy="write a new token into it.",
        )
    return token


def connect(server: Server) -> kfp.Client:
    """A client, after the server has answered.

    KFP's own would ask an address that is wrong for half a minute.

    Raises:
      InputError: there is no such server, it is none of Kubeflow Pipelines, or it does
        not take the token.
      KubeflowServerError: it answers that it cannot.
    """
    _require_healthy(server)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import kfp  # noqa: PLC0415  a second, that other commands need not wait
    with speaking(server):
        return kfp.Client(
            host=server.endpoint,
            existing_token=server.token,
            namespace=server.namespace or "kubeflow",
            ssl_ca_cert=server.ca_certificate,
        )


@contextlib.contextmanager
def speaking(server: Server) -> Iterator[None]:
    """Turns what the client raises into one message; keeps it from printing.

    Raises:
      InputError, KubeflowServerError: as `connect`.
    """
    import kfp_server_api  # noqa: PLC0415  it comes with kfp

    logging.getLogger("urllib3").setLevel(logging.ERROR)
    try:
        with (
            open(os.devnull, "w", encoding="utf-8") as nowhere,
            contextlib.redirect_stdout(nowhere),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    except kfp_server_api.ApiException as error:
        raise refusal(server, int(error.status or 0), str(error.body or error.reason)) from error
    except urllib3.exceptions.HTTPError as error:
        raise _unreachable(server, error) from error


def refusal(server: Server, code: int, body: str) -> GoalpathError:
    """The error that an answer of the server stands for.

    Args:
      server: that answered.
      code: HTTP status.
      body: of the answer.
    """
    received = f"HTTP {code}: {_reason(body)}"
    if code in (_UNAUTHORIZED, _FORBIDDEN):
        return InputError(
            "the server must take the token.",
            where=server.endpoint,
            received=f"{received} ({'a token' if server.token else 'no token'} was sent)",
            remedy=f"get a new token, since they expire, and pass it with --token-file or "
            f"{TOKEN_VARIABLE}; check that it may use namespace {server.namespace or '(none)'}.",
        )
    if code == _NOT_FOUND:
        return InputError(
            "the server must know what was asked for.",
            where=server.endpoint,
            received=received,
            remedy="check the endpoint, with its path, and the names given.",
        )
    if _BAD_REQUEST <= code < _SERVER_ERROR:
        return InputError(
            "the server must accept the request.",
            where=server.endpoint,
            received=received,
            remedy="mend what it says; `goalpath kubeflow compile --check FILE` checks a "
            "pipeline before it is sent.",
        )
    return KubeflowServerError(
        "the Kubeflow Pipelines server must be well.",
        where=server.endpoint,
        received=received,
        remedy="see the log of its ml-pipeline pod, and try again.",
    )


def _require_healthy(server: Server) -> None:
    headers = {"Authorization": f"Bearer {server.token}"} if server.token else {}
    timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
    try:
        with urllib3.PoolManager(ca_certs=server.ca_certificate) as pool:
            answer = pool.request(
                "GET",
                server.endpoint + HEALTH_PATH,
                headers=headers,
                timeout=timeout,
                retries=False,
                redirect=False,
            )
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _unreachable(server, error) from error
    if answer.status >= _BAD_REQUEST:
        raise refusal(server, answer.status, answer.data.decode("utf-8", "replace"))
    if not _is_health(answer.data):
        raise InputError(
            "the endpoint must be the API of Kubeflow Pipelines.",
            where=server.endpoint,
            received=f"HTTP {answer.status} without its health at {HEALTH_PATH}; this may be a "
            "login page",
            remedy="use the address of the ml-pipeline service, or of the gateway with its "
            "path, such as https://HOST/pipeline; pass a token where it asks for a login.",
        )


def _is_health(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data), dict)
    except ValueError:
        return False


def _unreachable(server: Server, error: Exception) -> InputError:
    return InputError(
        "the endpoint must answer.",
        where=server.endpoint,
        received=" ".join(str(error).split())[:300],
        remedy="check --endpoint, and that the server can be reached from here: inside the "
        "cluster, or through `kubectl port-forward svc/ml-pipeline 8888 -n kubeflow`.",
    )


def _reason(body: str) -> str:
    """What a server says is wrong, from the JSON that it answers with."""
    try:
        answer = json.loads(body)
    except ValueError:
        return " ".join(body.split())[:300] or "no reason"
    if isinstance(answer, dict):
        reason = answer.get("error_message") or answer.get("message") or answer.get("error")
        if reason:
            return " ".join(str(reason).split())[:500]
    return " ".join(body.split())[:300]
