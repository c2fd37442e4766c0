"""The files of conversion patterns: `patterns.json` and the table of journeys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.conversion_patterns import FORMAT, ConversionPatterns
from schemas.errors import GoalpathError

PATTERNS_FILE: Final = "patterns.json"
JOURNEYS_FILE: Final = "journeys.parquet"

# Columns of the table of journeys: one row for a student of the sample that moved on.
EMBEDDING: Final = "embedding"  # list<float32>, of the student at `days_in_stage`
FROM_STAGE: Final = "from_stage"
DAYS_IN_STAGE: Final = "days_in_stage"  # float32, when the embedding was taken
REACHED_STAGE: Final = "reached_stage"  # the furthest within the goal horizon of then
DAYS_TO_REACH: Final = "days_to_reach"  # float32, from then to `reached_stage`
TYPES_MET: Final = "types_met"  # list<string>, active events on the way, in their order
ENGAGEMENTS_MET: Final = "engagements_met"  # the same as ids; only what many students met
JOURNEYS_SCHEMA: Final = pa.schema(
    [
        (EMBEDDING, pa.list_(pa.float32())),
        (FROM_STAGE, pa.string()),
        (DAYS_IN_STAGE, pa.float32()),
        (REACHED_STAGE, pa.string()),
        (DAYS_TO_REACH, pa.float32()),
        (TYPES_MET, pa.list_(pa.string())),
        (ENGAGEMENTS_MET, pa.list_(pa.string())),
    ]
)


class PatternsUnreadableError(GoalpathError):
    """`patterns.json` or the table of journeys is missing, or of another format."""


def write_patterns(folder: Path, patterns: ConversionPatterns, journeys: pa.Table) -> None:
    """Writes `patterns.json` and `journeys.parquet` into an existing folder.

    Args:
      folder: where.
      patterns: the document.
      journeys: by `JOURNEYS_SCHEMA`.
    """
    text = patterns.model_dump_json(indent=2)
    (folder / PATTERNS_FILE).write_text(text + "\n", encoding="utf-8")
    pq.write_table(journeys.cast(JOURNEYS_SCHEMA), folder / JOURNEYS_FILE, compression="zstd")


def read_patterns(folder: Path) -> ConversionPatterns:
    """Reads `patterns.json` of a folder.

    Raises:
      PatternsUnreadableError: it is missing, damaged or of another format.
    """
    path = folder / PATTERNS_FILE
    try:
        patterns = ConversionPatterns.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from error
    if patterns.format != FORMAT:
        raise _unreadable(path, f"format {patterns.format}, where {FORMAT} is read")
    return patterns


def read_journeys(folder: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Reads `journeys.parquet` of a folder.

    Args:
      folder: where.
      columns: which; None: all.

    Raises:
      PatternsUnreadableError: it is missing or damaged.
    """
    path = folder / JOURNEYS_FILE
    try:
        return pq.read_table(path, columns=None if columns is None else list(columns))
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(path, str(error)) from error


def _unreadable(path: Path, received: str) -> PatternsUnreadableError:
    return PatternsUnreadableError(
        "conversion patterns must be readable.",
        where=str(path),
        received=received,
        remedy="run again with `goalpath run`.",
    )
