"""The columns of each table: their names, types, and which of them must be there."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Final

from schemas import names
from schemas.config import GoalpathConfig, Kind, TableConfig


class ColumnType(enum.Enum):
    """How a column stands in a canonical frame."""

    ID = "id"  # string
    TEXT = "text"  # string
    STAGE = "stage"  # string, one of the configured stages or "lost"
    NUMBER = "number"  # float64, finite
    INSTANT = "instant"  # int64, microseconds since the epoch, UTC


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
      name: in the contract.
      type: of its values.
      required: the table must have it, and no row may lack it.
      expected: the table must have it, though a row may lack it.
      feature: it is there because the configuration lists it under `features`.
    """

    name: str
    type: ColumnType
    required: bool = False
    expected: bool = False
    feature: bool = False


_COLUMNS: Final[Mapping[str, tuple[Column, ...]]] = {
    names.STUDENTS: (
        Column(names.STUDENT_ID, ColumnType.ID, required=True),
        Column(names.AUDIENCE, ColumnType.TEXT),
        Column(names.COHORT, ColumnType.ID),
        Column(names.ENTERED_AT, ColumnType.INSTANT),
    ),
    names.ENGAGEMENTS: (
        Column(names.ENGAGEMENT_ID, ColumnType.ID, required=True),
        Column(names.ENGAGEMENT_TYPE, ColumnType.TEXT, required=True),
        Column(names.AUDIENCE, ColumnType.TEXT),
        Column(names.AVAILABLE_FROM, ColumnType.INSTANT),
        Column(names.AVAILABLE_TO, ColumnType.INSTANT),
        Column(names.DUE, ColumnType.INSTANT),
    ),
    names.EVENTS: (
        Column(names.STUDENT_ID, ColumnType.ID, required=True),
        Column(names.ENGAGEMENT_ID, ColumnType.ID, required=True),
        Column(names.TIMESTAMP, ColumnType.INSTANT, required=True),
        Column(names.RESPONSE, ColumnType.TEXT),
        Column(names.VALUE, ColumnType.NUMBER),
        Column(names.STAGE_AFTER, ColumnType.STAGE),
    ),
    names.STAGE_CHANGES: (
        Column(names.STUDENT_ID, ColumnType.ID, required=True),
        Column(names.TIMESTAMP, ColumnType.INSTANT, required=True),
        Column(names.STAGE, ColumnType.STAGE, required=True),
    ),
    names.COHORTS: (
        Column(names.COHORT, ColumnType.ID, required=True),
        Column(names.STARTS, ColumnType.INSTANT, required=True),
        Column(names.CLOSES, ColumnType.INSTANT, required=True),
        Column(names.OBSERVED_UNTIL, ColumnType.INSTANT),
    ),
}
_TYPE_OF_KIND: Final[Mapping[Kind, ColumnType]] = {
    Kind.NUMERIC: ColumnType.NUMBER,
    Kind.CATEGORICAL: ColumnType.TEXT,
    Kind.TEXT: ColumnType.TEXT,
    Kind.DATE: ColumnType.INSTANT,
}


def configured_tables(config: GoalpathConfig) -> tuple[str, ...]:
    """The tables that the data set has, in the order of `names.TABLES`."""
    return tuple(table for table in names.TABLES if table_config(config, table) is not None)


def table_config(config: GoalpathConfig, table: str) -> TableConfig | None:
    """The entry of `table` in the configuration; None where the data set has no such table."""
    entry: TableConfig | None = getattr(config.tables, table)
    return entry


def contract_columns(table: str) -> tuple[Column, ...]:
    """The columns of `table` by the contract, features left out."""
    return _COLUMNS[table]


def table_columns(config: GoalpathConfig, table: str) -> tuple[Column, ...]:
    """The columns of a canonical frame: those of the contract, then the features.

    A feature that is also a column of the contract (`cohort`, say) is one column.
    With a table of cohorts, the students must have the column `cohort`, though a
    student may be in none.
    """
    columns = contract_columns(table)
    if table == names.STUDENTS and config.tables.cohorts is not None:
        columns = tuple(
            dataclasses.replace(column, expected=True) if column.name == names.COHORT else column
            for column in columns
        )
    known = {column.name for column in columns}
    entry = table_config(config, table)
    features = entry.features if entry is not None else {}
    extra = tuple(
        Column(name, _TYPE_OF_KIND[kind], feature=True)
        for name, kind in features.items()
        if name not in known
    )
    return columns + extra


def kind_fits(kind: Kind, column: Column) -> bool:
    """Whether a column of the contract can be a feature of `kind`."""
    text = (ColumnType.ID, ColumnType.TEXT, ColumnType.STAGE)
    wanted = _TYPE_OF_KIND[kind]
    return column.type in text if wanted is ColumnType.TEXT else column.type is wanted
