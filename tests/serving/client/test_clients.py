"""Both clients on one server, and on none."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable

import numpy as np
import pytest

from serving.client.errors import (
    DeadlineError,
    ModelNotFoundError,
    ModelServerError,
    RequestRefusedError,
    ServerUnavailableError,
)
from serving.client.grpc_client import GrpcModelClient
from serving.client.model_client import ClientOptions, ModelClient, WhichVersion
from serving.client.rest_client import RestModelClient
from serving.client.retry import RetryPolicy
from serving.wire.status import Code
from tests.serving.conftest import Running, free_port

Make = Callable[[str], ModelClient]
ONCE = RetryPolicy(attempts=1)
X = np.array([1.0, 2.0], np.float32)


@pytest.fixture(name="client_of", params=["grpc", "rest"])
def _client_of(request: pytest.FixtureRequest, served: Running) -> Make:
    def make(model: str) -> ModelClient:
        if request.param == "grpc":
            return GrpcModelClient(ClientOptions(f"127.0.0.1:{served.grpc_port}", model, 30.0))
        return RestModelClient(ClientOptions(f"127.0.0.1:{served.rest_port}", model, 30.0))

    return make


@pytest.mark.slow
def test_numbers(client_of: Make) -> None:
    client = client_of("half")
    y = client.predict({"x": X}).outputs["y"]
    assert (y.dtype, y.tolist()) == (np.float32, [3.5, 4.0])
    old = client.predict({"x": X}, version=WhichVersion(number=1))
    assert (old.version, old.outputs["y"].tolist()) == (1, [2.5, 3.0])
    labelled = client.predict({"x": X}, version=WhichVersion(label="old"))
    assert labelled.outputs["y"].tolist() == [2.5, 3.0]


@pytest.mark.slow
def test_strings_and_several_outputs(client_of: Make) -> None:
    inputs = {"text": [b"a\x00", b"\xff"], "times": np.array([2, 3])}
    outputs = client_of("texts").predict(inputs).outputs
    assert {alias: value.tolist() for alias, value in outputs.items()} == {
        "loud": [b"a\x00!", b"\xff!"],
        "raw_bytes": [b"a\x00?", b"\xff?"],
        "long": [False, True],
        "thrice": [[2, 3, 4], [3, 4, 5]],
    }
    assert outputs["thrice"].dtype == np.int64
    few = client_of("texts").predict(inputs, outputs=["thrice", "long"]).outputs
    assert list(few) == ["thrice", "long"] or sorted(few) == ["long", "thrice"]


@pytest.mark.slow
def test_no_rows(client_of: Make) -> None:
    inputs = {"text": np.empty(0, object), "times": np.empty(0, np.int64)}
    outputs = client_of("texts").predict(inputs).outputs
    assert outputs["loud"].shape == (0,)
    assert outputs["thrice"].ndim == 2
    assert not len(outputs["thrice"])


@pytest.mark.slow
def test_versions(client_of: Make) -> None:
    found = client_of("half").versions()
    assert [(status.version, status.available) for status in found] == [(1, True), (2, True)]


@pytest.mark.slow
def test_what_goes_wrong(client_of: Make) -> None:
    with pytest.raises(ModelNotFoundError):
        client_of("nope").versions()
    with pytest.raises(ModelNotFoundError):
        client_of("half").predict({"x": X}, version=WhichVersion(number=9))
    with pytest.raises(RequestRefusedError, match="Unrecognized servable version label"):
        client_of("half").predict({"x": X}, version=WhichVersion(label="new"))
    with pytest.raises(RequestRefusedError):
        client_of("half").predict({"x": ["a"]})
    with pytest.raises(RequestRefusedError, match="output tensor alias not found in signature: q"):
        client_of("half").predict({"x": X}, outputs=["q"])
    with pytest.raises(RequestRefusedError, match="input x: a string tensor holds bytes or text"):
        client_of("half").predict({"x": np.array([{}], object)})
    with pytest.raises(ModelServerError) as caught:
        client_of("half").predict({"x": X}, signature="no_method")
    assert caught.value.code is Code.INTERNAL


@pytest.mark.parametrize("kind", [GrpcModelClient, RestModelClient])
def test_no_server(kind: Callable[[ClientOptions], ModelClient]) -> None:
    client = kind(ClientOptions(f"127.0.0.1:{free_port()}", "m", 20.0, ONCE))
    with pytest.raises(ServerUnavailableError, match="model m at "):
        client.predict({"x": X})
    client.close()


class _Server:
    """Answers each request as the list says: a status and a body."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.paths: list[str] = []
        left = list(answers)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def _answer(self) -> None:
                outer.paths.append(self.path)
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, body = left.pop(0)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _answer  # noqa: N815  names of the base class

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


STATUS = (
    b'{"model_version_status": [{"version": "4", "state": "END", '
    b'"status": {"error_code": "UNKNOWN", "error_message": "why"}}]}'
)


def test_rest_tries_again_what_is_not_available() -> None:
    server = _Server((503, b'{"error": "busy"}'), (200, STATUS))
    policy = RetryPolicy(first_wait_seconds=0.001)
    client = RestModelClient(ClientOptions(server.target, "a b", 20.0, policy))
    (status,) = client.versions()
    assert (status.version, status.available, status.message) == (4, False, "why")
    assert server.paths == ["/v1/models/a%20b"] * 2
    client.close()
    server.close()


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (504, b'{"error": "late"}', Code.DEADLINE_EXCEEDED),
        (500, b"<html>", Code.INTERNAL),
        (429, b'{"error": "many"}', Code.RESOURCE_EXHAUSTED),
        (200, b"no JSON", Code.DATA_LOSS),
        (200, b"[]", Code.DATA_LOSS),
        (418, b'{"error": "tea"}', Code.UNKNOWN),
    ],
)
def test_rest_statuses(status: int, body: bytes, code: Code) -> None:
    server = _Server((status, body))
    client = RestModelClient(ClientOptions(server.target, "m", 20.0, ONCE))
    with pytest.raises(ModelServerError) as caught:
        client.versions()
    assert caught.value.code is code
    client.close()
    server.close()


def test_a_server_that_never_answers() -> None:
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        for kind in (GrpcModelClient, RestModelClient):
            client = kind(ClientOptions(target, "m", 0.3, ONCE))
            with pytest.raises((DeadlineError, ServerUnavailableError)):
                client.versions()
            client.close()
