"""Checks a data folder and writes its accepted rows as canonical Parquet."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

from schemas.config import GoalpathConfig


@dataclasses.dataclass(frozen=True)
class PreparedData:
    """What `prepare_data` leaves.

    Attributes:
      folder: give it as `data_dir` to every function of `schemas.tables`. It holds
        `students.parquet`, `engagements.parquet`, `events/part-*.parquet`,
        `stage_changes.parquet`, `cohorts.parquet` (the last two where configured),
        `report.json` and, where rows were set aside, `quarantine/<table>.csv`.
        Every part of the events holds all events of its students, sorted by
        `student_id` and `timestamp`; the number of parts follows from the size.
      fingerprint: of the input files and of the keys of the configuration that
        matter to reading them.
      reused: the folder was there already with the same fingerprint.
    """

    folder: Path
    fingerprint: str
    reused: bool


def prepare_data(
    data_dir: str | Path,
    config: GoalpathConfig,
    out_dir: str | Path,
    *,
    now: dt.datetime,
    max_bad_rows: int = 0,
) -> PreparedData:
    """Validates a data folder and writes what passed into `out_dir`.

    Args:
      data_dir: folder of an institution.
      config: of the data set.
      out_dir: is made; an earlier preparation in it is replaced.
      now: aware; events at or after it are rejected.
      max_bad_rows: how many rows may be set aside before the data are refused.

    Raises:
      DataError: the data are refused; the message says why and where the report is.
    """
    raise NotImplementedError
