"""The seven official CSV files, read and checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from schemas.errors import DataError

MODULE: Final = "code_module"
PRESENTATION: Final = "code_presentation"
ID_STUDENT: Final = "id_student"
ID_SITE: Final = "id_site"
ID_ASSESSMENT: Final = "id_assessment"
LENGTH: Final = "module_presentation_length"
FINAL_RESULT: Final = "final_result"
DATE: Final = "date"
DATE_REGISTRATION: Final = "date_registration"
DATE_UNREGISTRATION: Final = "date_unregistration"
DATE_SUBMITTED: Final = "date_submitted"
IS_BANKED: Final = "is_banked"
ASSESSMENT_TYPE: Final = "assessment_type"
ACTIVITY_TYPE: Final = "activity_type"

PASSED: Final = ("Pass", "Distinction")
FAILED: Final = "Fail"
WITHDRAWN: Final = "Withdrawn"

_NULL_VALUES = ["?", ""]
_ROWS_SHOWN = 5
_TEXT, _INT, _NUMBER = pl.String(), pl.Int64(), pl.Float64()


@dataclasses.dataclass(frozen=True)
class _File:
    """What one official file must hold.

    Attributes:
      name: without `.csv` or `.csv.gz`.
      columns: name -> type; other columns are ignored.
      required: columns in which no value may be missing.
      key: columns that name a row; empty where rows may repeat.
    """

    name: str
    columns: Mapping[str, pl.DataType]
    required: tuple[str, ...]
    key: tuple[str, ...] = ()


_PRESENTATION_KEY = (MODULE, PRESENTATION)
_ENROLMENT_KEY = (*_PRESENTATION_KEY, ID_STUDENT)
_ENROLMENT = {MODULE: _TEXT, PRESENTATION: _TEXT, ID_STUDENT: _TEXT}
_COURSES = _File(
    "courses",
    {MODULE: _TEXT, PRESENTATION: _TEXT, LENGTH: _INT},
    required=(*_PRESENTATION_KEY, LENGTH),
    key=_PRESENTATION_KEY,
)
_ASSESSMENTS = _File(
    "assessments",
    {
        MODULE: _TEXT,
        PRESENTATION: _TEXT,
        ID_ASSESSMENT: _TEXT,
        ASSESSMENT_TYPE: _TEXT,
        DATE: _INT,
        "weight": _NUMBER,
    },
    required=(*_PRESENTATION_KEY, ID_ASSESSMENT, ASSESSMENT_TYPE, "weight"),
    key=(ID_ASSESSMENT,),
)
_VLE = _File(
    "vle",
    {
        ID_SITE: _TEXT,
        MODULE: _TEXT,
        PRESENTATION: _TEXT,
        ACTIVITY_TYPE: _TEXT,
        "week_from": _INT,
        "week_to": _INT,
    },
    required=(ID_SITE, *_PRESENTATION_KEY, ACTIVITY_TYPE),
    key=(ID_SITE,),
)
_STUDENT_INFO = _File(
    "studentInfo",
    {
        **_ENROLMENT,
        "gender": _TEXT,
        "region": _TEXT,
        "highest_education": _TEXT,
        "imd_band": _TEXT,
        "age_band": _TEXT,
        "num_of_prev_attempts": _INT,
        "studied_credits": _INT,
        "disability": _TEXT,
        FINAL_RESULT: _TEXT,
    },
    required=(*_ENROLMENT_KEY, FINAL_RESULT),
    key=_ENROLMENT_KEY,
)
_STUDENT_REGISTRATION = _File(
    "studentRegistration",
    {**_ENROLMENT, DATE_REGISTRATION: _INT, DATE_UNREGISTRATION: _INT},
    required=_ENROLMENT_KEY,
    key=_ENROLMENT_KEY,
)
_STUDENT_ASSESSMENT = _File(
    "studentAssessment",
    {
        ID_ASSESSMENT: _TEXT,
        ID_STUDENT: _TEXT,
        DATE_SUBMITTED: _INT,
        IS_BANKED: _INT,
        "score": _NUMBER,
    },
    required=(ID_ASSESSMENT, ID_STUDENT, DATE_SUBMITTED, IS_BANKED),
)
_STUDENT_VLE = _File(
    "studentVle",
    {**_ENROLMENT, ID_SITE: _TEXT, DATE: _INT, "sum_click": _INT},
    required=(*_ENROLMENT_KEY, ID_SITE, DATE, "sum_click"),
)


@dataclasses.dataclass(frozen=True)
class Source:
    """The seven tables with the official column names; days are Int64, ids are text.

    `?` and the empty field are null. Keys are unique, required columns complete, and
    `final_result` is one of the four official words.
    """

    courses: pl.DataFrame
    assessments: pl.DataFrame
    vle: pl.DataFrame
    student_info: pl.DataFrame
    student_registration: pl.DataFrame
    student_assessment: pl.DataFrame
    student_vle: pl.DataFrame


def read_source(folder: Path) -> Source:
    """Reads the seven files, plain or gzipped.

    Args:
      folder: holds `<name>.csv` or `<name>.csv.gz` for each of the seven.

    Raises:
      DataError: a file or column is missing, a value is no number, a required value
        is missing, a key repeats, or a `final_result` is unknown.
    """
    info = _read(folder, _STUDENT_INFO)
    _check_final_results(info)
    return Source(
        courses=_read(folder, _COURSES),
        assessments=_read(folder, _ASSESSMENTS),
        vle=_read(folder, _VLE),
        student_info=info,
        student_registration=_read(folder, _STUDENT_REGISTRATION),
        student_assessment=_read(folder, _STUDENT_ASSESSMENT),
        student_vle=_read(folder, _STUDENT_VLE),
    )


def _read(folder: Path, file: _File) -> pl.DataFrame:
    path = _find(folder, file.name)
    raw = _read_text(path)
    missing = [column for column in file.columns if column not in raw.columns]
    if missing:
        raise DataError(
            f"columns {', '.join(missing)} are required.",
            where=path.name,
            received=", ".join(raw.columns),
            remedy="use the official file, with its header line unchanged.",
        )
    frame = raw.select(_typed(raw, path.name, name, kind) for name, kind in file.columns.items())
    _check_required(frame, path.name, file.required)
    _check_key(frame, path.name, file.key)
    return frame


def _find(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.csv", folder / f"{name}.csv.gz"):
        if path.is_file():
            return path
    there = sorted(path.name for path in folder.glob("*")) if folder.is_dir() else []
    raise DataError(
        f"{name}.csv or {name}.csv.gz is required.",
        where=str(folder),
        received=", ".join(there) or "no such folder, or an empty one",
        remedy="give --source the folder that holds the seven official OULAD files.",
    )


def _read_text(path: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(path, infer_schema=False, null_values=_NULL_VALUES)
    except (pl.exceptions.PolarsError, OSError, EOFError) as error:
        raise DataError(
            "the file must be comma-separated text in UTF-8, plain or gzipped.",
            where=str(path),
            received=" ".join(str(error).split())[:200],
            remedy="download or extract the official file again.",
        ) from error


def _typed(raw: pl.DataFrame, where: str, name: str, kind: pl.DataType) -> pl.Series:
    text = raw.get_column(name)
    values: pl.Series = text.cast(kind, strict=False)
    broken = (values.is_null() & text.is_not_null()).arg_true()
    if broken.len():
        raise DataError(
            f"`{name}` must hold {'whole ' if kind.is_integer() else ''}numbers.",
            where=f"{where}, {_lines(broken.to_list())}",
            received=repr(text[broken[0]]),
            remedy="correct these lines, or use the official file.",
        )
    return values


def _check_required(frame: pl.DataFrame, where: str, columns: Sequence[str]) -> None:
    for name in columns:
        empty = frame.get_column(name).is_null().arg_true().to_list()
        if empty:
            raise DataError(
                f"`{name}` must not be missing.",
                where=f"{where}, {_lines(empty)}",
                received="? or an empty field",
                remedy="correct these lines, or use the official file.",
            )


def _check_key(frame: pl.DataFrame, where: str, key: Sequence[str]) -> None:
    if not key:
        return
    repeated = frame.select(~pl.struct(key).is_first_distinct()).to_series().arg_true().to_list()
    if repeated:
        values = frame.select(key).row(repeated[0])
        raise DataError(
            f"{' + '.join(key)} must not repeat.",
            where=f"{where}, {_lines(repeated)}",
            received=" ".join(values),
            remedy="remove the repeated lines.",
        )


def _check_final_results(info: pl.DataFrame) -> None:
    known = (*PASSED, FAILED, WITHDRAWN)
    results = info.get_column(FINAL_RESULT)
    unknown = (~results.is_in(known)).arg_true().to_list()
    if unknown:
        raise DataError(
            f"`{FINAL_RESULT}` must be one of {', '.join(known)}.",
            where=f"{_STUDENT_INFO.name}, {_lines(unknown)}",
            received=repr(results[unknown[0]]),
            remedy="correct these lines, or use the official file.",
        )


def _lines(indices: Sequence[int]) -> str:
    """Names data rows by their line in the file, the header being line 1."""
    shown = ", ".join(str(index + 2) for index in indices[:_ROWS_SHOWN])
    more = len(indices) - _ROWS_SHOWN
    return f"line {shown}" + (f" and {more} more" if more > 0 else "")
