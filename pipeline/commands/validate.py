"""`goalpath validate`: checks a data folder."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from pipeline.check_text import format_report
from pipeline.exit_codes import ExitCode
from schemas.checks import check_data
from schemas.config import load_config


@click.command(name="validate")
@click.option(
    "--data",
    "data_dir",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DATA",
    help="The data folder, with its goalpath.yaml.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option(
    "--quarantine",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write the rejected rows there, one CSV file a table. They can hold personal data.",
)
@click.option(
    "--max-bad-rows",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="How many rows may be set aside for the data to be valid.",
)
@click.pass_context
def command(
    ctx: click.Context,
    data_dir: Path,
    as_json: bool,
    quarantine: Path | None,
    max_bad_rows: int,
) -> None:
    """Check a data folder and say what is wrong, where, and what to do.

    Nothing in the folder is changed. The exit code is 0 where the data can be used,
    and 2 where not.
    """
    report = check_data(
        data_dir,
        load_config(data_dir),
        now=dt.datetime.now(dt.timezone.utc),
        quarantine_dir=quarantine,
        max_bad_rows=max_bad_rows,
    )
    click.echo(report.to_json() if as_json else format_report(report))
    ctx.exit(ExitCode.DONE if report.ok else ExitCode.BAD_INPUT)
