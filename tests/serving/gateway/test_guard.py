"""Keys, rates and sizes; and that no log names a student."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pydantic
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from schemas.errors import ConfigError
from serving.gateway.api_keys import ApiKeys
from serving.gateway.gateway_metrics import GatewayMetrics
from serving.gateway.guard import Guard
from serving.gateway.problems import MEDIA_TYPE, add_handlers
from serving.gateway.rate_limit import RateLimit
from serving.gateway.settings import read_settings

KEYS = {"crm": pydantic.SecretStr("k" * 20), "portal": pydantic.SecretStr("p" * 20)}


def guarded(
    keys: dict[str, pydantic.SecretStr] | None = None,
    rate: RateLimit | None = None,
    body_bytes: int = 1000,
) -> TestClient:
    app = FastAPI()

    @app.get("/students/{student_id}")
    def read(student_id: str) -> str:
        if student_id == "fault":
            raise ValueError("about student-17")
        return student_id

    @app.post("/bytes")
    async def count(request: Request) -> int:
        return len(await request.body())

    @app.post("/json")
    def take(body: dict[str, Any]) -> int:
        return len(body)

    @app.get("/health")
    def health() -> str:
        return "up"

    add_handlers(app)
    app.add_middleware(
        Guard,
        keys=ApiKeys(keys or {}),
        rate=rate or RateLimit(0, 1),
        body_bytes=body_bytes,
        metrics=GatewayMetrics(),
    )
    return TestClient(app)  # which raises what would get to the server


@pytest.mark.parametrize(
    "headers",
    [{"X-API-Key": "k" * 20}, {"Authorization": "Bearer " + "p" * 20}],
)
def test_a_known_key_is_let_in(headers: dict[str, str]) -> None:
    assert guarded(KEYS).get("/students/s1", headers=headers).json() == "s1"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "k" * 19},
        {"X-API-Key": "k" * 21},
        {"Authorization": "Basic " + "p" * 20},
        {"X-API-Key": "k" * 20 + " p"},
        {"X-API-Key": "wrong", "Authorization": "Bearer " + "p" * 20},
    ],
)
def test_another_is_not(headers: dict[str, str]) -> None:
    client = guarded(KEYS)
    response = client.get("/students/s1", headers=headers)
    assert response.status_code == 401
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.headers["www-authenticate"] == "Bearer"
    assert client.get("/health").status_code == 200


def test_who_asks_too_often_is_told_when_to_ask_again() -> None:
    seconds = [0.0]
    client = guarded(KEYS, RateLimit(60, 2, clock=lambda: seconds[0]))
    crm, portal = {"X-API-Key": "k" * 20}, {"X-API-Key": "p" * 20}
    assert [client.get("/students/s", headers=crm).status_code for _ in range(3)] == [200, 200, 429]
    refused = client.get("/students/s", headers=crm)
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["title"] == "Too many requests"
    assert client.get("/students/s", headers=portal).status_code == 200
    seconds[0] = 1.0  # one token has come back
    assert [client.get("/students/s", headers=crm).status_code for _ in range(2)] == [200, 429]


def test_a_bucket_is_never_fuller_than_its_burst() -> None:
    seconds = [0.0]
    rate = RateLimit(30, 3, clock=lambda: seconds[0])
    seconds[0] = 1e6
    assert [rate.wait("c") for _ in range(4)] == [0, 0, 0, 2]  # 30 a minute: one in 2 s
    assert RateLimit(0, 1).wait("c") == 0


def test_a_body_that_is_too_large_is_refused_with_a_length_or_without() -> None:
    client = guarded(body_bytes=100)
    assert client.post("/bytes", content=b"x" * 100).json() == 100
    assert client.post("/bytes", content=b"x" * 101).status_code == 413

    def pieces() -> Any:
        yield b"x" * 60
        yield b"x" * 60

    for path in ("/bytes", "/json"):
        response = client.post(path, content=pieces(), headers={"content-type": "application/json"})
        assert response.status_code == 413
        assert response.headers["content-type"] == MEDIA_TYPE


def test_logs_name_routes_and_no_students(caplog: pytest.LogCaptureFixture) -> None:
    client = guarded()
    with caplog.at_level(logging.DEBUG):
        client.get("/students/student-17?x=student-17")
        client.get("/students/fault?x=student-17")
        client.get("/nowhere/student-17")
    text = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("goalpath"))
    assert "/students/{student_id} 200" in text
    assert "unmatched 404" in text
    assert "ValueError at" in text
    assert "student-17" not in text
    assert all(r.exc_info is None for r in caplog.records if r.name.startswith("goalpath"))


def test_a_fault_that_nobody_foresaw_is_a_problem_too() -> None:
    response = guarded().get("/students/fault")
    assert response.status_code == 500
    assert response.headers["content-type"] == MEDIA_TYPE
    assert "student-17" not in response.text


def test_it_listens_to_the_world_only_with_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_settings(out=tmp_path).host == "127.0.0.1"
    for host in ("127.0.0.9", "::1", "localhost"):
        assert read_settings(out=tmp_path, host=host).host == host
    for host in ("0.0.0.0", "::", "10.0.0.1", "gateway.example"):
        with pytest.raises(ConfigError, match="GOALPATH_API_KEYS"):
            read_settings(out=tmp_path, host=host)
    monkeypatch.setenv("GOALPATH_API_KEYS", "crm:" + "k" * 16 + ", portal:" + "a:b" * 6)
    read = read_settings(out=tmp_path, host="0.0.0.0")
    assert {name: key.get_secret_value() for name, key in read.api_keys.items()} == {
        "crm": "k" * 16,
        "portal": "a:b" * 6,
    }
    assert "k" * 16 not in repr(read)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("API_KEYS", "nameless", "name:key"),
        ("API_KEYS", "crm:short", "16 characters"),
        ("API_KEYS", f"crm:{'k' * 16},crm:{'l' * 16}", "given twice"),
        ("PORT", "70000", "GOALPATH_PORT"),
        ("BODY_BYTES", "much", "GOALPATH_BODY_BYTES"),
        ("POLL_SECONDS", "0", "GOALPATH_POLL_SECONDS"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"GOALPATH_{name}", value)
    with pytest.raises(ConfigError) as error:
        read_settings(out=tmp_path)
    assert said in str(error.value)
    assert "short" not in str(error.value)
    assert "kkkk" not in str(error.value)
