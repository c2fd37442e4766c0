"""`goalpath kubeflow compile`: the YAML to upload."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from pipeline.exit_codes import ExitCode
from pipeline.kubeflow.check_spec import check_documents, check_file
from pipeline.output_capture import output_to
from schemas.config import load_config
from schemas.errors import GoalpathError, InputError
from schemas.kubeflow_config import SETTINGS_FILE, load_kubeflow_config


@click.command("compile")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with goalpath.yaml, that is compiled in.",
)
@click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"What is to be known of the cluster. Default: {SETTINGS_FILE} in DATA.",
)
@click.option("--image", help="In place of that of the settings.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where the YAML goes.")
@click.option(
    "--check",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Check a compiled pipeline instead, of whatever origin.",
)
def command(
    *,
    data: Path | None,
    settings: Path | None,
    image: str | None,
    out: Path | None,
    check: Path | None,
) -> int:
    """Compile the pipeline for Kubeflow Pipelines, or check a compiled one."""
    if check is not None:
        return _check(check)
    if data is None or out is None:
        raise click.UsageError("Give --data and --out, or --check.")
    _compile(data, settings or data / SETTINGS_FILE, image, out)
    return ExitCode.DONE


def _check(path: Path) -> int:
    try:
        findings = check_file(path)
    except OSError as error:
        raise InputError(
            "the file to check must be readable.",
            where=str(path),
            received=error.strerror or str(error),
            remedy="check the path.",
        ) from error
    for finding in findings:
        click.echo(str(finding))
    if not findings:
        click.echo(f"{path}: nothing known stands in its way.")
    return ExitCode.BAD_INPUT if findings else ExitCode.DONE


def _compile(data: Path, settings: Path, image: str | None, out: Path) -> None:
    if out.suffix not in (".yaml", ".yml"):
        raise InputError(
            "the compiled pipeline must be a .yaml file.",
            where="--out",
            received=str(out),
            remedy="give it that suffix; the server tells the kind of a file by it.",
        )
    config = load_config(data)
    kubeflow = load_kubeflow_config(settings, image=image)
    with tempfile.TemporaryDirectory(prefix="goalpath-compile-") as folder:
        with output_to(Path(folder) / "log"):
            from pipeline.kubeflow.compile_pipeline import (  # noqa: PLC0415  TFX is slow
                compile_pipeline,
                write_yaml,
            )

            documents = compile_pipeline(config, kubeflow)
        if findings := check_documents(documents):
            raise GoalpathError(
                "what was compiled must be free of known traps.",
                where=str(settings),
                received="; ".join(map(str, findings)),
                remedy="mend the settings where they are named; else this is a fault of goalpath.",
            )
        write_yaml(documents, out)
    click.echo(f"{out}: {len(documents[0]['root']['dag']['tasks'])} nodes, image {kubeflow.image}")
