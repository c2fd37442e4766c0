"""Posted events in PostgreSQL, for several gateways over one store."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from schemas.errors import InputError
from serving.gateway.sql_events import Connection, SqlEvents

try:
    import psycopg
except ImportError as missing:
    raise InputError(
        "PostgreSQL needs its driver.",
        where="GOALPATH_STORE_URL",
        received=str(missing),
        remedy="install goalpath[postgres], or leave the URL out for SQLite.",
    ) from missing

_SCHEMA_LOCK: Final = 0x60A1  # two gateways that start at once would both make the table
_WAIT_SECONDS: Final = 5


class PostgresEvents(SqlEvents):
    """See `EventStore`.

    Args:
      url: as libpq takes it.
    """

    placeholder = "%s"
    faults = (psycopg.Error, OSError)
    schema = (
        f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})",
        """CREATE TABLE IF NOT EXISTS events (
          sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          event_id TEXT NOT NULL UNIQUE,
          student_id TEXT NOT NULL,
          engagement_id TEXT NOT NULL,
          posted_timestamp BIGINT NOT NULL,
          response TEXT NOT NULL,
          value DOUBLE PRECISION,
          stage_after TEXT NOT NULL
        )""",
        "CREATE INDEX IF NOT EXISTS events_of_student ON events (student_id, posted_timestamp)",
        "CREATE INDEX IF NOT EXISTS events_by_time ON events (posted_timestamp, student_id)",
    )

    def __init__(self, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        super().__init__(f"postgresql at {parts.hostname or 'the local socket'}{parts.path}")

    def connect(self) -> Connection:
        """A connection to the server."""
        return psycopg.connect(self._url, connect_timeout=_WAIT_SECONDS)
