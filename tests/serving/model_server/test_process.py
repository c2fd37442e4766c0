"""The server as a process: it says what is wrong, and ends when it is told to."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from serving.client.grpc_client import GrpcModelClient
from serving.client.model_client import ClientOptions
from serving.client.retry import RetryPolicy
from tests.serving.conftest import free_port

COMMAND = (sys.executable, "-m", "serving.model_server")


def test_wrong_flags_end_at_once() -> None:
    ran = subprocess.run([*COMMAND, "--unknown"], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "unrecognized arguments: --unknown" in ran.stderr


@pytest.mark.slow
def test_a_signal_ends_it_in_order(tmp_path: Path) -> None:
    from tests.serving.model_server.saved_models import write_half_plus

    write_half_plus(tmp_path / "m" / "1")
    port = free_port()
    flags = [f"--port={port}", "--model_name=m", f"--model_base_path={tmp_path / 'm'}"]
    patient = RetryPolicy(attempts=1000, first_wait_seconds=0.2)
    with subprocess.Popen([*COMMAND, *flags], stderr=subprocess.PIPE, text=True) as process:
        client = GrpcModelClient(ClientOptions(f"127.0.0.1:{port}", "m", 60.0, patient))
        assert client.predict({"x": np.float32([2])}).outputs["y"].tolist() == [3.0]
        client.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.slow
def test_no_model_ends_it(tmp_path: Path) -> None:
    (tmp_path / "m" / "1").mkdir(parents=True)
    flags = [f"--port={free_port()}", "--model_name=m", f"--model_base_path={tmp_path / 'm'}"]
    began = time.monotonic()
    ran = subprocess.run(
        [*COMMAND, *flags, "--max_num_load_retries=0"], capture_output=True, text=True, check=False
    )
    assert time.monotonic() - began < 120
    assert ran.returncode == 1
    assert "1 servable(s) did not become available: {{{name: m version: 1}" in ran.stderr
