"""`goalpath kubeflow schedule`: recurring runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
from pipeline.kubeflow.cron import parse_cron
from pipeline.kubeflow.run_parameters import parse_values
from pipeline.kubeflow.schedules import (
    Plan,
    Schedule,
    apply_schedule,
    delete_schedule,
    list_schedules,
    pause_schedule,
    resume_schedule,
)
from pipeline.kubeflow.workspace import Workspace

_TIMES_SHOWN = 3


@click.group("schedule")
def command() -> None:
    """Create, look at, pause, resume and delete schedules."""


@command.command("apply")
@click.argument("name")
@click.option(
    "--cron",
    "expression",
    required=True,
    help='Six fields, seconds first, in UTC unless the server says otherwise: "0 0 6 * * 1" '
    "is 06:00 every Monday.",
)
@pipeline_options
@server_options
@click.option("--paused", is_flag=True, help="Start nothing until it is resumed.")
def apply(
    *,
    name: str,
    expression: str,
    pipeline: Path,
    params: tuple[str, ...],
    settings: Path | None,
    paused: bool,
    **server: Any,
) -> int:
    """Create the schedule NAME, or replace it by this.

    Every run learns as of the instant that it was due, unless --param as_of says another.
    """
    cron = parse_cron(expression)
    compiled = read_compiled(pipeline)
    values = parse_values(parse_pairs(params), compiled.declared, compiled.required)
    config = read_settings(settings)
    plan = Plan(
        name=name,
        cron=cron,
        values=values,
        pipeline_root=config.pipeline_root if config else None,
        service_account=config.server.service_account if config else None,
        paused=paused,
    )
    change, schedule = apply_schedule(open_workspace(config, **server), compiled, plan)
    click.echo(f"{change.value}: {describe(schedule)}")
    if schedule.enabled:
        times = cron.next_times(dt.datetime.now(dt.timezone.utc), _TIMES_SHOWN)
        click.echo("next (UTC): " + ", ".join(f"{time:%Y-%m-%d %H:%M:%S}" for time in times))
    return ExitCode.DONE


@command.command("list")
@server_options
def show(*, settings: Path | None, **server: Any) -> int:
    """Show all schedules of the experiment."""
    workspace = open_workspace(read_settings(settings), **server)
    schedules = list_schedules(workspace)
    for schedule in schedules:
        click.echo(describe(schedule))
    if not schedules:
        click.echo(f"No schedule of {workspace.experiment}.")
    return ExitCode.DONE


def describe(schedule: Schedule) -> str:
    """One line, and the link below it."""
    state = "active" if schedule.enabled else "paused"
    given = ", ".join(f"{key}={value}" for key, value in sorted(schedule.parameters.items()))
    return f"{schedule.name}  {state}  {schedule.cron!r}  {given}\n    {schedule.link}"


def _add(name: str, text: str, act: Callable[[Workspace, str], list[Schedule]], done: str) -> None:
    @command.command(name, help=text)
    @click.argument("schedule")
    @server_options
    def change(*, schedule: str, settings: Path | None, **server: Any) -> int:
        changed = act(open_workspace(read_settings(settings), **server), schedule)
        click.echo(f"{done}: {schedule}" + (f" ({len(changed)})" if len(changed) > 1 else ""))
        return ExitCode.DONE


_add("pause", "Let a schedule start nothing until it is resumed.", pause_schedule, "paused")
_add("resume", "Let a paused schedule start runs again.", resume_schedule, "resumed")
_add("delete", "Remove a schedule; runs that it started stay.", delete_schedule, "deleted")
