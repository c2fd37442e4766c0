"""The messages described here are those of the protos that TensorFlow brings."""

from __future__ import annotations

import subprocess
import sys

import pytest

from serving.wire import messages

pytestmark = pytest.mark.slow
ENUM, INT32 = 14, 5


def _official() -> list[tuple[type, type]]:
    from tensorflow.core.framework import tensor_pb2
    from tensorflow_serving.apis import get_model_status_pb2, predict_pb2

    return [
        (messages.TensorProto, tensor_pb2.TensorProto),
        (messages.PredictRequest, predict_pb2.PredictRequest),
        (messages.PredictResponse, predict_pb2.PredictResponse),
        (messages.GetModelStatusRequest, get_model_status_pb2.GetModelStatusRequest),
        (messages.GetModelStatusResponse, get_model_status_pb2.GetModelStatusResponse),
    ]


def _differences(own: object, official: object) -> list[str]:
    found = []
    for field in own.fields:  # type: ignore[attr-defined]
        there = official.fields_by_number.get(field.number)  # type: ignore[attr-defined]
        if there is None or (field.name, field.label) != (there.name, there.label):
            found.append(f"{own.full_name}.{field.name}")  # type: ignore[attr-defined]
        elif there.type != field.type and not (there.type == ENUM and field.type == INT32):
            found.append(f"{own.full_name}.{field.name}: type")  # type: ignore[attr-defined]
        elif field.message_type is not None:
            found += _differences(field.message_type, there.message_type)
    return found


def test_names_numbers_and_types_agree() -> None:
    for own, official in _official():
        assert _differences(own.DESCRIPTOR, official.DESCRIPTOR) == []


def test_a_difference_would_be_found() -> None:
    official = dict(_official())
    assert _differences(
        messages.PredictRequest.DESCRIPTOR, official[messages.PredictResponse].DESCRIPTOR
    ) == [
        "tensorflow.serving.PredictRequest.model_spec",
        "tensorflow.serving.PredictRequest.inputs",
        "tensorflow.serving.PredictRequest.output_filter",
    ]


def test_a_client_imports_no_tensorflow() -> None:
    script = (
        "import sys, serving.client.grpc_client, serving.client.rest_client\n"
        "print([name for name in sys.modules if name.split('.')[0].startswith('tensorflow')])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
