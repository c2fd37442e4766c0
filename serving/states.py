"""Reads the stored student states of a model version, one student at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from schemas import names
from schemas.errors import DataError, InputError, UnknownStudentError

ENDED = "ended"  # bool column: lost, at the last stage, or in a closed cohort


class EndedStudentError(InputError):
    """A student who is lost, at the last stage, or in a closed cohort: nothing is predicted."""


@dataclasses.dataclass(frozen=True)
class StudentState:
    """One row of `states.parquet`.

    Attributes:
      values: column -> scalar, or list for vectors and ragged features, as
        `schemas.features.state_features` has them; ids and texts are bytes.
      ended: the student is lost, at the last stage, or in a closed cohort.
    """

    values: Mapping[str, object]
    ended: bool

    @property
    def student_id(self) -> str:
        """Id of the student."""
        return as_text(self.values[names.STUDENT_ID])

    @property
    def audience(self) -> bytes:
        """The audience the student belongs to; b"" where there is none."""
        return as_bytes(self.values[names.AUDIENCE])

    @property
    def snapshot_time(self) -> int:
        """The instant the state is of, in microseconds since the epoch, UTC."""
        return int(str(self.values[names.SNAPSHOT_TIME]))


def as_bytes(value: object) -> bytes:
    """A text of a state as bytes, however Parquet gave it."""
    return value if isinstance(value, bytes) else str(value).encode()


def as_text(value: object) -> str:
    """A text of a state as str, however Parquet gave it."""
    return value.decode() if isinstance(value, bytes) else str(value)


def read_state(path: Path, student_id: str) -> StudentState:
    """The state of one student.

    Args:
      path: of `states.parquet`.
      student_id: as in the students table.

    Raises:
      DataError: the file cannot be read.
      UnknownStudentError: no such student.
    """
    rows = _first_rows(path, names.STUDENT_ID, student_id)
    if not rows:
        raise UnknownStudentError(
            "a student must be in the data set that the model version was made from.",
            where="--student",
            received=repr(student_id),
            remedy="check the id, or run the pipeline again on data that have it.",
        )
    return rows[0]


def first_student(path: Path) -> StudentState:
    """The first student of the file for whom something can be predicted.

    Raises:
      DataError: the file cannot be read, or every student has ended.
    """
    rows = _first_rows(path, ENDED, False)
    if not rows:
        raise DataError(
            "at least one student must not be lost, at the last stage, or in a closed cohort.",
            where=str(path),
            received="every student has ended",
            remedy="run `goalpath run` on data with students still in the funnel.",
        )
    return rows[0]


def require_open(state: StudentState) -> None:
    """Refuses a student about whom the heads say nothing.

    Raises:
      EndedStudentError: the student is lost, at the last stage, or in a closed cohort.
    """
    if state.ended:
        raise EndedStudentError(
            "a student who is lost, at the last stage, or in a closed cohort has no next step "
            "to predict.",
            where=f"student {state.student_id}",
            received=f"stage {as_text(state.values[names.Q_STAGE])}",
            remedy="ask about a student who is still in the funnel.",
        )


def _first_rows(path: Path, column: str, value: object) -> list[StudentState]:
    """At most one row where `column` is `value`, without reading the whole file."""
    try:
        data = ds.dataset(path, format="parquet")
        wanted = pa.scalar(value).cast(data.schema.field(column).type)
        rows = data.scanner(filter=ds.field(column) == wanted).head(1).to_pylist()
        return [StudentState(row, bool(row.pop(ENDED))) for row in rows]
    except (OSError, KeyError, ValueError) as error:
        raise DataError(
            "the student states of a model version must be readable.",
            where=str(path),
            received=str(error),
            remedy="push again with `goalpath run`.",
        ) from error
