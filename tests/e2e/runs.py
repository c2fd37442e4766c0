"""Runs `goalpath` as a user does, and reads what a run left."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipeline.node_events import EventLog, Happening

ROOT = Path(__file__).parents[2]
MODEL = "goalpath"

Ends = tuple[tuple[str, Happening], ...]


@dataclasses.dataclass(frozen=True)
class Done:
    """A process that ended.

    Attributes:
      code: exit code; minus the signal that ended it.
      out: its standard output.
      err: its standard error.
    """

    code: int
    out: str
    err: str


def goalpath(*arguments: object) -> Done:
    """Runs the command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def read_summary(out: Path) -> dict[str, Any]:
    """`run.json`."""
    summary: dict[str, Any] = json.loads((out / "run.json").read_text())
    return summary


def last_happenings(out: Path) -> Ends:
    """What happened to the nodes in the last run of an output folder, in order."""
    newest = max((out / "logs").glob("run-*.events.jsonl"))
    return tuple((e.node, e.happening) for e in EventLog(newest).read() if e.node)


def nodes_that(happened: Happening, happenings: Ends) -> list[str]:
    """The nodes to which that happened, in order."""
    return [node for node, happening in happenings if happening is happened]


def served(out: Path) -> dict[int, list[str]]:
    """The folders that TF Serving would load -> what is wrong with them.

    Counts and hashes all files anew; nothing of goalpath's own checks is used.
    """
    folder = out / "serving" / MODEL
    if not folder.is_dir():
        return {}
    return {
        int(version.name): _faults(out, version)
        for version in sorted(folder.iterdir())
        if version.name.isdigit()
    }


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _faults(out: Path, version: Path) -> list[str]:
    manifest_file = version / "assets.extra" / "manifest.json"
    if not manifest_file.is_file():
        return ["no manifest"]
    manifest = json.loads(manifest_file.read_text())
    found = {
        path.relative_to(version).as_posix(): sha256(path)
        for path in version.rglob("*")
        if path.is_file() and path != manifest_file
    }
    states = out / manifest["states"]["path"]
    faults = {
        "another number": manifest["version"] != int(version.name),
        "other files": found != {name: each["sha256"] for name, each in manifest["files"].items()},
        "no graph": "saved_model.pb" not in found,
        "no weights": not any(name.startswith("variables/") for name in found),
        "no states": not states.is_file() or sha256(states) != manifest["states"]["sha256"],
    }
    return [fault for fault, is_so in faults.items() if is_so]
