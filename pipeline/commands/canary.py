"""`goalpath canary`: a version answers a share of students."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.pushed_version import model_name, out_option
from schemas.errors import InputError
from serving.version_choice import read_choice, with_canary, write_choice
from serving.versions import list_versions


@click.command("canary")
@out_option
@click.argument("version", type=int, required=False)
@click.option("--share", type=float, default=0.1, show_default=True, help="Of students.")
@click.option("--end", is_flag=True, help="End the canary.")
def command(*, out: Path, version: int | None, share: float, end: bool) -> None:
    """Have VERSION answer a share of students, always the same ones.

    The version that answers the others is pinned by it. A gateway that runs follows within
    seconds; its metrics are by version.
    """
    if (version is None) == (not end):
        raise InputError("exactly one of VERSION and --end is needed.")
    listed = list_versions(out, model_name(out))
    choice = with_canary(read_choice(out), version, share, listed)
    write_choice(out, choice)
    if version is None:
        click.echo("There is no canary any more.")
    else:
        click.echo(
            f"Version {version} answers {share:.1%} of students, {choice.stable} the others."
        )
