"""Columns as serialized tf.Examples, all rows at once.

A serialized Example is the same short header before each feature's values, row after
row; only lengths differ. So the headers of all rows are made together, and Arrow
joins headers and values. The features that every row has as many floats of come
first, the others follow in the order of the columns; so equal columns give equal bytes,
which a map of the protobuf library does not promise.

The wire format is that of https://protobuf.dev/programming-guides/encoding/ for
`tensorflow/core/example/{example,feature}.proto`: an Example holds its Features in
field 1, Features a map entry a feature in field 1 (key 1, value 2), and a Feature its
values in field 1 (bytes), 2 (floats, packed) or 3 (integers, packed).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.event_example_gen import tf_records
from components.event_example_gen.columns import Column, Columns, Numbers, Texts, row_count
from components.event_example_gen.segments import Places, offsets_of

Bytes = npt.NDArray[np.uint8]

_FIELD_1 = 0x0A  # field 1, length-delimited
_FIELD_2 = 0x12
_BYTES_LIST = 0x0A
_FLOAT_LIST = 0x12
_INT64_LIST = 0x1A
_VARINT_BYTES = 10
_FIRST_TABLE = 512  # headers made ahead for a feature
_LONGEST_TABLE = 1 << 14  # values longer than this get headers of their own
_FLOAT_BYTES = 4

_NOTHING = pa.scalar(b"", pa.large_binary())


class ExampleEncoder:
    """Encodes columns; keeps the vocabularies and headers it has made."""

    def __init__(self) -> None:
        self._framed: dict[int, tuple[pa.LargeStringArray, pa.LargeBinaryArray]] = {}
        self._headers: dict[tuple[str, int], HeaderTable] = {}

    def encode(self, columns: Columns) -> pa.LargeBinaryArray:
        """The rows as serialized tf.Examples.

        Args:
          columns: feature key -> column; all of `n` rows.

        Returns:
          Large binary array of length `n`.

        Raises:
          ValueError: columns differ in their number of rows, or there is none.
        """
        pieces, _ = self._pieces(columns)
        return _join(pieces)

    def encode_records(self, columns: Columns) -> memoryview:
        """The rows as tf.Examples in TFRecords, as they stand in a file.

        Args:
          columns: as for `encode`.

        Raises:
          ValueError: as `encode`.
        """
        pieces, lengths = self._pieces(columns)
        feet = tf_records.blank_feet(len(lengths))
        return tf_records.seal(_join([tf_records.heads(lengths), *pieces, feet]))

    def forget_vocabularies(self) -> None:
        """Lets go of the vocabularies, which are kept as long as they may come again."""
        self._framed.clear()

    def _pieces(self, columns: Columns) -> tuple[list[pa.LargeBinaryArray], Places]:
        """What makes up each Example, piece by piece, and how long each is in all."""
        rows = {row_count(column) for column in columns.values()}
        if len(rows) != 1:
            raise ValueError(f"Columns must be of one length. Received: {sorted(rows)}.")
        size = rows.pop()
        fixed = {key: column for key, column in columns.items() if _is_fixed(column)}
        floats = self._fixed_floats(fixed, size)
        pieces, total = [floats], _lengths(floats)
        for key, column in columns.items():
            if key not in fixed:
                tag, values = self._feature(column)
                lengths = _lengths(values)
                header, header_lengths = self._header(key, tag).take(lengths)
                pieces += [header, values]
                total += header_lengths + lengths
        whole = _join_blocks([_constant(bytes([_FIELD_1])), _varint(total)], size)
        return [whole, *pieces], _lengths(whole) + total

    def _feature(self, column: Column) -> tuple[int, pa.LargeBinaryArray]:
        """The tag of the list of one feature, and its values."""
        if isinstance(column, Texts):
            return _BYTES_LIST, self._texts(column)
        if column.values.dtype == np.int64:
            numbers = column.values.astype(np.int64, copy=False)
            varints = _join_blocks([_varint(numbers)], len(numbers))
            return _INT64_LIST, _rows_of(varints, column)
        return _FLOAT_LIST, _float_rows(column)

    def _header(self, key: str, tag: int) -> HeaderTable:
        if (key, tag) not in self._headers:
            self._headers[key, tag] = HeaderTable(key, tag)
        return self._headers[key, tag]

    def _fixed_floats(self, columns: Columns, size: int) -> pa.LargeBinaryArray:
        """All features with a fixed number of floats, headers and values."""
        parts: list[Bytes] = []
        for key, column in columns.items():
            assert isinstance(column, Numbers)
            width = 4 * column.width
            head = self._header(key, _FLOAT_LIST).text(width)
            parts.append(np.broadcast_to(np.frombuffer(head, np.uint8), (size, len(head))))
            little = np.ascontiguousarray(column.values, np.dtype("<f4"))
            parts.append(little.view(np.uint8).reshape(size, width))
        joined = np.concatenate(parts, axis=1) if parts else np.zeros((size, 0), np.uint8)
        return _binary(joined, np.arange(size + 1) * joined.shape[1])

    def _texts(self, column: Texts) -> pa.LargeBinaryArray:
        framed = self._frame(column.vocabulary).take(pa.array(column.codes))
        return _rows_of(framed, column)

    def _frame(self, vocabulary: pa.LargeStringArray) -> pa.LargeBinaryArray:
        """Each text as a value of a BytesList."""
        known = self._framed.get(id(vocabulary))
        if known is not None:
            return known[1]
        texts = vocabulary.cast(pa.large_binary())
        lengths = pc.binary_length(texts).to_numpy(zero_copy_only=False)
        heads = _join_blocks([_constant(bytes([_FIELD_1])), _varint(lengths)], len(texts))
        framed = _join([heads, texts])
        self._framed[id(vocabulary)] = (vocabulary, framed)
        return framed


class HeaderTable:
    """What stands before the values of one feature, by how many bytes they take.

    Args:
      key: of the feature, in the Example.
      tag: of the list in the Feature.
    """

    def __init__(self, key: str, tag: int) -> None:
        self._key, self._tag = key.encode(), tag
        self._unit = _FLOAT_BYTES if tag == _FLOAT_LIST else 1
        self._keep(_FIRST_TABLE)

    def take(self, lengths: Places) -> tuple[pa.LargeBinaryArray, Places]:
        """The header of each row, for values of so many bytes; and how long it is."""
        longest = int(lengths.max(initial=0)) // self._unit
        if longest > _LONGEST_TABLE:
            distinct, inverse = np.unique(lengths, return_inverse=True)
            made = self._make(distinct)
            return made.take(pa.array(inverse)), _lengths(made)[inverse]
        if longest >= len(self._table):
            self._keep(2 * longest + 1)
        places = lengths // self._unit
        return self._table.take(pa.array(places)), self._table_lengths[places]

    def text(self, length: int) -> bytes:
        """The header for values of so many bytes."""
        place = length // self._unit
        if place >= len(self._table):
            self._keep(2 * place + 1)
        return bytes(self._table[place].as_py())

    def _keep(self, size: int) -> None:
        """Makes the headers of values of up to so many units."""
        self._table = self._make(np.arange(size) * self._unit)
        self._table_lengths = _lengths(self._table)

    def _make(self, lengths: Places) -> pa.LargeBinaryArray:
        packed = (lengths > 0) & (self._tag != _BYTES_LIST)
        body = lengths + np.where(packed, 1 + _varint_size(lengths), 0)
        feature = 1 + _varint_size(body) + body
        field = bytes([_FIELD_1]), _varint_bytes(len(self._key)), self._key, bytes([_FIELD_2])
        named = b"".join(field)
        entry = len(named) + _varint_size(feature) + feature
        blocks = [
            _constant(bytes([_FIELD_1])),
            _varint(entry),
            _constant(named),
            _varint(feature),
            _constant(bytes([self._tag])),
            _varint(body),
            _only_if(packed, _constant(bytes([_FIELD_1]))),
            _only_if(packed, _varint(lengths)),
        ]
        return _join_blocks(blocks, len(lengths))


def _is_fixed(column: Column) -> bool:
    return (
        isinstance(column, Numbers) and column.offsets is None and column.values.dtype == np.float32
    )


def _float_rows(column: Numbers) -> pa.LargeBinaryArray:
    """Each row's floats as they stand in a packed field."""
    assert column.offsets is not None
    return _binary(np.ascontiguousarray(column.values, np.dtype("<f4")), 4 * column.offsets)


