"""Opens the newest pushed version for a command that asks about one student."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from schemas.config import GoalpathConfig, stored_config
from schemas.errors import InputError
from serving import states, versions

if TYPE_CHECKING:
    from serving.pushed_model import PushedModel

Command = Callable[..., Any]

out_option: Callable[[Command], Command] = click.option(
    "--out",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of `goalpath run`.",
)
student_option: Callable[[Command], Command] = click.option(
    "--student", metavar="ID", help="Id of the student."
)
any_student_option: Callable[[Command], Command] = click.option(
    "--any-student", is_flag=True, help="Take the first student still in the funnel."
)


def open_pushed(
    out: Path, *, student: str | None, any_student: bool
) -> tuple[versions.Version, PushedModel, states.StudentState]:
    """The newest version, its model, and the state of the student asked about.

    Raises:
      InputError: nothing was pushed, the student is unknown, or both or neither of
        `student` and `any_student` are given.
    """
    if (student is None) == (not any_student):
        raise InputError("exactly one of --student ID and --any-student is needed.")
    version = versions.newest_version(out, model_name(out))
    state = (
        states.first_student(version.states_path)
        if student is None
        else states.read_state(version.states_path, student)
    )
    model, _ = load_model(version)
    return version, model, state


def load_model(version: versions.Version) -> tuple[PushedModel, GoalpathConfig]:
    """The model of a version and the configuration that it was made with."""
    config = stored_config(version.manifest["config"], where=str(version.model_dir))
    # A library that TensorFlow imports announces the end of Python 3.10, which TFX 1.16
    # dictates; errors are raised all the same.
    with without_greetings(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are using a non-supported Python", FutureWarning)
        from serving.pushed_model import PushedModel  # noqa: PLC0415  TensorFlow takes seconds

        return PushedModel(version.model_dir, config), config


@contextlib.contextmanager
def without_greetings() -> Iterator[None]:
    """Keeps what TensorFlow writes to standard error while it loads, and tells it if it fails.

    Its libraries write to the file descriptor from C++, some of it whatever the level. Where
    a person has set the level, nothing is kept from them.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        yield
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(saved, kept.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def model_name(out: Path) -> str:
    """The one model of a folder.

    Raises:
      InputError: there is none, or there are several.
    """
    found = versions.model_names(out)
    if len(found) != 1:
        raise InputError(
            "a folder of `goalpath run` has one served model.",
            where=str(out / versions.SERVING_FOLDER),
            received=", ".join(found) or "none",
            remedy="run `goalpath run --data DATA --out OUT` first, or check --out.",
        )
    return found[0]
