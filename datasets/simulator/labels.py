"""Labels of the truth's snapshots, from the written tables, by the plain definitions.

The pipeline has its own, for its own purposes; these are for comparing truth with what
happened.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

from schemas import names
from schemas.config import GoalpathConfig

LIKELIHOOD_LABEL: Final = names.LIKELIHOOD_LABEL
RISK_LABEL: Final = names.RISK_LABEL
GOAL_LABEL_PREFIX: Final = names.GOAL_LABEL + "_"
_LOST_INDEX: Final = -1
_AT = "at"


class _Window(NamedTuple):
    """How far labels look, and the last instant known."""

    days: int
    last: object


def label_snapshots(
    snapshots: pl.DataFrame,
    events: pl.DataFrame,
    stage_changes: pl.DataFrame,
    config: GoalpathConfig,
) -> pl.DataFrame:
    """Adds `likelihood_label`, `risk_label` and `goal_label_<stage>` to snapshots.

    Args:
      snapshots: student_id, snapshot_time, stage.
      events: with response and stage_after.
      stage_changes: stage records apart from events.
      config: stages, horizons and responses.

    Returns:
      The snapshots with Boolean labels; null where the window reaches past the last
      record of the data.
    """
    active = events.filter(pl.col(names.RESPONSE).is_in(config.responses.active or ()))
    records = _stage_records(events, stage_changes, config)
    last = pl.concat([active[names.TIMESTAMP], records[_AT]]).max()
    order = {stage: index for index, stage in enumerate(config.stages)}
    own = pl.col(names.STAGE).replace_strict(order, return_dtype=pl.Int64)
    rows = snapshots.with_row_index("row").with_columns(own.alias("own"))
    horizons = config.horizons
    advanced = pl.col("to") > pl.col("own")
    left = pl.col("to") == _LOST_INDEX
    seen = active.select(names.STUDENT_ID, pl.col(names.TIMESTAMP).alias(_AT))
    window = _Window(horizons.risk_days, last)
    rows = _mark(rows, records, window, label="lost", condition=left)
    rows = _mark(rows, seen, window, label="active", condition=pl.lit(True))
    rows = rows.with_columns((pl.col("lost") | ~pl.col("active")).alias(RISK_LABEL))
    window = _Window(horizons.likelihood_days, last)
    rows = _mark(rows, records, window, label=LIKELIHOOD_LABEL, condition=advanced)
    window = _Window(horizons.goal_days, last)
    for index, stage in enumerate(config.stages):
        label = GOAL_LABEL_PREFIX + stage
        rows = _mark(rows, records, window, label=label, condition=pl.col("to") >= index)
        known = pl.when(pl.col(label).is_not_null())
        rows = rows.with_columns(known.then(pl.col(label) | (pl.col("own") >= index)))
    return rows.drop("row", "own", "lost", "active")


def _stage_records(
    events: pl.DataFrame, stage_changes: pl.DataFrame, config: GoalpathConfig
) -> pl.DataFrame:
    """student_id, `at`, `to` (index of the stage, `_LOST_INDEX` for lost)."""
    order = {stage: index for index, stage in enumerate(config.stages)}
    order[names.LOST] = _LOST_INDEX
    leaving = pl.col(names.RESPONSE).is_in(config.responses.lost)
    word = pl.when(leaving).then(pl.lit(names.LOST)).otherwise(pl.col(names.STAGE_AFTER))
    columns = (names.STUDENT_ID, names.TIMESTAMP, names.STAGE)
    both = pl.concat(
        [
            events.with_columns(word.alias(names.STAGE)).select(columns),
            stage_changes.select(columns),
        ]
    ).drop_nulls(names.STAGE)
    return both.select(
        names.STUDENT_ID,
        pl.col(names.TIMESTAMP).alias(_AT),
        pl.col(names.STAGE).replace_strict(order, return_dtype=pl.Int64).alias("to"),
    )


def _mark(
    rows: pl.DataFrame,
    records: pl.DataFrame,
    window: _Window,
    *,
    label: str,
    condition: pl.Expr,
) -> pl.DataFrame:
    """Adds `label`: whether some record in [t, t + days) meets `condition`."""
    begin = pl.col(names.SNAPSHOT_TIME)
    end = begin + pl.duration(days=window.days)
    hits = (
        rows.join(records, on=names.STUDENT_ID)
        .filter((pl.col(_AT) >= begin) & (pl.col(_AT) < end) & condition)
        .get_column("row")
        .unique()
    )
    known = pl.when(end <= pl.lit(window.last))
    return rows.with_columns(known.then(pl.col("row").is_in(hits.implode())).alias(label))
