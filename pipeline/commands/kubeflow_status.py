"""`goalpath kubeflow status`: the last runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.commands.kubeflow_run import describe_end
from pipeline.commands.kubeflow_server import open_workspace, read_settings, server_options
from pipeline.exit_codes import ExitCode
from pipeline.kubeflow.runs import RunState, last_runs


@click.command("status")
@server_options
@click.option(
    "--last", type=click.IntRange(min=1), default=5, show_default=True, help="How many runs."
)
def command(*, settings: Path | None, last: int, **server: Any) -> int:
    """Show the last runs of the experiment, newest first."""
    workspace = open_workspace(read_settings(settings), **server)
    runs = last_runs(workspace, last)
    for run in runs:
        click.echo(_line(run))
    if not runs:
        click.echo(f"No run of {workspace.experiment} yet.")
    return ExitCode.DONE


def _line(run: RunState) -> str:
    created = f"{run.created:%Y-%m-%d %H:%M}" if run.created else "-" * 16
    minutes = ""
    if run.created and run.finished:
        minutes = f"{(run.finished - run.created).total_seconds() / 60:.0f} min"
    by = " (schedule)" if run.schedule_id else ""
    return f"{created}  {minutes:>7}  {run.name}{by}  {describe_end(run)}\n    {run.link}"
