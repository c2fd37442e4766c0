"""Finds the files of a table in a data folder."""

from __future__ import annotations

import difflib
import glob
from pathlib import Path
from typing import Final

from schemas import names
from schemas.config import TableConfig
from schemas.errors import DataError

PARQUET_SUFFIXES: Final = (".parquet", ".pq")
CSV_SUFFIXES: Final = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
# Written into a prepared folder; there, every table is where it is by default.
PREPARED_FILE: Final = "prepared.json"


def is_prepared(data_dir: Path) -> bool:
    """Whether `schemas.prepare` wrote the folder."""
    return (data_dir / PREPARED_FILE).is_file()


def is_parquet(path: Path) -> bool:
    """Whether the file is Parquet by its name; anything else is read as CSV."""
    return path.name.lower().endswith(PARQUET_SUFFIXES)


def list_files(data_dir: Path, table: str, entry: TableConfig) -> tuple[Path, ...]:
    """The files of `table`, sorted by path.

    Args:
      data_dir: the data folder.
      table: of `names.TABLES`.
      entry: of the table. Without a `path`, the files are `<table>.csv`,
        `<table>.csv.gz` or `<table>.parquet`, or those in the folder `<table>/`.

    Raises:
      DataError: the folder or the files are missing, or there are two sets of them.
    """
    if not data_dir.is_dir():
        raise DataError(
            "the data folder must exist.",
            where=str(data_dir),
            received="no such folder" if not data_dir.exists() else "not a folder",
            remedy="check the path after --data.",
        )
    if entry.path is None or is_prepared(data_dir):
        return _default_files(data_dir, table)
    return _configured_files(data_dir, table, entry.path)


def default_places(data_dir: Path, table: str) -> tuple[Path, ...]:
    """The default files or folder of `table` that are there."""
    names_tried = (f"{table}.csv", f"{table}.csv.gz", f"{table}.parquet", table)
    return tuple(data_dir / name for name in names_tried if (data_dir / name).exists())


def _default_files(data_dir: Path, table: str) -> tuple[Path, ...]:
    places = default_places(data_dir, table)
    if not places:
        raise _missing(data_dir, table, f"{table}.csv, {table}.csv.gz, {table}.parquet or {table}/")
    if len(places) > 1:
        raise DataError(
            f"the table {table} must be in one place.",
            where=str(data_dir),
            received=" and ".join(place.name for place in places),
            remedy=f"remove all but one, or name one under tables.{table}.path.",
        )
    return _expand(places[0], data_dir, table)


def _configured_files(data_dir: Path, table: str, pattern: str) -> tuple[Path, ...]:
    place = data_dir / pattern
    if place.exists():
        return _expand(place, data_dir, table)
    found = glob.glob(pattern, root_dir=data_dir, recursive=True)
    files = tuple(sorted(data_dir / name for name in found if (data_dir / name).is_file()))
    if not files:
        raise _missing(data_dir, table, pattern)
    return files


def _expand(place: Path, data_dir: Path, table: str) -> tuple[Path, ...]:
    if place.is_file():
        return (place,)
    # Writers such as Spark leave marker files whose names begin with _ or a dot.
    files = tuple(
        sorted(
            path
            for path in place.iterdir()
            if path.is_file()
            and not path.name.startswith(("_", "."))
            and path.name.lower().endswith((*PARQUET_SUFFIXES, *CSV_SUFFIXES))
        )
    )
    if not files:
        raise _missing(data_dir, table, f"CSV or Parquet files in {place.name}/")
    return files


def _missing(data_dir: Path, table: str, tried: str) -> DataError:
    present = sorted(
        path.name for path in data_dir.iterdir() if path.name not in (names.CONFIG_FILE,)
    )
    near = difflib.get_close_matches(table, present, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    return DataError(
        f"the table {table} is missing: {tried}.",
        where=str(data_dir),
        received=f"a folder with {', '.join(present[:12]) or 'nothing in it'}",
        remedy=f"put the file there, or name it under tables.{table}.path in "
        f"{names.CONFIG_FILE}.{hint}",
    )
