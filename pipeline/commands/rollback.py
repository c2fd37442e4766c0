"""`goalpath rollback`: the version before answers again."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.pushed_version import model_name, out_option
from serving.version_choice import read_choice, rolled_back, write_choice
from serving.versions import list_versions


@click.command("rollback")
@out_option
def command(*, out: Path) -> None:
    """Have the version answer that was promoted before, else the next older one.

    It stays until another is promoted; a canary is ended. A gateway that runs follows
    within seconds.
    """
    choice = rolled_back(read_choice(out), list_versions(out, model_name(out)))
    write_choice(out, choice)
    click.echo(f"Version {choice.stable} answers, until another is promoted.")
