"""Tables on any file system that Beam reaches."""

from __future__ import annotations

import dataclasses
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from schemas import names
from schemas.errors import DataError

WRITE_BYTES = 1 << 20  # written at once
READ_ROWS = 262_144  # rows read and split at once, where row groups allow it


@dataclasses.dataclass(frozen=True)
class ReadTask:
    """Row groups of one file that are read together.

    Attributes:
      table: of `names.TABLES`.
      path: of the Parquet file.
      row_groups: which of its row groups.
    """

    table: str
    path: str
    row_groups: tuple[int, ...]


def table_paths(data_dir: str, table: str) -> tuple[str, ...]:
    """The Parquet files of a canonical table, sorted; none where there is no such table."""
    patterns = (
        FileSystems.join(data_dir, f"{table}.parquet"),
        FileSystems.join(data_dir, table, "*.parquet"),
    )
    found: set[str] = set()
    for pattern in patterns:
        found.update(match_files(pattern))
    return tuple(sorted(found))


def match_files(pattern: str) -> tuple[str, ...]:
    """The files that a pattern names, sorted; none where there is no such folder."""
    try:
        matches = FileSystems.match([pattern])
    except BeamIOError:
        return ()
    return tuple(sorted(file.path for match in matches for file in match.metadata_list))


def require_paths(data_dir: str, table: str) -> tuple[str, ...]:
    """As `table_paths`, for a table that must be there.

    Raises:
      DataError: there is no file.
    """
    paths = table_paths(data_dir, table)
    if not paths:
        raise DataError(
            f"a prepared folder must hold {table}.parquet or {table}/*.parquet.",
            where=data_dir,
            received="no such file",
            remedy="prepare the data folder first; `goalpath run` does it by itself.",
        )
    return paths


def open_parquet(path: str) -> pq.ParquetFile:
    """Opens a Parquet file.

    Raises:
      DataError: it cannot be read as Parquet.
    """
    try:
        return pq.ParquetFile(FileSystems.open(path, compression_type=_PLAIN))
    except (OSError, BeamIOError, pa.ArrowException) as error:
        raise DataError(
            "a canonical table must be a Parquet file.",
            where=path,
            received=str(error),
            remedy="prepare the data folder again.",
        ) from error


_PLAIN = CompressionTypes.UNCOMPRESSED


def read_table(data_dir: str, table: str) -> pa.Table | None:
    """A whole table, for the small ones; None where there is none."""
    paths = table_paths(data_dir, table)
    if not paths:
        return None
    return pa.concat_tables([open_parquet(path).read() for path in paths])


def read_task(task: ReadTask) -> pa.Table:
    """The rows of a task."""
    return open_parquet(task.path).read_row_groups(list(task.row_groups))


def read_tasks(data_dir: str, table: str) -> tuple[tuple[ReadTask, ...], int]:
    """Tasks that together read a table, and its number of rows."""
    tasks: list[ReadTask] = []
    rows = 0
    for path in table_paths(data_dir, table):
        metadata = open_parquet(path).metadata
        rows += metadata.num_rows
        sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        tasks.extend(ReadTask(table, path, groups) for groups in _bundles(sizes))
    return tuple(tasks), rows


def _bundles(sizes: list[int]) -> list[tuple[int, ...]]:
    """Neighbouring row groups together up to `READ_ROWS` rows."""
    bundles: list[list[int]] = []
    rows = 0
    for group, size in enumerate(sizes):
        if not bundles or rows + size > READ_ROWS:
            bundles.append([])
            rows = 0
        bundles[-1].append(group)
        rows += size
    return [tuple(bundle) for bundle in bundles]


def latest(data_dir: str, table: str, column: str) -> int | None:
    """The greatest instant of a column, from the statistics of the files where they have it."""
    found: list[int] = []
    for path in table_paths(data_dir, table):
        file = open_parquet(path)
        for group in range(file.metadata.num_row_groups):
            value = _latest_of(file, group, column)
            if value is not None:
                found.append(value)
    return max(found, default=None)


def _latest_of(file: pq.ParquetFile, group: int, column: str) -> int | None:
    place = file.schema_arrow.get_field_index(column)
    if place < 0:
        return None
    statistics = file.metadata.row_group(group).column(place).statistics
    if statistics is not None and statistics.has_min_max:
        return int(statistics.max)
    value = pc.max(file.read_row_group(group, columns=[column])[column]).as_py()
    return None if value is None else int(value)


def distinct_texts(data_dir: str, table: str, column: str) -> tuple[str, ...]:
    """The distinct texts of a column, sorted; a missing text is ""."""
    found: set[str] = set()
    for path in table_paths(data_dir, table):
        file = open_parquet(path)
        if file.schema_arrow.get_field_index(column) < 0:
            found.add("")
            continue
        for batch in file.iter_batches(columns=[column]):
            found.update(text or "" for text in batch.column(0).unique().to_pylist())
    return tuple(sorted(found))


def create(path: str) -> IO[bytes]:
    """Opens a new file to write bytes into, as they are."""
    file: IO[bytes] = FileSystems.create(path, compression_type=_PLAIN)
    return file


def append(file: IO[bytes], data: memoryview) -> None:
    """Writes bytes piece by piece: one write of many megabytes took Linux 6.18 six times as long.

    Args:
      file: of `create`.
      data: of any length.
    """
    for start in range(0, len(data), WRITE_BYTES):
        file.write(data[start : start + WRITE_BYTES])


def write_ipc(path: str, table: pa.Table) -> None:
    """Writes a table as an Arrow IPC file."""
    with (
        create(path) as sink,
        pa.ipc.new_file(sink, table.schema) as writer,
    ):
        writer.write_table(table)


def read_ipc(path: str) -> pa.Table:
    """Reads a table that `write_ipc` wrote."""
    with FileSystems.open(path, compression_type=_PLAIN) as source:
        return pa.ipc.open_file(pa.BufferReader(source.read())).read_all()


def write_text(path: str, text: str) -> None:
    """Writes a text file."""
    with create(path) as sink:
        sink.write(text.encode())


def read_text(path: str) -> str:
    """Reads a text file."""
    with FileSystems.open(path, compression_type=_PLAIN) as source:
        return bytes(source.read()).decode()


def make_folder(path: str) -> None:
    """Makes a folder and its parents; one that is there already is left as it is."""
    try:
        FileSystems.mkdirs(path)
    except (OSError, BeamIOError):
        if not FileSystems.exists(path):
            raise


def remove_folder(path: str) -> None:
    """Removes a folder and what is in it, where there is one."""
    if FileSystems.exists(path):
        FileSystems.delete([path])


def move(source: str, target: str) -> None:
    """Renames a file, in place of one that an earlier attempt left."""
    if FileSystems.exists(target):
        FileSystems.delete([target])
    FileSystems.rename([source], [target])


def join(*parts: str) -> str:
    """A path."""
    return str(FileSystems.join(*parts))


STUDENT_TABLES = (names.STUDENTS, names.EVENTS, names.STAGE_CHANGES)
