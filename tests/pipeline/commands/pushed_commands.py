"""Runs `goalpath` in this process."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from pipeline import cli


class Answer(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str


def ask(capsys: pytest.CaptureFixture[str], *arguments: object) -> Answer:
    """The answer to a command line."""
    capsys.readouterr()
    code = cli.main([str(argument) for argument in arguments])
    return Answer(code, *capsys.readouterr())
