"""What a run on Kubeflow can be told, beside what was compiled into the pipeline."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, Literal

from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import InputError
from schemas.kubeflow_config import KubeflowConfig

Kind = Literal["STRING", "NUMBER_INTEGER"]
Value = str | int
TEXT: Final[Kind] = "STRING"
INTEGER: Final[Kind] = "NUMBER_INTEGER"


@dataclasses.dataclass(frozen=True)
class RunParameter:
    """A parameter of a run.

    Attributes:
      name: as Kubeflow shows it.
      kind: `ParameterType` of the pipeline spec.
      default: of a run that says nothing.
      description: for the form of Kubeflow's page.
    """

    name: str
    kind: Kind
    default: Value
    description: str


def run_parameters(config: GoalpathConfig, kubeflow: KubeflowConfig) -> tuple[RunParameter, ...]:
    """The parameters with their defaults."""
    return (
        RunParameter(
            names.DATA_DIR_PARAMETER,
            TEXT,
            kubeflow.data_dir,
            "Folder of the tables, on a volume of the pods.",
        ),
        RunParameter(
            names.AS_OF_PARAMETER,
            TEXT,
            "",
            "Learn as if it were this instant (ISO 8601, or a date). Empty: just after the "
            "latest row.",
        ),
        RunParameter(
            names.WINDOW_DAYS_PARAMETER,
            INTEGER,
            0,
            "Learn from so many days before as_of. 0: from all.",
        ),
        RunParameter(
            names.MAX_BAD_ROWS_PARAMETER,
            INTEGER,
            0,
            "Rows that may be set aside before the data are refused.",
        ),
        RunParameter(
            names.TRAINING_EPOCHS_PARAMETER,
            INTEGER,
            0,
            "Passes over the training split, at most. 0: as goalpath.yaml says.",
        ),
        RunParameter(
            names.SERVING_DIR_PARAMETER,
            TEXT,
            kubeflow.serving_dir(config.serving.model_name),
            "Folder of the model's versions, on a volume that lasts.",
        ),
        RunParameter(
            names.STATES_DIR_PARAMETER,
            TEXT,
            kubeflow.states_dir(),
            "Folder of the student states of each version, on a volume that lasts.",
        ),
    )


def parse_values(
    pairs: Mapping[str, str], declared: Mapping[str, Kind], required: frozenset[str]
) -> dict[str, Value]:
    """Checks what a run is given against what its pipeline declares.

    Args:
      pairs: parameter -> value as text.
      declared: parameter -> kind, as compiled.
      required: those of them without a default.

    Returns:
      Values of the kinds declared.

    Raises:
      InputError: a parameter is unknown, misses a value, or is no integer.
    """
    missing = sorted(required - pairs.keys())
    if missing:
        raise InputError(
            "a parameter without a default must be given a value.",
            where=missing[0],
            received="nothing",
            remedy=f"pass --param {missing[0]}=VALUE.",
        )
    return {name: _parse(name, text, declared) for name, text in pairs.items()}


def _parse(name: str, text: str, declared: Mapping[str, Kind]) -> Value:
    if name not in declared:
        raise InputError(
            "the pipeline must have the parameter.",
            where=f"--param {name}",
            received=repr(text),
            remedy=f"use one of {', '.join(sorted(declared))}.",
        )
    if declared[name] == TEXT:
        if not text and name in (
            names.DATA_DIR_PARAMETER,
            names.SERVING_DIR_PARAMETER,
            names.STATES_DIR_PARAMETER,
        ):
            raise InputError(
                "the parameter must have a value.",
                where=f"--param {name}",
                received="an empty text",
                remedy="pass a folder, or leave the parameter out for its default.",
            )
        return text
    try:
        value = int(text)
    except ValueError as error:
        raise _no_count(name, text) from error
    if value < 0:
        raise _no_count(name, text)
    return value


def _no_count(name: str, text: str) -> InputError:
    return InputError(
        "the parameter must be a whole number, 0 or more.",
        where=f"--param {name}",
        received=repr(text),
        remedy="correct the value.",
    )