def _rows_of(flat: pa.LargeBinaryArray, column: Column) -> pa.LargeBinaryArray:
    """Values end to end as one text a row."""
    ends = np.frombuffer(flat.buffers()[1], np.int64)[: len(flat) + 1]
    places = column.offsets
    if places is None:
        places = np.arange(row_count(column) + 1) * column.width
    data = flat.buffers()[2]
    return _binary(np.zeros(0, np.uint8) if data is None else data, ends[places])


def _binary(data: npt.NDArray[np.generic] | pa.Buffer, offsets: Places) -> pa.LargeBinaryArray:
    buffer = data if isinstance(data, pa.Buffer) else pa.py_buffer(np.ascontiguousarray(data))
    starts = pa.py_buffer(np.ascontiguousarray(offsets, np.int64))
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, starts, buffer]
    )


def _lengths(values: pa.LargeBinaryArray) -> Places:
    """How many bytes each value of an array has; the array is no slice and has no nulls."""
    return np.diff(np.frombuffer(values.buffers()[1], np.int64)[: len(values) + 1])


def _join(pieces: Sequence[pa.LargeBinaryArray]) -> pa.LargeBinaryArray:
    """Each row's pieces, one after the other.

    Args:
      pieces: arrays of `n` rows.
    """
    # Arrow's default pool gives large buffers back at once, and the kernel clears them
    # anew at the next batch; the system's keeps them, which halves the time.
    pool = pa.system_memory_pool()
    return pc.binary_join_element_wise(*pieces, _NOTHING, memory_pool=pool)


