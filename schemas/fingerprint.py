"""One text that changes whenever reading a data folder could give something else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from schemas import contract, table_files
from schemas.config import GoalpathConfig
from schemas.errors import DataError

# Keys of the configuration that decide what rows are read and accepted.
_READING_KEYS: Final = ("stages", "stage_aliases", "timezone", "tables", "responses", "split")
_CHUNK_BYTES: Final = 1 << 20


def fingerprint_data(data_dir: str | Path, config: GoalpathConfig) -> str:
    """SHA-256 over the tables' files and what the configuration says of reading them.

    The files count by their paths in the folder, their sizes and their content. Keys
    that do not concern the tables (training, serving, ...) do not count.

    Returns:
      64 hexadecimal digits.

    Raises:
      DataError: a table is missing or a file cannot be read.
    """
    folder = Path(data_dir)
    reading = config.model_dump(mode="json", include=set(_READING_KEYS))
    digest = hashlib.sha256(json.dumps(reading, sort_keys=True).encode())
    for table in contract.configured_tables(config):
        entry = contract.table_config(config, table)
        assert entry is not None, table
        for path in table_files.list_files(folder, table, entry):
            label = Path(path).relative_to(folder) if path.is_relative_to(folder) else path
            digest.update(f"\n{table} {label.as_posix()} {path.stat().st_size} ".encode())
            digest.update(hash_file(path).encode())
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal.

    Raises:
      DataError: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as content:
            while chunk := content.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise DataError(
            "the file must be readable.",
            where=str(path),
            received=error.strerror or str(error),
            remedy="check its permissions.",
        ) from error
    return digest.hexdigest()
