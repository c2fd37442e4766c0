"""A version that goalpath pushed, asked over gRPC and REST: what its golden file says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from schemas import names
from serving.client.grpc_client import GrpcModelClient
from serving.client.model_client import ClientOptions, ModelClient
from serving.client.rest_client import RestModelClient
from tests.pushed_run import NUMBER, PushedRun
from tests.serving.conftest import Running, run_server

pytestmark = pytest.mark.slow


@pytest.fixture(name="running", scope="module")
def _running(pushed: PushedRun) -> Iterator[Running]:
    name = pushed.config.serving.model_name
    running = run_server(f"--model_name={name}", f"--model_base_path={pushed.version_dir.parent}")
    yield running
    running.server.stop()


def clients(running: Running, pushed: PushedRun) -> tuple[ModelClient, ModelClient]:
    name = pushed.config.serving.model_name
    return (
        GrpcModelClient(ClientOptions(f"127.0.0.1:{running.grpc_port}", name, 60.0)),
        RestModelClient(ClientOptions(f"127.0.0.1:{running.rest_port}", name, 60.0)),
    )


def test_all_signatures_answer_as_at_export(pushed: PushedRun, running: Running) -> None:
    from trainer.golden import MODEL_INPUTS, load_golden

    path = pushed.version_dir / names.ASSETS_EXTRA / names.GOLDEN_FILE
    golden = load_golden(path.read_bytes())
    del golden[MODEL_INPUTS]
    assert {names.SIGNATURE_DEFAULT, names.SIGNATURE_RECOMMEND} <= set(golden)
    over_grpc, over_rest = clients(running, pushed)
    for signature, call in golden.items():
        first = over_grpc.predict(call["inputs"], signature=signature)
        second = over_rest.predict(call["inputs"], signature=signature)
        assert first.version == NUMBER
        assert sorted(first.outputs) == sorted(second.outputs) == sorted(call["outputs"])
        for alias, expected in call["outputs"].items():
            if expected.dtype == object:
                assert first.outputs[alias].tolist() == expected.tolist()
            else:
                np.testing.assert_allclose(first.outputs[alias], expected, rtol=1e-5, atol=1e-6)
            assert second.outputs[alias].tolist() == first.outputs[alias].tolist()
    over_grpc.close()
    over_rest.close()


def test_the_two_ways_are_one_model(pushed: PushedRun, running: Running) -> None:
    over_grpc, over_rest = clients(running, pushed)
    assert over_grpc.versions() == over_rest.versions()
    assert [status.version for status in over_rest.versions()] == [NUMBER]


def test_it_brings_requests_to_be_warmed_up_with(pushed: PushedRun) -> None:
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    path = pushed.version_dir / names.ASSETS_EXTRA / names.WARMUP_FILE
    signatures = {
        prediction_log_pb2.PredictionLog.FromString(
            record.numpy()
        ).predict_log.request.model_spec.signature_name
        for record in tf.data.TFRecordDataset(str(path))
    }
    assert {names.SIGNATURE_DEFAULT, names.SIGNATURE_PREDICT} <= signatures
    assert names.SIGNATURE_RECOMMEND not in signatures  # its k is a scalar, no row
