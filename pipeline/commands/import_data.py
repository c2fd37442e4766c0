"""`goalpath import`: public data sets as data folders."""

from __future__ import annotations

import time
from pathlib import Path

import click
import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table

from datasets.oulad.importer import ImportSummary, import_oulad
from datasets.oulad.presentations import LAST_CLICK_DAY, LENGTH_DAYS, OBSERVED_DAYS
from schemas import names
from schemas.errors import InputError


@click.group(name="import")
def command() -> None:
    """Turn a public data set into a goalpath data folder."""


@command.command(name="oulad")
@click.option(
    "--source",
    "source_dir",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder with the seven official CSV files, plain or gzipped.",
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Data folder to create."
)
@click.option(
    "--presentations",
    default="",
    metavar="LIST",
    help="Comma-separated, such as AAA-2013J,BBB-2013J. Default: those that have clicks.",
)
@click.option(
    "--observed-until",
    multiple=True,
    metavar="PRESENTATION=DAY",
    help="Days after its start until which a presentation is observed. May be repeated. "
    "Default: derived from where its clicks stop.",
)
@click.option("--force", is_flag=True, help="Replace the data folder if it exists.")
def oulad(
    source_dir: Path,
    out: Path,
    presentations: str,
    observed_until: tuple[str, ...],
    force: bool,
) -> None:
    """Open University Learning Analytics Dataset (seven CSV files, CC BY 4.0)."""
    started = time.monotonic()
    wanted = [name.strip() for name in presentations.split(",") if name.strip()]
    summary = import_oulad(
        source_dir,
        out,
        wanted=wanted or None,
        observed_days=_parse_days(observed_until),
        force=force,
    )
    _print_summary(Console(), summary, chosen=bool(wanted))
    click.echo(f"Wrote {out} in {time.monotonic() - started:.1f} s.")


def _parse_days(pairs: tuple[str, ...]) -> dict[str, int]:
    days: dict[str, int] = {}
    for pair in pairs:
        name, _, day = pair.partition("=")
        if not name or not day.isascii() or not day.isdigit():
            raise InputError(
                "a presentation and a number of days are required.",
                where="--observed-until",
                received=repr(pair),
                remedy="write it like BBB-2013J=132.",
            )
        days[name] = int(day)
    return days


def _print_summary(console: Console, summary: ImportSummary, *, chosen: bool) -> None:
    console.print(_cohort_table(summary))
    console.print(_account_table(summary))
    for row in summary.cohorts.filter(pl.col(OBSERVED_DAYS).is_not_null()).iter_rows(named=True):
        click.echo(_describe_cut(row))
    reached = ", ".join(f"{stage} {count:,}" for stage, count in summary.stage_counts.items())
    click.echo(f"Students with a record of each stage: {reached}.")
    if summary.skipped:
        why = "not asked for" if chosen else "no clicks; name them with --presentations"
        click.echo(f"Not imported ({why}): {', '.join(summary.skipped)}.")


def _describe_cut(row: dict[str, object]) -> str:
    return (
        f"{row[names.COHORT]}: clicks stop on day {row[LAST_CLICK_DAY]} of {row[LENGTH_DAYS]}; "
        f"observed until day {row[OBSERVED_DAYS]}, unknown from there on."
    )


def _cohort_table(summary: ImportSummary) -> Table:
    table = _plain_table("Imported presentations")
    for title in ("cohort", "starts", "closes", "observed\nuntil"):
        table.add_column(title, no_wrap=True)
    for title in ("students", "events", "stage\nchanges"):
        table.add_column(title, justify="right")
    for row in summary.cohorts.iter_rows(named=True):
        until = row[names.OBSERVED_UNTIL]
        table.add_row(
            row[names.COHORT],
            f"{row[names.STARTS]:%Y-%m-%d}",
            f"{row[names.CLOSES]:%Y-%m-%d}",
            f"{until:%Y-%m-%d}" if until else "its close",
            *(f"{row[name]:,}" for name in (names.STUDENTS, names.EVENTS, names.STAGE_CHANGES)),
        )
    return table


def _plain_table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE, show_edge=False, pad_edge=False)


def _account_table(summary: ImportSummary) -> Table:
    table = _plain_table("Rows read")
    table.add_column("file", no_wrap=True)
    table.add_column("read", justify="right", no_wrap=True)
    table.add_column("used", justify="right", no_wrap=True)
    table.add_column("left out, and why")
    for account in summary.accounts:
        reasons = "; ".join(f"{count:,} {text}" for text, count in account.left_out.items())
        table.add_row(account.source, f"{account.read:,}", f"{account.used:,}", reasons or "none")
    return table
