"""What became of every row that an importer read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import polars as pl

_REASON = "__left_out_because"


@dataclasses.dataclass(frozen=True)
class RowAccount:
    """The rows of one source file.

    Attributes:
      source: name of the file.
      read: rows read.
      used: rows that went into the data folder.
      left_out: reason -> rows left out for it; a row counts for one reason only.
    """

    source: str
    read: int
    used: int
    left_out: Mapping[str, int]

    def __post_init__(self) -> None:
        total = self.used + sum(self.left_out.values())
        if total != self.read:
            raise ValueError(f"{self.source}: {self.read} rows read, {total} accounted for")


def keep_rows(
    frame: pl.DataFrame, source: str, reasons: Sequence[tuple[str, pl.Expr]]
) -> tuple[pl.DataFrame, RowAccount]:
    """Drops the rows that some reason speaks against, and counts them by it.

    Args:
      frame: rows of the source.
      source: name of the file, for the account.
      reasons: (text, condition to leave a row out), the first that holds counts; a
        condition that is null does not hold.

    Returns:
      The other rows in their order, and the account.
    """
    marked = frame.with_columns(_first_reason(reasons).alias(_REASON))
    kept = marked.filter(pl.col(_REASON).is_null()).drop(_REASON)
    counts = dict(marked.get_column(_REASON).drop_nulls().value_counts().iter_rows())
    left_out = {text: counts[text] for text, _ in reasons if text in counts}
    return kept, RowAccount(source, frame.height, kept.height, left_out)


def _first_reason(reasons: Sequence[tuple[str, pl.Expr]]) -> pl.Expr:
    first: pl.Expr = pl.lit(None, dtype=pl.String)
    for text, condition in reversed(reasons):
        first = pl.when(condition).then(pl.lit(text)).otherwise(first)
    return first
