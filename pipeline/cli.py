"""The command line: `goalpath COMMAND`.

A command is a module with a `command: click.Command`. It is imported when it is
called and not before, so that `goalpath --help` and the commands on data start
without TFX and TensorFlow.
"""

from __future__ import annotations

import difflib
import errno
import importlib
import importlib.metadata
import importlib.util
import os
import sys
import tempfile
import textwrap
import traceback
from collections.abc import Sequence
from typing import Final, NamedTuple

import click

from pipeline.disk_full import as_disk_full
from pipeline.exit_codes import ExitCode
from schemas.errors import GoalpathError

DISTRIBUTION: Final = "goalpath"
MESSAGE_WIDTH: Final = 88


class CommandEntry(NamedTuple):
    """Where a command is, and its line in `goalpath --help`."""

    module: str
    help: str


COMMANDS: Final[dict[str, CommandEntry]] = {
    "simulate": CommandEntry("pipeline.commands.simulate", "Write a simulated data folder."),
    "import": CommandEntry(
        "pipeline.commands.import_data", "Turn a known data set into a data folder."
    ),
    "validate": CommandEntry(
        "pipeline.commands.validate", "Check a data folder and say what is wrong."
    ),
    "run": CommandEntry("pipeline.commands.run", "Train, evaluate and push a model."),
    "report": CommandEntry("pipeline.commands.report", "Write the report of the last run."),
    "serve": CommandEntry("pipeline.commands.serve", "Answer by student id over HTTP."),
    "versions": CommandEntry("pipeline.commands.versions", "List the pushed versions."),
    "promote": CommandEntry("pipeline.commands.promote", "Choose the version that answers."),
    "rollback": CommandEntry("pipeline.commands.rollback", "Go back to the version before."),
    "canary": CommandEntry("pipeline.commands.canary", "Have a version answer some students."),
    "predict": CommandEntry("pipeline.commands.predict", "Predict for one student."),
    "recommend": CommandEntry("pipeline.commands.recommend", "Rank what to send to one student."),
    "score": CommandEntry("pipeline.commands.score", "Predict for every student, in bulk."),
    "kubeflow": CommandEntry("pipeline.commands.kubeflow", "Compile, run or schedule on Kubeflow."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands whose module is installed, in the order of `COMMANDS`."""
        return [name for name, entry in COMMANDS.items() if _is_installed(entry.module)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the module of `cmd_name`; None where there is no such command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(COMMANDS[cmd_name].module).command
        assert isinstance(command, click.Command), cmd_name
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command that `args` begin with.

        Raises:
          click.UsageError: there is none; the message names the nearest ones.
        """
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], known) or known
            hint = f"Did you mean {', '.join(near)}?" if near else ""
            raise click.UsageError(f"No such command: {args[0]!r}. {hint}".strip(), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands without importing one."""
        rows = [(name, COMMANDS[name].help) for name in self.list_commands(ctx)]
        if not rows:
            return
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _version() -> str:
    try:
        return importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return "unknown (not installed)"


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"goalpath {_version()}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done (and pushed); 1 failed; 2 bad input or usage; "
    "3 ran, but the model was not blessed.",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and leave.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of any error.")
def cli(debug: bool) -> None:
    """Predict what each student needs next, and who is about to be lost.

    A data folder goes in; out come a ranking of what to offer, the likelihood of the
    next step, and the risk of losing the student, for every student. Start with
    `goalpath validate --data DATA`.
    """


def describe_error(error: GoalpathError) -> str:
    """The message of `error` for a terminal: rule, where, received and remedy.

    Each part starts a line of its own; long parts are wrapped and indented.
    """
    parts = [
        ("error", error.rule),
        ("where", error.where),
        ("received", error.received),
        ("remedy", error.remedy),
    ]
    lines = [_labelled(label, text) for label, text in parts if text]
    return "\n".join(lines)


def _labelled(label: str, text: str) -> str:
    head = f"{label + ':':<10}"
    return textwrap.fill(
        text,
        width=MESSAGE_WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _write_traceback() -> str:
    handle, path = tempfile.mkstemp(prefix="goalpath-error-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as log:
        traceback.print_exc(file=log)
    return path


def _report_unexpected(error: Exception, debug: bool) -> ExitCode:
    if debug:
        traceback.print_exc()
        return ExitCode.FAILED
    summary = f"{type(error).__name__}: {error}".strip()
    click.echo(_labelled("error", f"goalpath met a fault it does not know. {summary}"), err=True)
    click.echo(_labelled("details", f"the traceback is in {_write_traceback()}"), err=True)
    return ExitCode.FAILED


def _report_click(error: click.ClickException) -> ExitCode:
    error.show()
    return ExitCode.BAD_INPUT


def _silence_stdout() -> None:
    # The interpreter flushes stdout at exit, and would complain of the pipe again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: Exception, debug: bool) -> ExitCode:
    if isinstance(error, GoalpathError):
        if debug:
            traceback.print_exc()
        click.echo(describe_error(error), err=True)
        return ExitCode(error.exit_code)
    if isinstance(error, click.ClickException):
        return _report_click(error)
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        _silence_stdout()
        return ExitCode.BROKEN_PIPE
    full = as_disk_full(error)
    if full is not None:
        return _report(full, debug)
    return _report_unexpected(error, debug)


def _invoke(arguments: Sequence[str]) -> int:
    with cli.make_context("goalpath", list(arguments)) as ctx:
        outcome = cli.invoke(ctx)
    sys.stdout.flush()
    return outcome if isinstance(outcome, int) else ExitCode.DONE


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
      arguments: without the program's name; None: those of the process.

    Returns:
      The exit code. A command sets its own by `ctx.exit(code)` or by returning it.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return _invoke(given)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("\ninterrupted", err=True)
        return ExitCode.INTERRUPTED
    except Exception as error:  # the outermost border: every fault becomes an exit code
        return _report(error, "--debug" in given)


if __name__ == "__main__":
    sys.exit(main())