Block = tuple[Bytes, npt.NDArray[np.bool_]]


def _join_blocks(blocks: list[Block], rows: int) -> pa.LargeBinaryArray:
    """Blocks side by side, without the bytes that are not to be used."""
    data = np.concatenate(
        [np.broadcast_to(block, (rows, block.shape[1])) for block, _ in blocks], axis=1
    )
    used = np.concatenate(
        [np.broadcast_to(mask, (rows, mask.shape[1])) for _, mask in blocks], axis=1
    )
    return _binary(data[used], offsets_of(used.sum(axis=1)))


def _constant(text: bytes) -> Block:
    data = np.frombuffer(text, np.uint8)[None, :]
    return data, np.ones(data.shape, bool)


def _only_if(condition: npt.NDArray[np.bool_], block: Block) -> Block:
    return block[0], block[1] & condition[:, None]


def _varint(values: npt.NDArray[np.int64]) -> Block:
    """Integers in base 128, least significant first, the top bit set on all but the last."""
    groups = _VARINT_BYTES
    if len(values) and values.min() >= 0:
        groups = int(_varint_size(values.max(keepdims=True))[0])
    unsigned = values.astype(np.uint64)
    shifted = unsigned[:, None] >> (7 * np.arange(groups, dtype=np.uint64))
    size = np.where(values < 0, _VARINT_BYTES, _varint_size(values))[:, None]
    place = np.arange(groups)
    more = np.where(place < size - 1, 0x80, 0)
    return ((shifted & np.uint64(0x7F)) | more.astype(np.uint64)).astype(np.uint8), place < size


def _varint_size(values: npt.NDArray[np.int64]) -> Places:
    """How many bytes each non-negative integer takes."""
    size = np.ones(len(values), np.int64)
    for bits in range(7, 63, 7):
        size += values >= (1 << bits)
    return size


def _varint_bytes(value: int) -> bytes:
    data, used = _varint(np.array([value], np.int64))
    return data[used].tobytes()
