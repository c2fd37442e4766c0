"""`goalpath promote`: which version answers."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.pushed_version import model_name, out_option
from schemas.errors import InputError
from serving.version_choice import promoted, read_choice, stable_of, write_choice
from serving.versions import list_versions


@click.command("promote")
@out_option
@click.argument("version", type=int, required=False)
@click.option("--newest", is_flag=True, help="Whatever is pushed, as from the start.")
def command(*, out: Path, version: int | None, newest: bool) -> None:
    """Have VERSION answer, and go on answering when others are pushed.

    A gateway that runs follows within seconds.
    """
    if (version is None) == (not newest):
        raise InputError("exactly one of VERSION and --newest is needed.")
    listed = list_versions(out, model_name(out))
    choice = promoted(read_choice(out), version, listed)
    write_choice(out, choice)
    stable = stable_of(choice, listed)
    number = stable.number if stable is not None else "none yet"
    click.echo(f"Version {number} answers" + (", as the newest." if newest else "."))
