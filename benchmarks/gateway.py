r"""Loads the gateway from another process over loopback, and times it.

    python -m benchmarks.gateway --out OUT [--seconds 30] [--rate 100] [--goal STAGE] \
        [--engagements N]

OUT is a folder of `goalpath run`. `goalpath serve` runs as it would for an application, with
its model server, and this process asks. Requests about single students are sent at a fixed
rate, each at its time whether those before have been answered or not, and are timed from that
time on, so that waiting counts. Students that have not ended are drawn by a seed. Batches are
sent one after another. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import numpy as np
import polars as pl
import pyarrow.parquet as pq

from benchmarks.serving import free_port
from schemas import names
from serving.states import ENDED
from serving.versions import Version, model_names, newest_version

API: Final = "/api/v1/model"
START_SECONDS: Final = 300
HEADINGS: Final = (
    "request",
    "a second",
    "requests",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "worst ms",
    "not by model",
)
WARM: Final = 50
BATCH: Final = 1000


@dataclasses.dataclass(frozen=True)
class Timings:
    """Seconds of each request, and those that were answered otherwise than by the model."""

    seconds: Sequence[float]
    other: int

    def cells(self) -> str:
        """Median, 99th percentile and worst in milliseconds."""
        found = np.array(self.seconds) * 1e3
        p50, p95, p99 = np.percentile(found, [50, 95, 99])
        return (
            f"{len(found):,} | {p50:.1f} | {p95:.1f} | {p99:.1f} | {found.max():.1f} | {self.other}"
        )


@contextlib.contextmanager
def served(out: Path, work: Path) -> Iterator[str]:
    """`goalpath serve` on free ports, until it is healthy; the base of its URLs."""
    port = free_port()
    command = [sys.executable, "-m", "pipeline.cli", "serve", "--out", str(out)]
    command += ["--port", str(port), "--grpc-port", str(free_port())]
    command += ["--rest-port", str(free_port())]
    environment = {**os.environ, "GOALPATH_WORK_DIR": str(work)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            base = f"http://127.0.0.1:{port}{API}"
            until_healthy(base)
            yield base
        finally:
            process.send_signal(signal.SIGINT)


def with_engagements(version: Version, count: int, work: Path) -> Path:
    """A copy of a version's folder with so many engagements open to each audience."""
    out = work / "out"
    model = version.model_dir.parent.name
    shutil.copytree(version.model_dir, out / "serving" / model / str(version.number))
    shutil.copytree(version.states_path.parent, out / "states" / str(version.number))
    extra = out / "serving" / model / str(version.number) / names.ASSETS_EXTRA
    rows = pl.read_parquet(extra / names.CATALOGUE_FILE)
    parts = []
    for _, own in rows.group_by(names.AUDIENCE, maintain_order=True):
        times = -(-count // own.height)
        repeated = [
            own.with_columns(pl.col(names.C_ID).cast(pl.String) + f"-{number}")
            for number in range(times)
        ]
        parts.append(pl.concat(repeated).head(count))
    always = [
        pl.lit(None, pl.Int64).alias(key) for key in (names.AVAILABLE_FROM, names.AVAILABLE_TO)
    ]
    pl.concat(parts).with_columns(*always).write_parquet(extra / names.CATALOGUE_FILE)
    return out


def until_healthy(base: str) -> None:
    """Returns when the model answers."""
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        with (
            contextlib.suppress(OSError, ValueError),
            urllib.request.urlopen(f"{base}/health", timeout=5) as response,
        ):
            if json.load(response)["status"] == "healthy":
                return
        time.sleep(0.5)
    raise SystemExit("the gateway did not become healthy")


def open_students(version: Version, seed: int = 0) -> list[str]:
    """Students that have not ended, shuffled."""
    table = pq.read_table(version.states_path, columns=[names.STUDENT_ID, ENDED])
    ids = [row[names.STUDENT_ID] for row in table.to_pylist() if not row[ENDED]]
    shuffled: list[str] = np.random.default_rng(seed).permutation(np.array(ids)).tolist()
    return shuffled


async def at_rate(urls: Iterator[str], rate: float, count: int) -> Timings:
    """Asks `count` times, `rate` a second, whether there were answers or not."""
    seconds: list[float] = []
    other = 0

    async def one(session: aiohttp.ClientSession, url: str, due: float) -> None:
        nonlocal other
        async with session.get(url) as response:
            answer: dict[str, Any] = await response.json(content_type=None)
        seconds.append(loop.time() - due)
        other += answer.get("prediction_method") not in ("full_model", "recorded")

    loop = asyncio.get_running_loop()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(WARM):
            await one(session, next(urls), loop.time())
        seconds.clear()
        other = 0
        begin, tasks = loop.time() + 0.1, []
        for number in range(count):
            due = begin + number / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            tasks.append(asyncio.create_task(one(session, next(urls), due)))
        await asyncio.gather(*tasks)
    return Timings(seconds, other)


def batches(base: str, students: Sequence[str], count: int) -> list[float]:
    """Students a second in each of so many batches."""
    rates = []
    for number in range(count + 1):
        begin = number * BATCH % max(len(students), 1)
        chosen = list(itertools.islice(itertools.cycle(students), begin, begin + BATCH))
        # A student asked about twice in a request would be worked out once.
        chosen = list(dict.fromkeys(chosen))
        body = {"student_ids": chosen, "prediction_types": ["likelihood", "risk", "goal"]}
        request = urllib.request.Request(
            f"{base}/predict/batch",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        began = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        seconds = time.perf_counter() - began
        done = [row for row in answer["predictions"] if row["prediction_method"] == "full_model"]
        assert len(done) == len(chosen), "a batch was not answered by the model"
        if number:
            rates.append(len(chosen) / seconds)
    return rates


def main() -> None:
    """Reads the arguments and runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--offer-rate", type=float, default=10.0)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--goal", default="")
    parser.add_argument("--engagements", type=int, default=0)
    options = parser.parse_args()
    (name,) = model_names(options.out)
    version = newest_version(options.out, name)
    goal = options.goal or str(list(version.manifest["stages"])[-1])  # type: ignore[call-overload]
    students = open_students(version)
    goals, offers = "predict/goal-likelihood", "recommend/for-goal"
    # Every student once, as far as there are enough; and then again.
    first = min(int(options.rate * options.seconds), len(students) - WARM)
    asked = int(options.rate * options.seconds)
    routes = (
        ("goal likelihood with reasons, first time", goals, options.rate, first),
        ("goal likelihood with reasons, again", goals, options.rate, asked),
        ("likelihood", "predict/likelihood", options.rate, asked),
        ("best for a goal", offers, options.offer_rate, int(options.offer_rate * options.seconds)),
    )
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        out = options.out
        if options.engagements:
            out = with_engagements(version, options.engagements, work)
        base = stack.enter_context(served(out, work / "kept"))
        print(f"| {' | '.join(HEADINGS)} |\n|{' --- |' * len(HEADINGS)}")
        for title, route, rate, count in routes:
            urls = (
                f"{base}/{route}?student_id={quote(student)}"
                + ("" if route == "predict/likelihood" else f"&goal_stage={quote(goal)}")
                for student in itertools.cycle(students)
            )
            load = os.getloadavg()[0]
            timings = asyncio.run(at_rate(urls, rate, max(count, 1)))
            print(f"| {title} (load {load:.1f}) | {rate:g} | {timings.cells()} |", flush=True)
        rates = batches(base, students, options.batches)
        size = min(BATCH, len(students))
        print(
            f"\npredict/batch of {size:,} students, one after another: median "
            f"{np.median(rates):,.0f} students/s, slowest {min(rates):,.0f}"
        )


if __name__ == "__main__":
    main()
