"""Speed and memory of EventExampleGen: Parquet in, Examples on disk.

    python benchmarks/event_example_gen.py                       a series of sizes
    python benchmarks/event_example_gen.py --events 1000000      one size
    python benchmarks/event_example_gen.py --prepared FOLDER --config goalpath.yaml

Each run is a process of its own, so that its peak of resident memory is its own. The
clock runs from the call of the executor to its return; imports, which a pipeline pays
once for all its nodes, are told apart. Synthetic tables are made like OULAD's: 225
events a student over 40 weeks, four audiences of 320 engagements.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.config import GoalpathConfig, load_config

DAY = 86_400_000_000
START = 19_723 * DAY  # 2024-01-01, a Monday
WEEKS = 40
EVENTS_A_STUDENT = 225
AUDIENCES = 4
ENGAGEMENTS_AN_AUDIENCE = 320
SIZES = (100_000, 300_000, 1_000_000, 3_000_000, 5_000_000)
ROWS_A_FILE = 400_000
STAGES = ("Registered", "Started", "Assessed", "Halfway", "Completed")


def benchmark_config(cadence: str) -> GoalpathConfig:
    """Two cohorts to train on, two to evaluate on."""
    return GoalpathConfig.model_validate(
        {
            "name": "benchmark",
            "stages": STAGES,
            "default_goal": "Completed",
            "tables": {
                "students": {"features": {"region": "categorical", "credits": "numeric"}},
                "engagements": {"features": {"weight": "numeric"}},
                "cohorts": {},
            },
            "horizons": {"likelihood_days": 28, "risk_days": 28, "goal_days": 120},
            "snapshots": {"cadence": cadence},
            "split": {"method": "cohort", "train": ["0", "1"], "eval": ["2", "3"]},
        }
    )


def write_tables(folder: Path, events: int, seed: int) -> None:
    """Writes a prepared folder with about so many events."""
    random = np.random.default_rng(seed)
    students = max(events // EVENTS_A_STUDENT, AUDIENCES)
    group = np.arange(students) % AUDIENCES
    folder.mkdir(parents=True)
    pq.write_table(
        pa.table(
            {
                "student_id": [f"student-{n:08d}" for n in range(students)],
                "audience": group.astype(str),
                "cohort": group.astype(str),
                "entered_at": pa.nulls(students, pa.int64()),
                "region": random.choice(["north", "south", "east", "west"], students),
                "credits": random.choice([30.0, 60.0, 120.0], students),
            }
        ),
        folder / "students.parquet",
    )
    _write_catalogue(folder, random)
    size = -(-students * ROWS_A_FILE // max(events, 1))
    (folder / "events").mkdir()
    for part, first in enumerate(range(0, students, size)):
        rows = np.arange(first, min(first + size, students))
        table = _events(random, rows, events * len(rows) // students)
        pq.write_table(table, folder / "events" / f"part-{part:05d}.parquet")


def _write_catalogue(folder: Path, random: np.random.Generator) -> None:
    group = np.repeat(np.arange(AUDIENCES), ENGAGEMENTS_AN_AUDIENCE)
    total = len(group)
    due = START + random.integers(0, WEEKS * 7, total) * DAY
    pq.write_table(
        pa.table(
            {
                "engagement_id": [f"engagement-{n:05d}" for n in range(total)],
                "engagement_type": [f"type {n % 12}" for n in range(total)],
                "audience": group.astype(str),
                "available_from": pa.nulls(total, pa.int64()),
                "available_to": pa.nulls(total, pa.int64()),
                "due": pa.array(due, mask=random.random(total) > 0.05),
                "weight": random.random(total),
            }
        ),
        folder / "engagements.parquet",
    )
    ids = [str(group) for group in range(AUDIENCES)]
    pq.write_table(
        pa.table(
            {
                "cohort": ids,
                "starts": [START] * AUDIENCES,
                "closes": [START + WEEKS * 7 * DAY] * AUDIENCES,
                "observed_until": [START + (WEEKS * 7 + 1) * DAY] * AUDIENCES,
            }
        ),
        folder / "cohorts.parquet",
    )


def _events(random: np.random.Generator, students: npt.NDArray[np.int64], count: int) -> pa.Table:
    student = np.sort(random.choice(students, count))
    popular = np.minimum(random.geometric(0.02, count), ENGAGEMENTS_AN_AUDIENCE) - 1
    engagement = student % AUDIENCES * ENGAGEMENTS_AN_AUDIENCE + popular
    stage = np.where(random.random(count) < 0.01, random.integers(1, len(STAGES) - 1, count), 0)
    return pa.table(
        {
            "student_id": pa.array([f"student-{n:08d}" for n in student]),
            "engagement_id": pa.array([f"engagement-{n:05d}" for n in engagement]),
            "timestamp": START + random.integers(0, WEEKS * 7 * DAY, count),
            "response": pa.nulls(count, pa.string()),
            "value": random.integers(1, 30, count).astype(float),
            "stage_after": pa.array(np.array(STAGES)[stage], mask=stage == 0),
        }
    )


def measure(prepared: Path, config: GoalpathConfig, beam_args: list[str]) -> dict[str, float]:
    """Runs the executor once, in this process."""
    begun = time.perf_counter()
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import standard_artifacts

    from components import artifacts
    from components.event_example_gen import executor

    imported = time.perf_counter()
    spent = time.process_time()
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as scratch:
        outputs = {
            executor.EXAMPLES: standard_artifacts.Examples(),
            executor.STATES: artifacts.StudentStates(),
            executor.CATALOGUE: artifacts.Catalogue(),
        }
        for name, artifact in outputs.items():
            artifact.uri = str(Path(scratch) / name)
        context = base_beam_executor.BaseBeamExecutor.Context(
            beam_pipeline_args=beam_args, tmp_dir=scratch, unique_id="1"
        )
        executor.Executor(context).Do(
            {},
            {name: [artifact] for name, artifact in outputs.items()},
            {
                executor.DATA_DIR: str(prepared),
                executor.CONFIG: config.model_dump_json(),
                executor.AS_OF: "",
                executor.WINDOW_DAYS: 0,
                executor.FINGERPRINT: "",
            },
        )
        seconds = time.perf_counter() - imported
        processor = (
            sum(
                resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime
                for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
            )
            - spent
        )
        folder = Path(outputs[executor.EXAMPLES].uri)
        summary = json.loads((folder / executor.SUMMARY_FILE).read_text())
        written = sum(path.stat().st_size for path in folder.rglob("data_tfrecord*"))
    snapshots = sum(split["snapshots"] for split in summary["splits"].values())
    peak = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {
        "events": summary["events"],
        "snapshots": snapshots,
        "candidates": sum(split.get("candidates", 0) for split in summary["splits"].values()),
        "seconds": seconds,
        "processor_seconds": processor,
        "import_seconds": imported - begun,
        "megabytes_written": written / 1e6,
        "megabytes_resident_before": resident / 1e3,
        "megabytes_resident_peak": peak / 1e3,
    }


def run_apart(arguments: list[str]) -> dict[str, float]:
    """Runs `measure` in a process of its own."""
    command = [sys.executable, __file__, "--child", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def describe(label: str, found: dict[str, float]) -> str:
    """One line of the series."""
    return (
        f"{label:28s} {found['seconds']:7.1f} s ({found['processor_seconds']:.1f} s of processor)"
        f" {found['events'] / found['seconds']:9,.0f} events/s"
        f" {found['snapshots'] / found['seconds']:9,.0f} snapshots/s"
        f" {found['candidates'] / max(found['snapshots'], 1):6.0f} candidates"
        f" {found['megabytes_written']:8,.0f} MB written"
        f" {found['megabytes_resident_peak']:7,.0f} MB peak"
        f" ({found['megabytes_resident_before']:,.0f} before)"
    )


def main() -> None:
    """Prints a series."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="*", default=SIZES)
    parser.add_argument("--cadence", nargs="*", default=["weekly", "every_event"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prepared", type=Path)
    parser.add_argument("--config", type=Path, help="folder that holds goalpath.yaml")
    parser.add_argument(
        "--beam-arg",
        action="append",
        dest="beam_args",
        help="for example --beam-arg=--direct_num_workers=2",
    )
    parser.add_argument("--child", action="store_true")
    options = parser.parse_args()
    options.beam_args = options.beam_args or ["--direct_running_mode=in_memory"]
    beam_args = ["--runner=DirectRunner", *options.beam_args]
    if options.child:
        if options.config:
            config = load_config(options.config)
        else:
            config = benchmark_config(options.cadence[0])
        print(json.dumps(measure(options.prepared, config, beam_args)))
        return
    shared = [f"--beam-arg={argument}" for argument in options.beam_args]
    if options.prepared:
        child = ["--prepared", str(options.prepared), "--config", str(options.config), *shared]
        print(describe(options.prepared.name, run_apart(child)))
        return
    for events in options.events:
        with tempfile.TemporaryDirectory() as scratch:
            prepared = Path(scratch) / "prepared"
            write_tables(prepared, events, options.seed)
            for cadence in options.cadence:
                child = ["--prepared", str(prepared), "--cadence", cadence, *shared]
                print(describe(f"{events:,} {cadence}", run_apart(child)), flush=True)


if __name__ == "__main__":
    main()
