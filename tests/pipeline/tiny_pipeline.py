"""A pipeline of three nodes whose behaviour files in a folder decide.

Without postponed annotations: TFX reads those of a component at import.
"""

import os
import time
from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration import metadata as tfx_metadata
from tfx.orchestration import pipeline as tfx_pipeline
from tfx.types.standard_artifacts import Examples, Model

from schemas.errors import DataError

FIRST = "First"
SECOND = "Second"
THIRD = "Third"
FAIL = "fail"
FAULT = "fault"
FULL = "full"
HANG = "hang"
HANGING = "hanging"


def _behave(node: str, folder: Path) -> None:
    if (folder / f"{node}-{FAIL}").exists():
        raise DataError(
            "a test must hold.", where="table t", received="7 rows", remedy="mend the rows."
        )
    if (folder / f"{node}-{FAULT}").exists():
        raise KeyError("no such thing")
    if (folder / f"{node}-{FULL}").exists():
        raise OSError(28, os.strerror(28))
    if (folder / f"{node}-{HANG}").exists():
        (folder / f"{node}-{HANGING}").touch()
        time.sleep(600)


@component
def First(  # noqa: N802  the id of the node
    folder: Parameter[str], examples: OutputArtifact[Examples]
) -> None:
    (Path(examples.uri) / "half").write_text("half")
    _behave(FIRST, Path(folder))
    (Path(examples.uri) / "data").write_text("x" * 1000)


@component
def Second(  # noqa: N802
    folder: Parameter[str], examples: InputArtifact[Examples], model: OutputArtifact[Model]
) -> None:
    (Path(model.uri) / "half").write_text("half")
    _behave(SECOND, Path(folder))
    (Path(model.uri) / "model").write_text((Path(examples.uri) / "data").read_text()[:10])


@component
def Third(folder: Parameter[str], model: InputArtifact[Model]) -> None:  # noqa: N802
    _behave(THIRD, Path(folder))


def tiny_pipeline(out: Path, folder: Path) -> tfx_pipeline.Pipeline:
    first = First(folder=str(folder))
    second = Second(folder=str(folder), examples=first.outputs["examples"])
    third = Third(folder=str(folder), model=second.outputs["model"])
    return tfx_pipeline.Pipeline(
        pipeline_name="tiny",
        pipeline_root=str(out / "pipeline"),
        components=[first, second, third],
        enable_cache=True,
        metadata_connection_config=tfx_metadata.sqlite_metadata_connection_config(
            str(out / "metadata.sqlite")
        ),
    )
