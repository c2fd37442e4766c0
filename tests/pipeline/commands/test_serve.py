"""`goalpath serve`: which server runs, with what, and what it says where it cannot."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from pipeline.commands import serve
from pipeline.server_process import ServerProcess
from serving.client.grpc_client import GrpcModelClient
from serving.client.model_client import ClientOptions
from serving.client.retry import RetryPolicy
from serving.gateway.settings import GatewaySettings
from serving.model_server.flags import ServerOptions
from serving.versions import manifest_path, serving_dir, states_path
from tests.pipeline.commands.pushed_commands import ask
from tests.pushed_run import NUMBER, PushedRun
from tests.serving.conftest import free_port

Capsys = pytest.CaptureFixture[str]


def write_version(out: Path, number: int) -> Path:
    """What `goalpath serve` looks at before it starts a server."""
    folder = serving_dir(out, "m") / str(number)
    manifest_path(folder).parent.mkdir(parents=True)
    manifest_path(folder).write_text(json.dumps({"version": number}))
    states_path(out, number).parent.mkdir(parents=True)
    states_path(out, number).touch()
    return folder


def test_nothing_pushed_is_said(tmp_path: Path, capsys: Capsys) -> None:
    answer = ask(capsys, "serve", "--out", tmp_path)
    assert answer.code == 2
    assert "a folder of `goalpath run` has one served model" in answer.err
    (tmp_path / "serving" / "m").mkdir(parents=True)
    answer = ask(capsys, "serve", "--out", tmp_path)
    assert answer.code == 2
    assert "a model must have been pushed before it can answer" in answer.err


def test_tf_serving_is_taken_first(
    tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_version(tmp_path / "out", 3)
    program = tmp_path / "bin" / serve.TF_SERVING
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    ran: list[object] = []

    def execute(path: str, arguments: list[str]) -> None:
        ran.append((path, arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "execv", execute)
    ports = ("--grpc-port", 7, "--rest-port", 8)
    ask(capsys, "serve", "--out", tmp_path / "out", *ports, "--no-gateway")
    base = tmp_path / "out" / "serving" / "m"
    assert ran == [
        (
            str(program),
            [serve.TF_SERVING, "--port=7", "--rest_api_port=8", "--model_name=m",
             f"--model_base_path={base}"],
        )
    ]  # fmt: skip


def test_the_local_server_else(
    tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_version(tmp_path, 3)
    monkeypatch.setenv("PATH", str(tmp_path))
    ran: list[ServerOptions] = []
    monkeypatch.setattr(serve, "run_server", ran.append)
    answer = ask(capsys, "serve", "--out", tmp_path, "--host", "127.0.0.2", "--no-gateway")
    assert answer.code == 0
    assert "Serving m, version 3, over gRPC at port 8500 and REST at port 8501" in answer.out
    (options,) = ran
    assert (options.port, options.rest_api_port, options.bind_address) == (8500, 8501, "127.0.0.2")
    assert options.model_base_path == str(tmp_path / "serving" / "m")


@pytest.mark.parametrize("installed", [True, False])
def test_the_gateway_runs_beside_whichever_server_is_there(
    tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    write_version(tmp_path / "out", 3)
    program = tmp_path / "bin" / serve.TF_SERVING
    program.parent.mkdir()
    if installed:
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    ran: list[tuple[list[str], GatewaySettings]] = []
    monkeypatch.setattr(serve, "serve_both", lambda *both: ran.append(both))
    ask(capsys, "serve", "--out", tmp_path / "out", "--port", 9, "--grpc-port", 7)
    [(line, settings)] = ran
    config = (tmp_path / "out" / "gateway" / "models.config").absolute()
    expected = [str(program)] if installed else [sys.executable, "-m", "serving.model_server"]
    assert line[: len(expected)] == expected
    assert f"--model_config_file={config}" in line
    assert "--port=7" in line
    assert (settings.model_server, settings.model_config_file) == ("127.0.0.1:7", config)
    assert (settings.host, settings.port) == ("127.0.0.1", 9)


def test_it_is_open_to_the_world_only_with_keys(tmp_path: Path, capsys: Capsys) -> None:
    write_version(tmp_path, 3)
    answer = ask(capsys, "serve", "--out", tmp_path, "--host", "0.0.0.0")
    assert answer.code == 2
    assert "GOALPATH_API_KEYS" in answer.err


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_both_run_and_both_end(pushed: PushedRun, tmp_path: Path, ending: signal.Signals) -> None:
    """However the gateway ends, the model server does not stay behind."""
    out = tmp_path / "out"
    shutil.copytree(pushed.out, out)
    ports = [free_port() for _ in range(3)]
    options = zip(("--port", "--grpc-port", "--rest-port"), map(str, ports), strict=True)
    command = [sys.executable, "-m", "pipeline.cli", "serve", "--out", str(out)]
    command += [part for option in options for part in option]
    log = (tmp_path / "log").open("w+")
    with subprocess.Popen(command, stderr=log, stdout=log) as process:
        base = f"http://127.0.0.1:{ports[0]}/api/v1/model"
        health = until_told(f"{base}/health", "model_server")
        assert health["model_version"] == NUMBER
        with urllib.request.urlopen(f"{base}/predict/risk?student_id=s00003") as response:
            assert json.load(response)["prediction_method"] == "full_model"
        process.send_signal(ending)
        assert process.wait(60) == (-ending if ending is signal.SIGKILL else 0)
    ends = time.monotonic() + 60
    while listens(ports[1]):
        assert time.monotonic() < ends, "the model server stayed"
        time.sleep(0.1)


@pytest.mark.slow
def test_a_model_server_that_dies_is_started_again(tmp_path: Path) -> None:
    process = ServerProcess([sys.executable, "-c", "import time; time.sleep(600)"])
    first = process.pid
    os.kill(first, signal.SIGKILL)
    ends = time.monotonic() + 60
    while process.pid == first:
        assert time.monotonic() < ends, "it was not started again"
        time.sleep(0.05)
    second = process.pid
    process.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


def until_told(url: str, key: str) -> dict[str, object]:
    ends = time.monotonic() + 180
    while time.monotonic() < ends:
        with contextlib.suppress(OSError), urllib.request.urlopen(url) as response:
            answer: dict[str, object] = json.load(response)
            if answer[key]:
                return answer
        time.sleep(0.2)
    raise AssertionError(f"{url} never said {key}")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
def test_it_serves(tmp_path: Path) -> None:
    import numpy as np

    from tests.serving.model_server.saved_models import write_half_plus

    write_half_plus(tmp_path / "made")
    shutil.copytree(tmp_path / "made", write_version(tmp_path / "out", 3), dirs_exist_ok=True)
    port = free_port()
    arguments = ["serve", "--out", str(tmp_path / "out"), "--grpc-port", str(port)]
    arguments += ["--rest-port", str(free_port()), "--no-gateway"]
    command = [sys.executable, "-m", "pipeline.cli", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        patient = RetryPolicy(attempts=1000, first_wait_seconds=0.2)
        client = GrpcModelClient(ClientOptions(f"127.0.0.1:{port}", "m", 60.0, patient))
        assert client.predict({"x": np.float32([2])}).version == 3
        client.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
