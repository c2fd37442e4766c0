"""`goalpath simulate`: a simulated university as a data folder."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from datasets.simulator import parameters
from datasets.simulator.simulate import (
    DEFAULT_START,
    DEFAULT_WEEKS,
    SimulationSummary,
    simulate,
)
from datasets.simulator.table_writer import TableFormat
from schemas import names

_PLAIN_LINES = 10


@click.command(name="simulate")
@click.option("--students", type=int, default=2000, show_default=True, help="How many.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of all randomness.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Data folder to create."
)
@click.option("--weeks", type=int, default=DEFAULT_WEEKS, show_default=True, help="How long.")
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    default=f"{DEFAULT_START:%Y-%m-%d}",
    show_default=True,
    help="First day, a Monday.",
)
@click.option(
    "--format",
    "table_format",
    type=click.Choice([kind.value for kind in TableFormat]),
    default=TableFormat.PARQUET.value,
    show_default=True,
    help="Of the tables.",
)
@click.option(
    "--profile",
    type=click.Choice(list(parameters.PROFILES)),
    default="funnel",
    show_default=True,
    help="The world: as usual, with more contacts, or one in which no contact helps.",
)
@click.option("--force", is_flag=True, help="Replace the data folder if it exists.")
def command(
    *,
    students: int,
    seed: int,
    out: Path,
    weeks: int,
    start: dt.datetime,
    table_format: str,
    profile: str,
    force: bool,
) -> None:
    """Simulate a university's recruitment, with the true probabilities behind it."""
    started = time.monotonic()
    with _progress(students) as on_progress:
        summary = simulate(
            out,
            students=students,
            seed=seed,
            weeks=weeks,
            start=start.date(),
            profile=profile,
            table_format=TableFormat(table_format),
            force=force,
            on_progress=on_progress,
        )
    _print_summary(summary)
    click.echo(f"Wrote {out} in {time.monotonic() - started:.1f} s.")


@contextlib.contextmanager
def _progress(students: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, a few plain lines elsewhere, both on stderr."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _PlainProgress(students)
        return
    columns = (
        TextColumn("Simulating"),
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,} students"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=students)
        yield lambda done: bar.update(task, completed=done)


class _PlainProgress:
    """Says how far it is about every tenth of the way."""

    def __init__(self, students: int) -> None:
        self._students = students
        self._said = 0

    def __call__(self, done: int) -> None:
        tenths = _PLAIN_LINES * done // self._students
        if tenths > self._said:
            self._said = tenths
            click.echo(f"simulated {done:,} of {self._students:,} students", err=True)


def _print_summary(summary: SimulationSummary) -> None:
    rows = ", ".join(f"{table} {count:,}" for table, count in summary.rows.items())
    reached = ", ".join(f"{stage} {share:.1%}" for stage, share in summary.reached.items())
    click.echo(f"Rows: {rows}.")
    click.echo(f"Students that reached: {reached}.")
    click.echo(f"Students that were lost: {summary.lost:.1%}.")
    if not summary.rows[names.EVENTS]:
        click.echo("No event came about: simulate more students or more weeks.")
