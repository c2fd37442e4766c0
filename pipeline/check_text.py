"""The report of `goalpath validate` as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

import click

from schemas.problems import Problem, describe_rows
from schemas.report import CheckReport, TableSummary
from schemas.rules import Severity

_WIDTH: Final = 96
_INDENT: Final = "  "
_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_LABELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def format_report(report: CheckReport) -> str:
    """The whole report, with colours that `click.echo` strips where there is no terminal."""
    sections = (_head(report), *_problem_blocks(report), _verdict(report))
    return "\n\n".join("\n".join(lines) for lines in map(list, sections) if lines)


def _head(report: CheckReport) -> Iterator[str]:
    yield f"Data set {click.style(report.name, bold=True)} in {report.data_dir}"
    yield ""
    yield from _table_lines(report.tables)
    if report.first_event is not None and report.last_event is not None:
        yield f"{_INDENT}events from {_minute(report.first_event)} to {_minute(report.last_event)}"
    for table in report.tables:
        if table.ignored:
            yield from _wrapped(f"not read in {table.table}: ", ", ".join(table.ignored))


def _minute(iso: str) -> str:
    return iso[:16].replace("T", " ") + " UTC"


def _table_lines(tables: Sequence[TableSummary]) -> Iterator[str]:
    yield f"{_INDENT}{'table':<14}{'rows':>12}{'set aside':>12}   files"
    for table in tables:
        aside = f"{table.set_aside:>12,}"
        if table.set_aside:
            aside = click.style(aside, fg="red")
        yield f"{_INDENT}{table.table:<14}{table.rows:>12,}{aside}   {_files(table.files)}"


def _files(files: Sequence[str]) -> str:
    if not files:
        return "(none)"
    return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


def _problem_blocks(report: CheckReport) -> Iterator[Iterator[str]]:
    for problem in report.problems:
        yield _problem_lines(problem)


def _problem_lines(problem: Problem) -> Iterator[str]:
    label = click.style(_LABELS[problem.severity], fg=_COLOURS[problem.severity], bold=True)
    place = problem.table if problem.column is None else f"{problem.table}.{problem.column}"
    yield f"{label}  {click.style(place, bold=True)}"
    yield from _wrapped("", _sentence(problem))
    if problem.rows:
        yield from _wrapped("where:  ", f"{problem.rows[0].file}, {describe_rows(problem)}")
    if problem.samples:
        yield from _wrapped("found:  ", ", ".join(repr(sample) for sample in problem.samples))
    yield from _wrapped("remedy: ", problem.remedy)


def _sentence(problem: Problem) -> str:
    if not problem.count:
        return f"{problem.message[:1].upper()}{problem.message[1:]}."
    noun = "row" if problem.count == 1 else "rows"
    return f"{problem.count:,} {noun}: {problem.message}."


def _wrapped(label: str, text: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent=_INDENT + label,
        subsequent_indent=_INDENT + " " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _verdict(report: CheckReport) -> Iterator[str]:
    if report.ok:
        yield from _verdict_good(report)
    else:
        yield from _verdict_bad(report)
    if report.quarantine is not None:
        yield f"The rejected rows, with reasons, are in {report.quarantine}."
    elif report.rows_set_aside:
        yield "To get the rejected rows as CSV files, with reasons: --quarantine FOLDER."


def _verdict_good(report: CheckReport) -> Iterator[str]:
    aside = report.rows_set_aside
    word = click.style("Valid", fg="green", bold=True)
    without = f" without the {_rows(aside)} set aside" if aside else ""
    yield f"{word}{without}. Next: goalpath run --data {report.data_dir} --out OUT"


def _verdict_bad(report: CheckReport) -> Iterator[str]:
    word = click.style("Not valid", fg="red", bold=True)
    blocking = sum(problem.blocks for problem in report.problems)
    if blocking:
        what = "1 error stops" if blocking == 1 else f"{blocking} errors stop"
        yield f"{word}: {what} a run, whatever rows are left out."
        return
    aside, allowed = report.rows_set_aside, report.max_bad_rows
    yield f"{word}: {_rows(aside)} would be set aside, and {allowed:,} may be (--max-bad-rows)."
    yield f"Mend the rows, or go on without them: --max-bad-rows {aside}."


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
