"""What is to be known of a data folder before its tables are read."""

from __future__ import annotations

from pathlib import Path

from schemas import names
from schemas.config import GoalpathConfig, load_config
from schemas.errors import ConfigError, DataError
from schemas.prepare import REPORT_FILE
from schemas.report import CheckReport


def require_data_folder(data_dir: str) -> Path:
    """The folder as a path of this machine.

    Raises:
      DataError: it is a URI, or there is no such folder.
    """
    if "://" in data_dir:
        raise DataError(
            "the data folder must be on a volume of the pod.",
            where=names.DATA_DIR_PARAMETER,
            received=repr(data_dir),
            remedy="mount a volume that holds it (`volumes` of the Kubeflow settings), and pass "
            "its path there.",
        )
    folder = Path(data_dir)
    if not folder.is_dir():
        nearest = next((each for each in folder.parents if each.is_dir()), Path("/"))
        found = sorted(each.name for each in nearest.iterdir())[:10]
        raise DataError(
            "the data folder must exist in the pod.",
            where=names.DATA_DIR_PARAMETER,
            received=f"{data_dir}; {nearest} holds {', '.join(found) or 'nothing'}",
            remedy="correct the run parameter, or put the tables on the volume that is mounted "
            "there.",
        )
    return folder


def other_config(data_dir: Path, config: GoalpathConfig) -> str:
    """What to warn of where the folder's own `goalpath.yaml` is not the compiled one.

    Returns:
      "" where there is none, or the same.
    """
    path = data_dir / names.CONFIG_FILE
    if not path.is_file():
        return ""
    try:
        same = load_config(data_dir) == config
    except ConfigError as error:
        return f"{path} is not used, and would be refused: {error}"
    if same:
        return ""
    return (
        f"{path} is not what this pipeline was compiled with, and is not used. Compile it anew "
        "with `goalpath kubeflow compile` for a change to take effect."
    )


def reported_problems(folder: Path) -> tuple[str, ...]:
    """One line for each problem in the report that a refused preparation left."""
    path = folder / REPORT_FILE
    if not path.is_file():
        return ()
    report = CheckReport.from_json(path.read_text(encoding="utf-8"))
    return tuple(
        f"{each.where()}: {each.message}"
        + (f", found {', '.join(map(repr, each.samples))}" if each.samples else "")
        for each in report.problems
    )
