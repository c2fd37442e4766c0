"""Requests that a server sends to a version before it answers others.

The first run of each signature optimises its graph, which takes seconds; TensorFlow
Serving and the local model server do it with the records of this file while they load.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.wire.tensors import fill_proto
from trainer.golden import Array, Golden


def warmup_records(golden: Golden, model_name: str) -> list[bytes]:
    """A serialized `PredictionLog` for each signature that can have one.

    One row each, and only of signatures whose inputs all have the rows as their first
    dimension: a server that joins requests into batches would refuse the others, and
    with them the whole version.

    Args:
      golden: inputs by signature; what has no outputs is none.
      model_name: that the version is served under.
    """
    records = []
    for signature, sides in sorted(golden.items()):
        if not sides["outputs"] or not _by_row(sides["inputs"]):
            continue
        log = prediction_log_pb2.PredictionLog()
        request = log.predict_log.request
        request.model_spec.name = model_name
        request.model_spec.signature_name = signature
        for alias, values in sides["inputs"].items():
            fill_proto(request.inputs[alias], values[:1])
        records.append(log.SerializeToString())
    return records


def write_warmup(path: str, records: list[bytes]) -> None:
    """Writes the TFRecord file that a server looks for."""
    with tf.io.TFRecordWriter(path) as writer:
        for record in records:
            writer.write(record)


def _by_row(inputs: Mapping[str, Array]) -> bool:
    sizes = {np.shape(values)[:1] for values in inputs.values()}
    return len(sizes) == 1 and not sizes & {(), (0,)}
