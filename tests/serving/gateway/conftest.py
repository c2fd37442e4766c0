"""A gateway over a real model server on loopback."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from tests.serving.conftest import Running, run_server

if TYPE_CHECKING:
    from serving.gateway.gateway import Gateway
    from tests.serving.gateway.real_version import RealVersion
    from tests.trained_run import TrainedRun

API = "/api/v1/model"
NOW = dt.datetime(2021, 7, 11, tzinfo=dt.timezone.utc)
"""After AS_OF, 2021-07-10T12:26:40Z."""


@dataclasses.dataclass(frozen=True)
class Asking:
    """A gateway and a client of it."""

    gateway: Gateway
    client: TestClient

    def get(self, path: str, status: int = 200, **query: Any) -> dict[str, Any]:
        response = self.client.get(API + path, params=query)
        assert response.status_code == status, response.text
        return dict(response.json())

    def post(self, path: str, body: object, status: int = 200) -> dict[str, Any]:
        response = self.client.post(API + path, json=body)
        assert response.status_code == status, response.text
        return dict(response.json())


@pytest.fixture(name="real", scope="session")
def _real(trained: TrainedRun, tmp_path_factory: pytest.TempPathFactory) -> RealVersion:
    """A pushed version whose parts are of one set of tables; to be read, not changed."""
    from tests.serving.gateway.real_version import push_real

    return push_real(trained, tmp_path_factory.mktemp("real"))


@pytest.fixture(name="model_server", scope="session")
def _model_server(real: RealVersion) -> Iterator[Running]:
    """Serves the version."""
    name = real.config.serving.model_name
    running = run_server(f"--model_name={name}", f"--model_base_path={real.serving_dir}")
    yield running
    running.server.stop()


def open_asking(out: Path, work: Path, target: str, **settings: object) -> Asking:
    """A gateway over a folder, with what it keeps in `work`; its client is to be closed."""
    from serving.gateway.app import create_app
    from serving.gateway.gateway import open_gateway
    from serving.gateway.settings import read_settings

    defaults: dict[str, object] = {"model_timeout_seconds": 20.0}
    read = read_settings(out=out, work_dir=work, model_server=target, **{**defaults, **settings})
    gateway = dataclasses.replace(open_gateway(read), clock=lambda: NOW)
    client = TestClient(create_app(gateway), raise_server_exceptions=False)
    client.__enter__()
    return Asking(gateway, client)


@pytest.fixture(name="asking")
def _asking(real: RealVersion, model_server: Running, tmp_path: Path) -> Iterator[Asking]:
    """A gateway that has the model."""
    asking = open_asking(real.out, tmp_path, f"127.0.0.1:{model_server.grpc_port}")
    yield asking
    asking.client.__exit__(None, None, None)


@pytest.fixture(name="alone")
def _alone(real: RealVersion, tmp_path: Path) -> Iterator[Asking]:
    """A gateway whose model server is away."""
    asking = open_asking(real.out, tmp_path, "127.0.0.1:1")
    yield asking
    asking.client.__exit__(None, None, None)
