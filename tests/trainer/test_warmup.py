"""Which requests a version is warmed up with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from serving.wire.tensors import to_array

pytestmark = pytest.mark.slow


def test_a_row_of_every_signature_whose_inputs_are_rows(tmp_path: Path) -> None:
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    from trainer.warmup import warmup_records, write_warmup

    rows = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    text = np.array([b"a\x00", b"b"], object)
    outputs = {"y": rows}
    records = warmup_records(
        {
            "b": {"inputs": {"x": rows, "text": text}, "outputs": outputs},
            "a": {"inputs": {"x": rows}, "outputs": outputs},
            "with_scalar": {"inputs": {"x": rows, "k": np.array(3)}, "outputs": outputs},
            "uneven": {"inputs": {"x": rows, "more": rows[:1]}, "outputs": outputs},
            "empty": {"inputs": {"x": rows[:0]}, "outputs": outputs},
            "no_inputs": {"inputs": {}, "outputs": outputs},
            "model_inputs": {"inputs": {"x": rows}, "outputs": {}},
        },
        "m",
    )
    write_warmup(str(tmp_path / "file"), records)
    read = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        for record in tf.data.TFRecordDataset(str(tmp_path / "file"))
    ]
    assert [(r.model_spec.name, r.model_spec.signature_name) for r in read] == [
        ("m", "a"),
        ("m", "b"),
    ]
    found = {alias: to_array(proto).tolist() for alias, proto in read[1].inputs.items()}
    assert found == {"x": [[1.0, 2.0]], "text": [b"a\x00"]}
