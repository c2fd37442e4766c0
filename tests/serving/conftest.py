"""One model server for all tests that ask one, in this process."""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from serving.model_server.server import ModelServer


@dataclasses.dataclass(frozen=True)
class Running:
    """A server, and the ports that it listens at."""

    server: ModelServer
    grpc_port: int
    rest_port: int


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_server(*flags: str) -> Running:
    """Starts a server on free ports of the loopback; to be stopped."""
    from serving.model_server.flags import parse_flags
    from serving.model_server.server import ModelServer

    grpc_port, rest_port = free_port(), free_port()
    options = parse_flags([f"--port={grpc_port}", f"--rest_api_port={rest_port}", *flags])
    server = ModelServer(options)
    server.start()
    return Running(server, grpc_port, rest_port)


@pytest.fixture(name="served", scope="session")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Serves `half` (versions 1: + 2, and 2: + 3; label `old` for 1) and `texts` (7)."""
    from tests.serving.model_server.saved_models import write_half_plus, write_texts

    base = tmp_path_factory.mktemp("served")
    write_half_plus(base / "half" / "1")
    write_half_plus(base / "half" / "2", 3.0)
    write_texts(base / "texts" / "7")
    running = run_server(
        f"--model_config_file={write_config(base)}",
        f"--monitoring_config_file={_monitoring(base)}",
        "--allow_version_labels_for_unavailable_models",
    )
    until_available(running, "half", 1)
    yield running
    running.server.stop()


def until_available(running: Running, model: str, version: int) -> None:
    """Returns when the version answers."""
    from serving.client.grpc_client import GrpcModelClient
    from serving.client.model_client import ClientOptions

    client = GrpcModelClient(ClientOptions(f"127.0.0.1:{running.grpc_port}", model))
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        if any(v.version == version and v.available for v in client.versions()):
            client.close()
            return
        time.sleep(0.02)
    raise AssertionError(f"{model} {version} did not become available")


def write_config(base: Path) -> Path:
    """The configuration of `served`."""
    path = base / "models.config"
    path.write_text(
        f"""model_config_list {{
          config {{ name: "half" base_path: "{base / "half"}" model_platform: "tensorflow"
                   model_version_policy {{ all {{}} }}
                   version_labels {{ key: "old" value: 1 }} }}
          config {{ name: "texts" base_path: "{base / "texts"}" model_platform: "tensorflow" }}
        }}"""
    )
    return path


def _monitoring(base: Path) -> Path:
    path = base / "monitoring.config"
    path.write_text("prometheus_config { enable: true }")
    return path
