"""One clear message for a failed node."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.failures import failure
from pipeline.node_events import Cause

LOG = Path("out/logs/run-1.log")

BEAM_TRACE = """RuntimeError: Traceback (most recent call last):
  File "apache_beam/runners/common.py", line 1500, in process
  File "components/event_example_gen/beam_job.py", line 12, in process
schemas.errors.DataError: events: timestamps must be in order. Received: 3 rows. Remedy: sort.

During handling of the above exception, another exception occurred:
schemas.errors.DataError: events: timestamps must be in order. Received: 3 rows. \
Remedy: sort. [while running 'Generate']
"""


def test_a_goalpath_error_keeps_its_parts_and_its_exit_code() -> None:
    cause = Cause("DataError", "", 2, "a rule.", "table t", "7 rows", "mend the rows.")
    error = failure("ExampleValidator", cause, LOG)
    assert error.exit_code == 2
    assert error.node == "ExampleValidator"
    assert error.describe() == (
        "ExampleValidator: table t: a rule. Received: 7 rows. "
        "Remedy: mend the rows. The log is out/logs/run-1.log."
    )


def test_an_error_of_a_beam_worker_is_read_from_the_traceback() -> None:
    error = failure("EventExampleGen", Cause("RuntimeError", "long", trace=BEAM_TRACE), LOG)
    assert error.exit_code == 2
    assert error.rule == ("events: timestamps must be in order. Received: 3 rows. Remedy: sort.")
    assert error.where == "EventExampleGen"


def test_an_unknown_error_says_its_type_and_where_the_log_is() -> None:
    error = failure("Trainer", Cause("KeyError", "'no\nsuch'", trace="KeyError: 'no'"), LOG)
    assert error.exit_code == 1
    assert error.describe() == (
        "Trainer: the node failed with KeyError: 'no such' Remedy: The log is out/logs/run-1.log."
    )


def test_a_very_long_message_is_cut() -> None:
    error = failure("Trainer", Cause("ValueError", "x" * 5000), LOG)
    assert len(error.rule) < 700
    assert error.rule.endswith("x ...")


@pytest.mark.parametrize(
    "cause",
    [
        Cause("OSError", "[Errno 28] No space left on device: 'a'"),
        Cause("RuntimeError", "wrapped", trace="OSError: [Errno 28] No space left on device"),
        Cause("ResourceExhaustedError", "x; No space left on device"),
        Cause("InternalError", "Error when executing query: database or disk is full"),
        Cause("InternalError", "query: cannot commit - no transaction is active query: COMMIT;"),
        Cause("OSError", "[Errno 122] Disk quota exceeded"),
    ],
)
def test_a_full_disk_is_called_so(cause: Cause) -> None:
    error = failure("Transform", cause, LOG)
    assert error.exit_code == 1
    assert error.rule == "the disk is full."
    assert "free space under out, then run again" in error.remedy


def test_what_a_node_says_of_a_full_disk_is_kept() -> None:
    cause = Cause(
        "PushError",
        "",
        1,
        "the disk must have room for the version.",
        "serving",
        "0 bytes free",
        "free some space.",
        trace="OSError: [Errno 28] No space left on device\nPushError: the disk must have room",
    )
    error = failure("ModelPusher", cause, LOG)
    assert (error.rule, error.received) == (cause.rule, "0 bytes free")


def test_a_message_that_only_mentions_a_number_is_none_of_a_full_disk() -> None:
    assert (
        failure("Trainer", Cause("ValueError", "28 rows; Errno 28"), LOG).rule
        != "the disk is full."
    )
