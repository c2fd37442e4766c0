"""What libraries print goes to the log, whatever way they print it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import logging, os, subprocess, sys
from pathlib import Path
from pipeline.output_capture import output_to
print("before")
with output_to(Path(sys.argv[1])) as terminal:
    print("python out")
    print("python err", file=sys.stderr)
    os.write(1, b"raw out\\n")
    os.write(2, b"raw err\\n")
    subprocess.run(["sh", "-c", "echo child >&2"])
    logging.getLogger("some.library").info("a record")
    terminal.write("shown\\n")
print("after")
logging.getLogger("some.library").info("not logged")
print("after err", file=sys.stderr)
"""


def test_all_streams_go_to_the_log_and_the_display_to_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(log)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == "before\nafter\n"
    assert done.stderr == "shown\nafter err\n"
    text = log.read_text()
    for line in ("python out", "python err", "raw out", "raw err", "child", "a record"):
        assert line in text
    assert "not logged" not in text


FAILING = """
import sys
from pathlib import Path
from pipeline.output_capture import output_to
try:
    with output_to(Path(sys.argv[1])):
        raise ValueError
except ValueError:
    print("restored")
"""


def test_the_streams_come_back_after_a_failure(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING, str(tmp_path / "run.log")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == "restored\n"


FULL = """
import sys
from pathlib import Path
from pipeline.output_capture import output_to
try:
    with output_to(Path("/dev/full")):
        print("no room for this")
        raise ValueError
except ValueError:
    print("restored")
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_a_full_disk_hides_no_failure_and_the_terminal_gets_nothing_of_the_log() -> None:
    done = subprocess.run(
        [sys.executable, "-E", "-c", FULL],  # buffered, whatever PYTHONUNBUFFERED says
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == "restored\n"
