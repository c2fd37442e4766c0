"""`goalpath serve`: which server runs, with what, and what it says where it cannot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.commands import serve
from serving.client.grpc_client import GrpcModelClient
from serving.client.model_client import ClientOptions
from serving.client.retry import RetryPolicy
from serving.model_server.flags import ServerOptions
from serving.versions import manifest_path, serving_dir, states_path
from tests.pipeline.commands.pushed_commands import ask
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
    ask(capsys, "serve", "--out", tmp_path / "out", "--grpc-port", 7, "--rest-port", 8)
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
    answer = ask(capsys, "serve", "--out", tmp_path, "--host", "127.0.0.2")
    assert answer.code == 0
    assert "Serving m, version 3, over gRPC at port 8500 and REST at port 8501" in answer.out
    (options,) = ran
    assert (options.port, options.rest_api_port, options.bind_address) == (8500, 8501, "127.0.0.2")
    assert options.model_base_path == str(tmp_path / "serving" / "m")


@pytest.mark.slow
def test_it_serves(tmp_path: Path) -> None:
    import shutil

    import numpy as np

    from tests.serving.model_server.saved_models import write_half_plus

    write_half_plus(tmp_path / "made")
    shutil.copytree(tmp_path / "made", write_version(tmp_path / "out", 3), dirs_exist_ok=True)
    port = free_port()
    arguments = ["serve", "--out", str(tmp_path / "out"), "--grpc-port", str(port)]
    command = [sys.executable, "-m", "pipeline.cli", *arguments, "--rest-port", str(free_port())]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        patient = RetryPolicy(attempts=1000, first_wait_seconds=0.2)
        client = GrpcModelClient(ClientOptions(f"127.0.0.1:{port}", "m", 60.0, patient))
        assert client.predict({"x": np.float32([2])}).version == 3
        client.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
