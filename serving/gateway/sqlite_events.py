"""Posted events in SQLite: one file, nothing to run beside the gateway."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from serving.gateway.sql_events import Connection, SqlEvents

_WAIT_SECONDS: Final = 5.0


class SqliteEvents(SqlEvents):
    """See `EventStore`.

    In WAL mode readers and the writer do not wait for each other; with `synchronous` at FULL
    a commit returns when the log is on the disk.

    Args:
      path: of the file; it is made with its folder where it is not there.
    """

    placeholder = "?"
    begin = "BEGIN IMMEDIATE"  # a transaction that reads first and writes then may fail as busy
    faults = (sqlite3.Error, OSError)
    schema = (
        """CREATE TABLE IF NOT EXISTS events (
          sequence INTEGER PRIMARY KEY AUTOINCREMENT,
          event_id TEXT NOT NULL UNIQUE,
          student_id TEXT NOT NULL,
          engagement_id TEXT NOT NULL,
          posted_timestamp INTEGER NOT NULL,
          response TEXT NOT NULL,
          value REAL,
          stage_after TEXT NOT NULL
        )""",
        "CREATE INDEX IF NOT EXISTS events_of_student ON events (student_id, posted_timestamp)",
        "CREATE INDEX IF NOT EXISTS events_by_time ON events (posted_timestamp, student_id)",
    )

    def __init__(self, path: str) -> None:
        self._path = path
        super().__init__(path)

    def connect(self) -> Connection:
        """A connection to the file."""
        Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection
