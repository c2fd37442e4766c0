"""New versions, promotions, rollbacks and canaries while requests come in."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas import names
from serving.gateway.model_config_file import ModelConfigFile
from serving.gateway.model_health import ModelHealth
from serving.version_choice import in_share, promoted, read_choice, rolled_back, with_canary
from serving.version_choice import write_choice as write
from serving.versions import list_versions
from tests.pushed_run import CREATED, NUMBER
from tests.serving.conftest import run_server
from tests.serving.gateway.conftest import API, Asking, open_asking
from tests.serving.gateway.real_version import RealVersion, push_again
from tests.serving.test_version_choice import pushed

pytestmark = pytest.mark.slow

LATER = CREATED + dt.timedelta(minutes=1)
SECOND = NUMBER + 60
STUDENTS = [f"s{number:05d}" for number in range(2, 40)]


@dataclasses.dataclass(frozen=True)
class Growing:
    """A folder that versions are pushed into while it is served."""

    version: RealVersion
    folder: Path
    asking: Asking

    @property
    def out(self) -> Path:
        return self.version.out

    def listed(self) -> Any:
        return list_versions(self.out, self.version.config.serving.model_name)

    def push_second(self) -> None:
        push_again(self.version, self.folder, LATER)

    def numbers(self) -> dict[str, int]:
        found = {}
        for student in STUDENTS:
            answer = self.asking.get("/predict/risk", student_id=student)
            assert answer["prediction_method"] == "full_model", answer["reason"]
            found[student] = answer["model_version"]
        return found


@pytest.fixture(name="growing")
def _growing(real: RealVersion, tmp_path: Path) -> Iterator[Growing]:
    folder, config = tmp_path / "real", tmp_path / "models.config"
    shutil.copytree(real.out.parent, folder)
    version = dataclasses.replace(real, out=folder / "out")
    name = real.config.serving.model_name
    config_file = ModelConfigFile(config, name, version.serving_dir, ModelHealth())
    config_file.write(None, pushed(NUMBER))
    running = run_server(
        f"--model_config_file={config}",
        "--model_config_file_poll_wait_seconds=1",
        "--file_system_poll_wait_seconds=1",
        "--allow_version_labels_for_unavailable_models",
    )
    asking = open_asking(
        version.out,
        tmp_path / "work",
        f"127.0.0.1:{running.grpc_port}",
        model_config_file=config,
        poll_seconds=0.2,
    )
    until(lambda: asking.get("/health")["status"] == "healthy")
    yield Growing(version, folder, asking)
    asking.client.__exit__(None, None, None)
    running.server.stop()


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < ends, "it did not happen in two minutes"
        time.sleep(0.05)


def serves(growing: Growing, number: int) -> Callable[[], bool]:
    return lambda: growing.asking.gateway.versions.served.stable.number == number


def test_a_push_is_followed_without_a_request_that_fails_or_mixes(growing: Growing) -> None:
    seen: list[dict[str, Any]] = []
    ends = threading.Event()

    def ask() -> None:
        while not ends.is_set():
            for path in ("/predict/risk", "/recommend/for-goal"):
                response = growing.asking.client.get(API + path, params={"student_id": "s00005"})
                seen.append({"status": response.status_code, **response.json()})

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    growing.push_second()
    until(serves(growing, SECOND))
    before = len(seen)
    until(lambda: len(seen) > before + 20)
    ends.set()
    for thread in threads:
        thread.join()
    assert {each["status"] for each in seen} == {200}
    assert {each["prediction_method"] for each in seen} == {"full_model"}
    versions = [each["model_version"] for each in seen]
    assert set(versions) == {NUMBER, SECOND}
    assert versions[0] == NUMBER
    assert versions[-1] == SECOND
    folders = [
        path.name for path in (growing.asking.gateway.settings.folder / "versions").iterdir()
    ]
    assert folders == [str(SECOND)]


def test_promote_rollback_and_canary_are_followed(growing: Growing) -> None:
    growing.push_second()
    until(serves(growing, SECOND))
    write(growing.out, promoted(read_choice(growing.out), NUMBER, growing.listed()))
    until(serves(growing, NUMBER))
    assert set(growing.numbers().values()) == {NUMBER}
    write(growing.out, rolled_back(read_choice(growing.out), growing.listed()))
    until(serves(growing, SECOND))

    write(growing.out, with_canary(read_choice(growing.out), NUMBER, 0.3, growing.listed()))
    until(lambda: growing.asking.gateway.versions.served.canary is not None)
    expected = {s: NUMBER if in_share(s, 0.3) else SECOND for s in STUDENTS}
    assert set(expected.values()) == {NUMBER, SECOND}
    assert growing.numbers() == expected
    body = {"student_ids": STUDENTS, "prediction_types": ["risk"]}
    rows = growing.asking.post("/predict/batch", body)["predictions"]
    assert {row["student_id"]: row["model_version"] for row in rows} == expected
    info = growing.asking.get("/info")
    assert (info["canary_version"], info["canary_share"]) == (NUMBER, 0.3)
    metrics = growing.asking.client.get("/metrics").text
    for number, label in ((NUMBER, "canary"), (SECOND, "stable")):
        assert f'label="{label}",prediction_method="full_model",version="{number}"' in metrics

    write(growing.out, with_canary(read_choice(growing.out), None, 0, growing.listed()))
    until(lambda: growing.asking.gateway.versions.served.canary is None)
    assert set(growing.numbers().values()) == {SECOND}


def test_a_version_that_cannot_be_read_changes_nothing_and_is_said(growing: Growing) -> None:
    growing.push_second()
    vectors = growing.out / "states" / str(SECOND) / names.VECTORS_FILE
    vectors.write_bytes(b"torn")
    until(lambda: bool(growing.asking.gateway.versions.broken))
    assert set(growing.numbers().values()) == {NUMBER}
    health = growing.asking.get("/health")
    assert health["status"] == "degraded"
    assert str(SECOND) in health["reasons"][0]


def test_the_file_for_the_model_server_names_what_is_wanted_and_what_answers(
    tmp_path: Path,
) -> None:
    health = ModelHealth()
    file = ModelConfigFile(tmp_path / "deep" / "m.config", "goalpath", tmp_path / "m", health)
    file.write(None, pushed(2, 7))
    text = (tmp_path / "deep" / "m.config").read_text()
    assert "versions: 2 versions: 7" in text
    assert "version_labels" not in text
    health.was_seen(frozenset({2, 7}))
    file.write(None, pushed(2, 7))
    text = (tmp_path / "deep" / "m.config").read_text()
    assert 'key: "stable" value: 2' in text
    assert 'key: "canary" value: 7' in text
