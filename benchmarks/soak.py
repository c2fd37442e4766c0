r"""Loads the gateway for minutes while versions are pushed, and looks for faults and leaks.

    python -m benchmarks.soak --out OUT [--minutes 10] [--rate 100] [--push-seconds 60]

OUT is a folder of `goalpath run`; its newest version is copied, and pushed again and again
under higher numbers, each with states a second later than the one before. `goalpath serve`
runs as it would for an application, and this process asks for goal likelihoods by student id at
a fixed rate. Every answer must be the model's, and the version it names and the instant of the
state it is made from must be of one push. Prints a table in Markdown: errors, answers of two
versions, latency, and the memory of gateway and model server after the second push and at
the end.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import dataclasses
import datetime as dt
import json
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import numpy as np
import polars as pl

from benchmarks.gateway import open_students, served
from components.model_pusher.push import Destination, push_version
from schemas import names
from serving.versions import (
    STATES_FOLDER,
    Version,
    manifest_path,
    model_names,
    newest_version,
    serving_dir,
    sha256_of,
)

MEMORY_SECONDS: Final = 5.0


@dataclasses.dataclass
class Found:
    """What the answers were."""

    seconds: list[float] = dataclasses.field(default_factory=list)
    versions: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    faults: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    mixed: int = 0


class Pushes:
    """Pushes copies of a version into a folder of its own.

    Args:
      version: to copy.
      out: the folder.
      work: for what is put together.
    """

    def __init__(self, version: Version, out: Path, work: Path) -> None:
        self._version = version
        self._work = work
        model = version.model_dir.parent.name
        self._destination = Destination(serving_dir(out, model), out / STATES_FOLDER)
        self._destination.serving_dir.mkdir(parents=True)
        self._destination.states_dir.mkdir(parents=True)
        self.instants: dict[int, str] = {}

    def push(self, place: int) -> int:
        """Pushes the copy whose number and states are `place` ahead; its number."""
        folder = self._work / f"push-{place}"
        bundle = folder / "bundle"
        shutil.copytree(self._version.model_dir, bundle)
        shutil.copytree(self._version.states_path.parent, folder / "states")
        states = folder / "states" / names.STATES_FILE
        later = pl.col(names.SNAPSHOT_TIME) + place * 1_000_000
        pl.read_parquet(states).with_columns(later).write_parquet(states)
        manifest: dict[str, Any] = dict(self._version.manifest)
        number = self._version.number + place
        instant = dt.datetime.fromisoformat(self._version.as_of) + dt.timedelta(seconds=place)
        manifest |= {"version": number, "as_of": instant.isoformat()}
        manifest["states"] = {
            "path": f"{STATES_FOLDER}/{number}/{names.STATES_FILE}",
            "sha256": sha256_of(states),
            "bytes": states.stat().st_size,
        }
        manifest_path(bundle).write_text(json.dumps(manifest))
        self.instants[number] = instant.isoformat()
        push_version(bundle, [folder / "states"], self._destination)
        shutil.rmtree(folder)
        return number


def resident_bytes(marker: str) -> dict[str, int]:
    """Command -> resident memory of the processes whose command line has the marker."""
    found: dict[str, int] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            command = (status.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if marker in command and "benchmarks.soak" not in command:
                lines = status.read_text().splitlines()
                (line,) = [each for each in lines if each.startswith("VmRSS")] or ["VmRSS: 0 kB"]
                name = "model server" if "model_server" in command else "gateway"
                found[name] = max(found.get(name, 0), int(line.split()[1]) * 1024)
    return found


async def ask(urls: list[str], rate: float, seconds: float, pushes: Pushes) -> Found:
    """Asks at a rate, each request at its time."""
    found = Found()
    loop = asyncio.get_running_loop()

    async def one(session: aiohttp.ClientSession, url: str, due: float) -> None:
        try:
            async with session.get(url) as response:
                answer: dict[str, Any] = await response.json(content_type=None)
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            found.faults[type(error).__name__] += 1
            return
        found.seconds.append(loop.time() - due)
        if status != 200 or answer["prediction_method"] not in ("full_model", "recorded"):
            found.faults[f"{status} {answer.get('prediction_method', '')}".strip()] += 1
            return
        number = int(answer["model_version"])
        found.versions[number] += 1
        told = dt.datetime.fromisoformat(answer["as_of"].replace("Z", "+00:00"))
        found.mixed += told != dt.datetime.fromisoformat(pushes.instants[number])

    timeout = aiohttp.ClientTimeout(total=30)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        begin, tasks = loop.time() + 0.1, set()
        for number in range(int(rate * seconds)):
            due = begin + number / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            task = asyncio.create_task(one(session, urls[number % len(urls)], due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
    return found


def main() -> None:
    """Reads the arguments and runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--push-seconds", type=float, default=60.0)
    options = parser.parse_args()
    (name,) = model_names(options.out)
    version = newest_version(options.out, name)
    goal = str(list(version.manifest["stages"])[-1])  # type: ignore[call-overload]
    memory: list[tuple[int, dict[str, int]]] = []
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        out, work = Path(folder) / "out", Path(folder) / "work"
        pushes = Pushes(version, out, work)
        pushes.push(1)
        ends = threading.Event()

        def push_and_watch() -> None:
            pushed, last = 1, time.monotonic()
            while not ends.wait(MEMORY_SECONDS):
                if time.monotonic() - last >= options.push_seconds:
                    pushed, last = pushed + 1, time.monotonic()
                    pushes.push(pushed)
                memory.append((pushed, resident_bytes(str(out))))

        with served(out, Path(folder) / "kept") as base:
            students = open_students(version)
            urls = [
                f"{base}/predict/goal-likelihood?student_id={quote(each)}&goal_stage={quote(goal)}"
                for each in students
            ]
            thread = threading.Thread(target=push_and_watch, daemon=True)
            thread.start()
            found = asyncio.run(ask(urls, options.rate, 60 * options.minutes, pushes))
            ends.set()
            thread.join()
    for line in report(found, memory, len(pushes.instants)):
        print(line)


def report(found: Found, memory: list[tuple[int, dict[str, int]]], pushed: int) -> list[str]:
    """The table."""
    settled = next((each for number, each in memory if number >= 3), memory[0][1])
    last = memory[-1][1]
    p50, p99 = np.percentile(np.array(found.seconds) * 1e3, [50, 99])
    grown = ", ".join(
        f"{name} {settled[name] / 2**20:,.0f} to {last.get(name, 0) / 2**20:,.0f} MiB"
        for name in sorted(settled)
    )
    return [
        "| answers | pushed | that answered | faults | of two versions | p50 ms | p99 ms |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        f"| {len(found.seconds):,} | {pushed} | {len(found.versions)} | "
        f"{dict(found.faults) or 0} | {found.mixed} | {p50:.1f} | {p99:.1f} |",
        "",
        f"Memory after the second push and at the end: {grown}.",
    ]


if __name__ == "__main__":
    main()
