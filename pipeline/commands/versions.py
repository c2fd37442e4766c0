"""`goalpath versions`: what was pushed, and what answers."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.pushed_version import model_name, out_option
from serving.version_choice import CANARY, STABLE, canary_of, read_choice, stable_of
from serving.versions import list_versions


@click.command("versions")
@out_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, out: Path, as_json: bool) -> None:
    """List the pushed versions, oldest first, and say which of them answers."""
    listed = list_versions(out, model_name(out))
    choice = read_choice(out)
    stable, canary = stable_of(choice, listed), canary_of(choice, listed)
    rows = []
    for version in listed:
        label = STABLE if version is stable else CANARY if version is canary else None
        rows.append(
            {
                "version": version.number,
                "label": label,
                "created": version.manifest.get("created"),
                "as_of": version.as_of,
            }
        )
    if as_json:
        told = {
            "versions": rows,
            "pinned": choice.stable is not None,
            "canary_share": choice.canary_share if canary is not None else 0.0,
        }
        click.echo(json.dumps(told, indent=2))
        return
    for row in rows:
        click.echo(f"{row['version']:>12}  {row['label'] or '':<7} of data as of {row['as_of']}")
    if canary is not None:
        click.echo(f"The canary answers {choice.canary_share:.1%} of students.")
    if choice.stable is None:
        click.echo("The newest version answers.")
