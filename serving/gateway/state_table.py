"""The rows of a version's students, one read in microseconds and many in a batch.

Parquet is for being pushed: small, and slow to read one row of. What a version pushed is
written once as an Arrow file beside the gateway, and mapped into memory from there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas import names
from schemas.errors import DataError

_PARTIAL: Final = ".partial-"


class StudentRows:
    """A Parquet file by student.

    Args:
      source: with a column `student_id`, each id once.
      folder: for the Arrow file; it is made where it is not there yet.

    Raises:
      DataError: the source cannot be read.
    """

    def __init__(self, source: Path, folder: Path) -> None:
        path = folder / source.with_suffix(".arrow").name
        try:
            if not path.is_file():
                _import(source, path)
            self._table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
            ids = self._table[names.STUDENT_ID].cast(pa.string()).to_pylist()
        except (OSError, KeyError, ValueError) as error:
            raise DataError(
                "what a version says of its students must be readable.",
                where=str(source),
                received=str(error),
                remedy="push again with `goalpath run`.",
            ) from error
        self._place = {student: place for place, student in enumerate(ids)}

    def __len__(self) -> int:
        return len(self._place)

    def __contains__(self, student_id: str) -> bool:
        return student_id in self._place

    @property
    def table(self) -> pa.Table:
        """All rows, in the order of the source."""
        return self._table

    def place(self, student_id: str) -> int | None:
        """The row of a student; None where there is none."""
        return self._place.get(student_id)

    def row(self, place: int) -> pa.Table:
        """One row, without a copy."""
        return self._table.slice(place, 1)

    def take(self, places: Sequence[int]) -> pa.Table:
        """Some rows, in the given order."""
        return self._table.take(pa.array(np.asarray(places, np.int64)))


def remove_imports(folder: Path, keep: Sequence[int]) -> None:
    """Removes the Arrow files of versions other than those to keep."""
    for entry in folder.glob("*"):
        if entry.name.isdigit() and int(entry.name) not in keep:
            shutil.rmtree(entry, ignore_errors=True)


def _import(source: Path, path: Path) -> None:
    """Whole or not at all: a gateway that dies here begins anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{_PARTIAL}{os.getpid()}-{path.name}")
    table = pq.read_table(source).combine_chunks()
    with pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        for batch in table.to_batches():
            writer.write_batch(batch)
    os.replace(partial, path)
