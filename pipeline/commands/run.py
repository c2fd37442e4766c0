"""`goalpath run`: from a data folder to a pushed model."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import click

from pipeline.run import RunRequest, run
from pipeline.run_text import describe_run
from pipeline.runner_names import BEAM, RUNNERS


@click.command("run")
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with goalpath.yaml and the tables.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for everything the run makes; a second run there reuses what it can.",
)
@click.option(
    "--runner",
    type=click.Choice(RUNNERS),
    default=BEAM,
    show_default=True,
    help="What schedules the nodes.",
)
@click.option(
    "--as-of",
    default="",
    metavar="DATE",
    help="Learn as if it were this date or time. Default: just after the latest row.",
)
@click.option(
    "--window-days",
    type=click.IntRange(min=1),
    metavar="N",
    help="Learn from the last N days only. Default: all.",
)
@click.option(
    "--max-bad-rows",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Rows that may be set aside before the data are refused.",
)
@click.option(
    "--beam-args",
    metavar="ARGS",
    help='Arguments of the Beam pipelines in the nodes, such as "--runner=FlinkRunner". '
    "Default: in this process.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the content of run.json.")
@click.option("--no-cache", is_flag=True, help="Run every node, whatever earlier runs left.")
def command(
    *,
    data: Path,
    out: Path,
    runner: str,
    as_of: str,
    window_days: int | None,
    max_bad_rows: int,
    beam_args: str | None,
    as_json: bool,
    no_cache: bool,
) -> int:
    """Train, evaluate and push a model.

    Progress goes to standard error, the result to standard output and to OUT/run.json.
    A run that was stopped goes on from the last node that finished.
    """
    request = RunRequest(
        data=data,
        out=out,
        runner=runner,
        as_of=as_of,
        window_days=window_days or 0,
        max_bad_rows=max_bad_rows,
        beam_args=beam_args,
        use_cache=not no_cache,
    )
    summary = run(request, dt.datetime.now(dt.timezone.utc))
    click.echo(
        json.dumps(summary, indent=2, ensure_ascii=False) if as_json else describe_run(summary, out)
    )
    return int(summary["exit_code"])
