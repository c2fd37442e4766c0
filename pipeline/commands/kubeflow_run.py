"""`goalpath kubeflow run`: start a run, and wait for it if asked to."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any, Final

import click

from pipeline.commands.kubeflow_server import (
    open_workspace,
    parse_pairs,
    pipeline_options,
    read_settings,
    server_options,
)
from pipeline.exit_codes import ExitCode
from pipeline.kubeflow.compiled_file import read_compiled
from pipeline.kubeflow.run_parameters import parse_values
from pipeline.kubeflow.runs import SUCCEEDED, RunState, start_run, wait_for
from pipeline.node_ids import MODEL_PUSHER

_POLL_SECONDS: Final = 10.0
# As Argo words how the container of a node ended.
_NOT_PUSHED: Final = f"exit code {int(ExitCode.NOT_BLESSED)}"


@click.command("run")
@pipeline_options
@server_options
@click.option("--name", help="Of the run. Default: the pipeline's and the time.")
@click.option("--wait", is_flag=True, help="Wait for its end; the exit code says how it went.")
def command(
    *,
    pipeline: Path,
    params: tuple[str, ...],
    settings: Path | None,
    name: str | None,
    wait: bool,
    **server: Any,
) -> int:
    """Upload the pipeline where it is new, and start a run."""
    compiled = read_compiled(pipeline)
    values = parse_values(parse_pairs(params), compiled.declared, compiled.required)
    config = read_settings(settings)
    workspace = open_workspace(config, **server)
    now = dt.datetime.now(dt.timezone.utc)
    run = start_run(
        workspace,
        compiled,
        name=name or f"{compiled.pipeline} {now:%Y-%m-%d %H:%M:%S}",
        values=values,
        pipeline_root=config.pipeline_root if config else None,
        service_account=config.server.service_account if config else None,
    )
    click.echo(f"Started {run.name}: {run.link}")
    if not wait:
        return ExitCode.DONE
    ended = wait_for(
        workspace,
        run.run_id,
        sleep=lambda: time.sleep(_POLL_SECONDS),
        show=lambda state: click.echo(state.state, err=True),
    )
    click.echo(describe_end(ended))
    return exit_code(ended)


def exit_code(run: RunState) -> ExitCode:
    """What the end of a run means: pushed, failed, or not let through."""
    if run.state == SUCCEEDED:
        return ExitCode.DONE
    if run.failed == (MODEL_PUSHER,) and _NOT_PUSHED in run.reason:
        return ExitCode.NOT_BLESSED
    return ExitCode.FAILED


def describe_end(run: RunState) -> str:
    """One line: the state, what failed and why."""
    failed = f" in {', '.join(run.failed)}" if run.failed else ""
    reason = f": {run.reason}" if run.reason else ""
    return f"{run.state}{failed}{reason}"
