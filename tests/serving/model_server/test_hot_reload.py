"""Versions and configurations that change while requests are answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.protobuf import text_format

from serving.client.grpc_client import GrpcModelClient
from serving.client.model_client import ClientOptions, WhichVersion
from tests.serving.conftest import Running, run_server, until_available
from tests.serving.model_server.asking import Grpc, arrays, failure, predict_request, rest

pytestmark = pytest.mark.slow
X = np.array([2.0], np.float32)


@pytest.fixture(name="base", scope="module")
def _base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.serving.model_server.saved_models import write_half_plus

    base = tmp_path_factory.mktemp("hot")
    for version in (1, 2, 3):
        write_half_plus(base / "made" / str(version), float(version))
    (base / "m").mkdir()
    return base


@pytest.fixture(name="running")
def _running(base: Path) -> Iterator[Running]:
    for version in (base / "m").iterdir():
        version.rename(base / "made" / version.name)
    publish(base, 1)
    running = run_server(
        "--model_name=m",
        f"--model_base_path={base / 'm'}",
        "--file_system_poll_wait_seconds=0.1",
        "--max_num_load_retries=0",
    )
    yield running
    running.server.stop()


def publish(base: Path, version: int) -> None:
    (base / "made" / str(version)).rename(base / "m" / str(version))


def test_every_request_is_answered_while_versions_change(base: Path, running: Running) -> None:
    over, wrong, seen = threading.Event(), [], set()

    def ask() -> None:
        stubs = Grpc(running)
        while not over.is_set():
            try:
                response = stubs.predict("m", {"x": X})
            except grpc.RpcError as error:
                wrong.append(failure(error))
                return
            version = response.model_spec.version.value
            seen.add(version)
            if arrays(response)["y"].tolist() != [1.0 + version]:  # 2 / 2 + version
                wrong.append(("value", str(response)))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for version in (2, 3):
        publish(base, version)
        until_available(running, "m", version)
    client = GrpcModelClient(ClientOptions(f"127.0.0.1:{running.grpc_port}", "m"))
    while client.predict({"x": X}).version != 3:
        pass
    over.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert {1, 3} <= seen
    client.close()


def test_a_broken_version_is_told_and_the_old_one_answers(base: Path, running: Running) -> None:
    (base / "m" / "9").mkdir()
    stubs, status = Grpc(running), {}
    while status.get("state") != "END":
        answer = rest(running, "GET", "/v1/models/m/versions/9")
        if answer.status == 200:
            (status,) = answer.json["model_version_status"]  # type: ignore[index]
    (base / "m" / "9").rmdir()
    assert status["status"]["error_code"] == "NOT_FOUND"  # type: ignore[index]
    assert "Could not find SavedModel .pb" in status["status"]["error_message"]  # type: ignore[index]
    assert stubs.predict("m", {"x": X}).model_spec.version.value == 1


def test_a_configuration_over_grpc(base: Path, running: Running) -> None:
    from tensorflow_serving.apis import model_management_pb2

    publish(base, 2)
    stubs = Grpc(running)
    request = model_management_pb2.ReloadConfigRequest()
    text_format.Parse(
        f"""model_config_list {{
          config {{ name: "m" base_path: "{base / "m"}" model_platform: "tensorflow" }}
          config {{ name: "other" base_path: "{base / "m"}" model_platform: "tensorflow"
                   model_version_policy {{ specific {{ versions: 1 }} }} }}
        }}""",
        request.config,
    )
    response = stubs.models.HandleReloadConfigRequest(request, timeout=60)
    assert response.status.error_code == 0
    assert stubs.predict("other", {"x": X}).model_spec.version.value == 1
    del request.config.model_config_list.config[1]
    stubs.models.HandleReloadConfigRequest(request, timeout=60)
    status = ""
    while status != "END":  # unloaded soon after the answer, as in TensorFlow Serving
        (told,) = rest(running, "GET", "/v1/models/other").json["model_version_status"]  # type: ignore[index]
        status = told["state"]
    with pytest.raises(grpc.RpcError) as caught:
        stubs.predict("other", {"x": X})
    assert failure(caught.value)[0] == "NOT_FOUND"
    request.config.model_config_list.config[0].model_platform = "other"
    with pytest.raises(grpc.RpcError) as caught:
        stubs.models.HandleReloadConfigRequest(request, timeout=60)
    assert failure(caught.value) == (
        "INVALID_ARGUMENT", "Model m requests unsupported platform other",
    )  # fmt: skip
    assert stubs.predict("m", {"x": X}).model_spec.name == "m"


def test_a_configuration_file_that_changes(base: Path, tmp_path: Path) -> None:
    for version in (base / "m").iterdir():
        version.rename(base / "made" / version.name)
    publish(base, 1)
    publish(base, 2)
    file = tmp_path / "models"
    text = (
        f'model_config_list {{ config {{ name: "m" base_path: "{base / "m"}" '
        'model_platform: "tensorflow" model_version_policy { specific { versions: %d } } } }'
    )
    file.write_text(text % 1)
    running = run_server(
        f"--model_config_file={file}",
        "--model_config_file_poll_wait_seconds=0.1",
        f"--grpc_socket_path={tmp_path / 'grpc.sock'}",
    )
    client = GrpcModelClient(ClientOptions(f"unix:{tmp_path / 'grpc.sock'}", "m"))
    assert client.predict({"x": X}).version == 1
    file.write_text("no configuration")
    file.write_text(text % 2)
    until_available(running, "m", 2)
    while client.predict({"x": X}).version != 2:
        pass
    client.close()
    running.server.stop()


def test_warm_up_runs_before_a_version_answers(base: Path, tmp_path: Path) -> None:
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    from serving.model_server.warmup import WARMUP_FILE
    from tests.serving.model_server.saved_models import write_half_plus

    good, bad = tmp_path / "good", tmp_path / "bad"
    for name, signature in (("good", "two"), ("bad", "zz")):
        folder = write_half_plus(tmp_path / name / "1")
        (folder / "assets.extra").mkdir()
        log = prediction_log_pb2.PredictionLog()
        log.predict_log.request.CopyFrom(predict_request("m", {"x": X}, signature=signature))
        with tf.io.TFRecordWriter(str(folder / WARMUP_FILE)) as writer:
            writer.write(log.SerializeToString())
    running = run_server("--model_name=m", f"--model_base_path={good}")
    assert Grpc(running).predict("m", {"x": X}).model_spec.version.value == 1
    running.server.stop()

    from serving.wire.status import StatusError

    with pytest.raises(StatusError, match='Serving signature key "zz" not found'):
        run_server("--model_name=m", f"--model_base_path={bad}", "--max_num_load_retries=0")
    running = run_server(
        "--model_name=m", f"--model_base_path={bad}", "--enable_model_warmup=false"
    )
    running.server.stop()
    (bad / "1" / WARMUP_FILE).write_bytes(b"no records" * 10)
    with pytest.raises(StatusError, match="Please verify your warmup data is in TFRecord format"):
        run_server("--model_name=m", f"--model_base_path={bad}", "--max_num_load_retries=0")


def test_batching(base: Path, tmp_path: Path) -> None:
    from tests.serving.model_server.saved_models import write_half_plus

    write_half_plus(tmp_path / "m" / "1")
    parameters = tmp_path / "batching"
    parameters.write_text("max_batch_size { value: 8 } batch_timeout_micros { value: 2000 }")
    running = run_server(
        "--model_name=m",
        f"--model_base_path={tmp_path / 'm'}",
        "--enable_batching",
        f"--batching_parameters_file={parameters}",
    )
    answers: dict[int, list[float]] = {}

    def ask(number: int) -> None:
        x = np.array([number, number + 1], np.float32)
        answers[number] = arrays(Grpc(running).predict("m", {"x": x}))["y"].tolist()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {n: [n / 2 + 2, (n + 1) / 2 + 2] for n in range(12)}
    with pytest.raises(grpc.RpcError) as caught:
        Grpc(running).predict("m", {"x": np.ones(9, np.float32)})
    assert failure(caught.value) == (
        "INVALID_ARGUMENT", "Task size 9 is larger than maximum input batch size 8",
    )  # fmt: skip
    running.server.stop()


def test_a_client_can_ask_for_a_version_that_went(base: Path, running: Running) -> None:
    client = GrpcModelClient(ClientOptions(f"127.0.0.1:{running.grpc_port}", "m"))
    publish(base, 2)
    until_available(running, "m", 2)
    states = {status.version: status.state for status in client.versions()}
    while states[1] != 50:  # END
        states = {status.version: status.state for status in client.versions()}
    from serving.client.errors import ModelNotFoundError

    with pytest.raises(ModelNotFoundError, match=r"Specific\(m, 1\)"):
        client.predict({"x": X}, version=WhichVersion(1))
    client.close()
