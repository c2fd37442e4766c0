from __future__ import annotations

from pathlib import Path

import click
import pytest

from tests.documented_commands import check, commands

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
)
MAKEFILE = "run: setup  ## Run\n\t@true\ntest-fast:\n"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_of_the_documents_can_be_given(document: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for command in commands((ROOT / document).read_text()):
        check(command, makefile)


def test_the_readme_has_the_commands_to_start_with() -> None:
    found = commands((ROOT / "README.md").read_text())
    assert {"make run", "make test"} <= set(found)


def test_commands_are_those_of_code_blocks_without_their_remarks() -> None:
    document = (
        "goalpath run is no command here.\n\n"
        "    make run     what it does\n"
        "    goalpath validate --data DATA\n"
        "    output of it\n\n"
        "and\n    make no block: it goes on from the line above\n\n"
        "```sh\n$ goalpath run --data DATA \\\n    --out OUT  # a remark\nPushed version 1\n```\n"
        "- a list\n\n    .venv/bin/goalpath --help\n"
    )
    assert commands(document) == [
        "make run",
        "goalpath validate --data DATA",
        "goalpath run --data DATA --out OUT",
        "goalpath --help",
    ]


@pytest.mark.parametrize(
    "command",
    [
        "make run",
        "make run test-fast STUDENTS=10",
        "goalpath validate --data DATA [--json]",
        "goalpath run --data DATA --out OUT --runner local",
        "goalpath --debug validate --data DATA",
        "goalpath import oulad --source DIR --out DATA",
        "goalpath --help",
        "goalpath run -h",
    ],
)
def test_a_command_that_can_be_given_passes(command: str) -> None:
    check(command, MAKEFILE)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("make runs", "runs"),
        ("goalpath", "needs a subcommand"),
        ("goalpath runs --data DATA", "No such command"),
        ("goalpath --verbose validate --data DATA", "--verbose"),
        ("goalpath validate --data DATA --fast", "--fast"),
        ("goalpath validate --data DATA more", "more"),
        ("goalpath validate --data", "--data"),
        ("goalpath validate", "data_dir"),
        ("goalpath run --data DATA --out OUT --runner ray", "ray"),
        ("goalpath import uci --out DATA", "uci"),
    ],
)
def test_a_command_that_cannot_be_given_is_found(command: str, message: str) -> None:
    with pytest.raises((ValueError, click.UsageError)) as error:
        check(command, MAKEFILE)
    assert message in str(error.value)
