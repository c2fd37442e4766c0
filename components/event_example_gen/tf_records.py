"""Frames of TFRecords, many at once.

A record is the length of its data (8 bytes, little-endian), the checksum of these 8
bytes, the data, and their checksum (tensorflow/core/lib/io/record_writer.h). A checksum
is a CRC-32C, rotated and shifted by a constant (tensorflow/core/lib/hash/crc32c.h).

`tf.io.TFRecordWriter` wants each record as a Python object, and hands the interpreter
over at each; here a batch is one buffer, which is written at once.
"""

from __future__ import annotations

from typing import Any, Final

import google_crc32c
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.event_example_gen.segments import Places

_CRC_BYTES: Final = 4
_HEAD_BYTES: Final = 8 + _CRC_BYTES
_MASK_DELTA: Final = 0xA282EAD8

Checksums = npt.NDArray[np.uint32]


def heads(lengths: Places) -> pa.LargeBinaryArray:
    """What stands before the data of each record.

    Args:
      lengths: of the data in bytes, `[n]`.
    """
    sizes = np.ascontiguousarray(lengths, np.dtype("<u8"))
    crc = _masked([google_crc32c.value(size.tobytes()) for size in sizes])
    joined = np.concatenate([_bytes_of(sizes), _bytes_of(crc)], axis=1)
    return _rows(joined)


def blank_feet(rows: int) -> pa.LargeBinaryArray:
    """Room for the checksum of each record, which `seal` fills in."""
    return _rows(np.zeros((rows, _CRC_BYTES), np.uint8))


def seal(records: pa.LargeBinaryArray) -> memoryview:
    """Fills in the checksums of the data.

    Args:
      records: each a head, data and a blank foot, end to end; they are changed in place.

    Returns:
      The records as they stand in a file.
    """
    if not len(records):
        return memoryview(b"")
    _, ends, data = records.buffers()
    offsets = np.frombuffer(ends, np.int64)[: len(records) + 1]
    view = memoryview(data)
    starts, stops = offsets[:-1] + _HEAD_BYTES, offsets[1:] - _CRC_BYTES
    # The checksum is only to be had of bytes.
    pieces = zip(starts.tolist(), stops.tolist(), strict=True)
    crc = _masked([google_crc32c.value(bytes(view[start:stop])) for start, stop in pieces])
    feet = stops[:, None] + np.arange(_CRC_BYTES)
    np.frombuffer(data, np.uint8)[feet] = _bytes_of(crc)
    return view[: int(offsets[-1])]


def _masked(crc: list[int]) -> Checksums:
    plain = np.array(crc, np.uint32)
    rotated = (plain >> np.uint32(15)) | (plain << np.uint32(17))
    masked: Checksums = rotated + np.uint32(_MASK_DELTA)
    return masked


def _bytes_of(numbers: npt.NDArray[np.unsignedinteger[Any]]) -> npt.NDArray[np.uint8]:
    """Little-endian bytes of each number: `[n, size]`."""
    little = np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("<"))
    return little.view(np.uint8).reshape(len(numbers), numbers.dtype.itemsize)


def _rows(table: npt.NDArray[np.uint8]) -> pa.LargeBinaryArray:
    """Each row of bytes as one value."""
    offsets = np.arange(len(table) + 1) * table.shape[1]
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(table))]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(table), buffers)
