"""Times `goalpath validate` on a million events, as a whole process.

    python -m benchmarks.validate [--events 1000000] [--runs 3]

Writes the same sound data as CSV, gzipped CSV and Parquet into a temporary folder,
runs the command on each as a process of its own, and prints the seconds (median and
all runs), the median of the processor's seconds and the largest resident memory.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

CONFIG = """
name: benchmark
stages: [Inquired, Visited, Applied, Enrolled]
default_goal: Applied
responses: {active: [clicked, replied]}
tables:
  students: {features: {region: categorical, gpa: numeric}}
"""
KINDS = ("csv", "csv.gz", "parquet")
STAGES = ["Inquired", "Visited", "Applied", "Enrolled"]
EVENTS_PER_STUDENT = 33
ENGAGEMENTS = 500
YEAR_SECONDS = 365 * 86_400
JAN_1_2023 = 1_672_531_200


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One kind of file.

    Attributes:
      seconds: wall time of each run, process start included.
      cpu_seconds: processor time of each run, which other load changes less.
      peak_mb: largest resident memory of the runs, in megabytes.
    """

    seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    peak_mb: float


def make_events(count: int, students: int, seed: int) -> pl.DataFrame:
    """Events with every optional column, one in twenty with a stage."""
    rng = np.random.default_rng(seed)
    seconds = np.sort(JAN_1_2023 + rng.integers(0, YEAR_SECONDS, count))
    stages = np.array(["", *STAGES])[rng.integers(1, 5, count) * (rng.random(count) < 0.05)]
    return pl.DataFrame(
        {
            "student_id": pl.Series(rng.integers(0, students, count)).cast(pl.String),
            "engagement_id": pl.Series(rng.integers(0, ENGAGEMENTS, count)).cast(pl.String),
            "timestamp": pl.from_epoch(pl.Series(seconds), time_unit="s"),
            "response": rng.choice(["ignored", "clicked", "replied"], count),
            # Distinct, so that no event repeats another.
            "value": np.arange(count) / 100,
            "stage_after": stages,
        }
    )


def write_folder(folder: Path, events: pl.DataFrame, students: int, kind: str) -> None:
    """Writes a data folder whose events are of `kind`: csv, csv.gz or parquet."""
    folder.mkdir()
    (folder / "goalpath.yaml").write_text(CONFIG)
    pl.DataFrame({"student_id": range(students)}).with_columns(
        pl.lit("north").alias("region"), pl.lit(3.1).alias("gpa")
    ).write_csv(folder / "students.csv")
    pl.DataFrame({"engagement_id": range(ENGAGEMENTS)}).with_columns(
        pl.lit("email").alias("engagement_type")
    ).write_csv(folder / "engagements.csv")
    path = folder / f"events.{kind}"
    if kind == "parquet":
        events.write_parquet(path)
        return
    text = folder / "events.csv"
    events.write_csv(text, datetime_format="%Y-%m-%d %H:%M:%S")
    if kind == "csv.gz":
        with text.open("rb") as source, gzip.open(path, "wb", compresslevel=6) as packed:
            shutil.copyfileobj(source, packed)
        text.unlink()


def write_all(scratch: Path, count: int, students: int, seed: int) -> None:
    """Writes one data folder for each of `KINDS`."""
    events = make_events(count, students, seed)
    for kind in KINDS:
        write_folder(scratch / kind, events, students, kind)


def run_once(folder: Path) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak resident megabytes of one `goalpath validate`.

    Raises:
      RuntimeError: the command did not find the data valid.
    """
    command = [sys.executable, "-m", "pipeline.cli", "validate", "--data", str(folder), "--json"]
    started = time.perf_counter()
    with open(os.devnull, "wb") as nowhere:
        pid = os.posix_spawn(
            sys.executable,
            command,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1)],
        )
        _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise RuntimeError(f"goalpath validate ended with status {status}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(folder: Path, runs: int) -> Measurement:
    """Runs the command `runs` times."""
    seconds, cpu_seconds, peaks = zip(*(run_once(folder) for _ in range(runs)), strict=True)
    return Measurement(seconds, cpu_seconds, max(peaks))


def main() -> None:
    """Runs the benchmark and prints its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    students = max(1, options.events // EVENTS_PER_STUDENT)
    print(f"{options.events:,} events, {students:,} students, {os.cpu_count()} cores")
    print(f"{'events as':<12}{'seconds':>9}{'CPU s':>9}{'peak MB':>9}   runs")
    with tempfile.TemporaryDirectory() as scratch:
        # In a process of its own: a child's peak memory begins at that of its parent.
        writer = multiprocessing.get_context("spawn").Process(
            target=write_all, args=(Path(scratch), options.events, students, options.seed)
        )
        writer.start()
        writer.join()
        for kind in KINDS:
            got = measure(Path(scratch) / kind, options.runs)
            runs = " ".join(f"{seconds:.2f}" for seconds in got.seconds)
            median = statistics.median(got.seconds)
            cpu = statistics.median(got.cpu_seconds)
            print(f"{kind:<12}{median:>9.2f}{cpu:>9.2f}{got.peak_mb:>9.0f}   {runs}")


if __name__ == "__main__":
    main()
