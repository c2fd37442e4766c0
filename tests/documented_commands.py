"""Finds the commands in the code blocks of a document, and parses each as it would be run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final

import click

from pipeline.cli import cli

_FENCE: Final = re.compile(r"^\s*```")
_INDENTED: Final = re.compile(r"^ {4}(?P<code>.*)$")
_COMMAND: Final = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?(?P<command>(?:make|goalpath) .*)$")
# What stands after the command on its line: two spaces, and what it is for.
_REMARK: Final = re.compile(r"\s{2,}.*$|\s+#.*$")
_CONTINUED: Final = re.compile(r"\s*\\\n\s*")
_TARGET: Final = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


def code_lines(document: str) -> Iterator[str]:
    """The lines of fenced and of indented code blocks of a Markdown document."""
    fenced, after_blank = False, True
    indented = False
    for line in document.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
            continue
        match = _INDENTED.match(line)
        indented = bool(match) and (indented or after_blank)
        after_blank = not line.strip()
        if fenced:
            yield line.strip()
        elif match and indented:
            yield match["code"].strip()


def commands(document: str) -> list[str]:
    """The commands of a document, each on one line, without remarks."""
    joined = _CONTINUED.sub(" ", "\n".join(code_lines(document)))
    found = (_COMMAND.match(line) for line in joined.splitlines())
    return [_REMARK.sub("", match["command"]) for match in found if match]


def check(command: str, makefile: str) -> None:
    """Parses one command; what is written in square brackets is there.

    Raises:
      ValueError: there is no such target.
      click.UsageError: there is no such subcommand or option, or one is missing.
    """
    program, *arguments = shlex.split(command.replace("[", "").replace("]", ""))
    if program == "make":
        _check_targets(arguments, makefile)
    else:
        _parse(cli, click.Context(cli, info_name="goalpath", **cli.context_settings), arguments)


def _check_targets(arguments: list[str], makefile: str) -> None:
    known = set(_TARGET.findall(makefile))
    unknown = [each for each in arguments if "=" not in each and each not in known]
    if unknown:
        raise ValueError(f"no such target of make: {unknown}; there are {sorted(known)}")


def _parse(command: click.Command, context: click.Context, arguments: list[str]) -> None:
    values, rest, given_parameters = command.make_parser(context).parse_args(list(arguments))
    if any(parameter.is_eager for parameter in given_parameters):  # such as --help
        return
    if isinstance(command, click.Group):
        if not rest:
            raise click.UsageError(f"{context.info_name} needs a subcommand")
        name, subcommand, rest = command.resolve_command(context, rest)
        assert subcommand is not None
        _parse(subcommand, click.Context(subcommand, context, info_name=name), rest)
        return
    if rest:
        raise click.UsageError(f"unexpected: {rest}")
    for parameter in command.get_params(context):
        given = values.get(parameter.name or "")
        if given is None and parameter.required:
            raise click.MissingParameter(param=parameter, ctx=context)
        if given is not None and isinstance(parameter.type, click.Choice):
            parameter.type_cast_value(context, given)
