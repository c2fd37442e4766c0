"""Runs `goalpath` many times in forks of one process that has imported TFX.

Each run is a process of its own, which can be killed; the import, which takes longer
than the run where all nodes are cached, is done once.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn

from tests.e2e.kills import die_in
from tests.e2e.runs import ROOT, Done

LONGEST_SECONDS: Final = 900
IMPORTED: Final = (
    "components.event_example_gen.executor",
    "pipeline.commands.run",
    "pipeline.local_runner",
    "tfx.components.statistics_gen.executor",
    "tfx.components.transform.executor",
    "trainer.preprocessing",
    "trainer.train",
)


@dataclasses.dataclass(frozen=True)
class _Order:
    arguments: list[str]
    die_in: str
    out: str
    err: str


class Forks:
    """The client's side; a context manager.

    Args:
      folder: for the output of the runs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.forks"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def goalpath(self, *arguments: object, die_in: str = "") -> Done:
        """Runs the command line; with `die_in` it kills itself in that node."""
        out, err = self._folder / "out.txt", self._folder / "err.txt"
        order = _Order([str(each) for each in arguments], die_in, str(out), str(err))
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(dataclasses.asdict(order)) + "\n")
        self._server.stdin.flush()
        code = int(self._server.stdout.readline())
        return Done(code, out.read_text(), err.read_text())

    def __enter__(self) -> Forks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.communicate()


def serve() -> None:
    """Takes orders, one a line; answers each with the exit code of its process."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # what libraries print on import is no answer
        for module in IMPORTED:
            __import__(module)
        while line := sys.stdin.readline():
            child = os.fork()
            if not child:
                _run(_Order(**json.loads(line)))
            _, status = os.waitpid(child, 0)
            answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
            answers.flush()


def _run(order: _Order) -> NoReturn:
    from pipeline import cli

    signal.alarm(LONGEST_SECONDS)
    for stream, path in ((1, order.out), (2, order.err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), stream)
    if order.die_in:
        die_in(order.die_in)
    code = cli.main(order.arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
