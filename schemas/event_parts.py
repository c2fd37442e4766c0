"""Events on disk in parts, each with all events of its students.

What needs to see all events of a student (repeats, order) is done part by part, so that
the whole table is never in memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa

from schemas import names, table_files
from schemas.raw_batches import GZIP_SUFFIX

ROWS_PER_PART: Final = 500_000
MAX_PARTS: Final = 64
# An event of an id, an id, a time and a response; packed, about a quarter.
_CSV_BYTES_PER_ROW: Final = 40
_GZIP_BYTES_PER_ROW: Final = 10
_PART: Final = "__part"


def part_count(files: tuple[Path, ...]) -> int:
    """How many parts the events in `files` should have, from 1 to `MAX_PARTS`."""
    rows = sum(_estimate_rows(path) for path in files)
    return min(MAX_PARTS, max(1, math.ceil(rows / ROWS_PER_PART)))


def _estimate_rows(path: Path) -> int:
    size = path.stat().st_size
    if table_files.is_parquet(path):
        return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
    packed = path.name.lower().endswith(GZIP_SUFFIX)
    return size // (_GZIP_BYTES_PER_ROW if packed else _CSV_BYTES_PER_ROW)


class EventParts:
    """Writes batches of events into parts, then gives the parts back.

    Args:
      folder: where the parts are kept; must exist.
      count: of the parts.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._paths = [folder / f"part-{part:05d}.arrow" for part in range(count)]
        self._writers: dict[int, pa.ipc.RecordBatchFileWriter] = {}

    def add(self, frame: pl.DataFrame) -> None:
        """Writes the rows of `frame` (with `student_id`) to the parts of their students."""
        part = pl.col(names.STUDENT_ID).hash(seed=0) % len(self._paths)
        parts = frame.with_columns(part.alias(_PART)).partition_by(
            _PART, as_dict=True, include_key=False
        )
        for (number,), rows in parts.items():
            self._write(int(number), rows)

    def close(self) -> None:
        """Ends writing."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def frames(self) -> Iterator[pl.DataFrame]:
        """One frame for each part that has rows. Each is read once and then removed."""
        for path in self._paths:
            if path.exists():
                yield pl.read_ipc(path)
                path.unlink()

    def _write(self, part: int, rows: pl.DataFrame) -> None:
        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        if part not in self._writers:
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            self._writers[part] = pa.ipc.new_file(self._paths[part], table.schema, options=options)
        self._writers[part].write_table(table)
