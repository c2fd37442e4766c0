"""Reads Examples from TFRecord files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from benchmarks.quality_parts.snapshots import Column, Snapshots
from schemas.config import GoalpathConfig
from schemas.example_schema import example_schema
from schemas.features import DType, FeatureSpec, example_features

_BATCH = 2048


def read_snapshots(files: Sequence[Path], config: GoalpathConfig) -> Snapshots:
    """Reads TFRecord files of Examples into memory.

    Args:
      files: of one split, in order.
      config: that the Examples were made by.
    """
    decoder = ExamplesToRecordBatchDecoder(example_schema(config).SerializeToString())
    batches = [decoder.DecodeBatch(serialized) for serialized in serialized_batches(files, _BATCH)]
    columns = {
        spec.key: _column([batch.column(spec.key) for batch in batches], spec)
        for spec in example_features(config)
    }
    return Snapshots(columns, sum(batch.num_rows for batch in batches))


def serialized_batches(files: Sequence[Path], size: int) -> Iterator[list[bytes]]:
    """Serialized Examples in the order of the files, at most `size` at a time."""
    for path in files:
        compression = "GZIP" if path.suffix == ".gz" else ""
        records = tf.data.TFRecordDataset(str(path), compression_type=compression)
        for batch in records.batch(size).as_numpy_iterator():
            yield batch.tolist()


def _column(arrays: Sequence[pa.Array], spec: FeatureSpec) -> Column:
    lengths = [np.diff(array.offsets.to_numpy(zero_copy_only=False)) for array in arrays]
    # A list of nulls in place of an empty one still has offsets.
    starts = np.concatenate([[0], *lengths]).astype(np.int64).cumsum()
    flat = pa.chunked_array([array.flatten() for array in arrays], type=_value_type(spec))
    if spec.dtype is not DType.BYTES:
        return Column(flat.to_numpy(), starts)
    encoded = flat.dictionary_encode().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([]).dictionary_encode()
    words = tuple(word.decode() for word in encoded.dictionary.to_pylist())
    return Column(encoded.indices.to_numpy().astype(np.int64), starts, words)


def _value_type(spec: FeatureSpec) -> pa.DataType:
    return {DType.BYTES: pa.large_binary(), DType.FLOAT: pa.float32(), DType.INT: pa.int64()}[
        spec.dtype
    ]
