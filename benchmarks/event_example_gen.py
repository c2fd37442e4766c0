"""Speed and memory of EventExampleGen: Parquet in, Examples on disk.

    python -m benchmarks.event_example_gen --oulad DIR

Measures OULAD by the week (where DIR, with its seven official files, is given), a
simulated university by the week and at every event, and a series of tables of the
shape of OULAD's from 100,000 to 5 million events, and prints a table. The small ones
run three times; the median is shown.

Each run is a process of its own, so that its peak of resident memory is its own. The
clock runs from the call of the executor to its return: planning, Beam's start-up, all
steps, and putting the artifacts together. Imports of TFX and Beam, which a pipeline
pays once for all its nodes, and making and checking the data are left out. The time of
the processor is that of all threads; on a machine with other work it is the steadier
figure.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import datetime as dt
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from pipeline.beam_options import LOCAL_BEAM_ARGS
from schemas.config import Cadence, GoalpathConfig, load_config

DAY: Final = 86_400_000_000
START: Final = 19_723 * DAY  # 2024-01-01, a Monday
WEEKS: Final = 40
EVENTS_A_STUDENT: Final = 225
AUDIENCES: Final = 4
ENGAGEMENTS_AN_AUDIENCE: Final = 320
SIZES: Final = (100_000, 300_000, 1_000_000, 3_000_000, 5_000_000)
ROWS_A_FILE: Final = 400_000
STAGES: Final = ("Registered", "Started", "Assessed", "Halfway", "Completed")
SMALL: Final = 1_500_000  # up to so many events a run is repeated

Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")


@dataclasses.dataclass(frozen=True)
class Case:
    """What is measured.

    Attributes:
      label: in the table.
      folder: a prepared one.
      config: JSON of the configuration.
    """

    label: str
    folder: Path
    config: str


@dataclasses.dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
      events: of the data, without those after a loss.
      snapshots: Examples of all splits.
      candidates: of all lists.
      seconds: by the clock.
      processor_seconds: of all threads.
      import_seconds: of TFX and Beam, not part of the above.
      megabytes: of Examples written.
      peak_megabytes: resident memory at most.
      imported_megabytes: resident memory after the imports.
      load: processes that ran or waited when it began, by the average of a minute.
    """

    events: int
    snapshots: int
    candidates: int
    seconds: float
    processor_seconds: float
    import_seconds: float
    megabytes: float
    peak_megabytes: float
    imported_megabytes: float
    load: float


def apart(
    function: Callable[Arguments, Found], *args: Arguments.args, **options: Arguments.kwargs
) -> Found:
    """Calls a function in a process of its own, so that its memory is its own."""
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(max_workers=1, mp_context=fresh) as pool:
        return pool.submit(function, *args, **options).result()


def resident_megabytes() -> float:
    """Resident memory of this process, or of a worker of it, at most so far."""
    unit = 1 if sys.platform == "darwin" else 1024  # of the kernel
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(usage.ru_maxrss for usage in usages) * unit / 1e6


def processor_seconds() -> float:
    """Time of the processor in all threads of this process and in its workers, so far."""
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + workers.ru_utime + workers.ru_stime


def measure(case: Case, beam_args: Sequence[str]) -> Run:
    """Runs the executor once, in this process."""
    load, begun = os.getloadavg()[0], time.perf_counter()
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import standard_artifacts

    from components import artifacts
    from components.event_example_gen import executor

    imported, spent = time.perf_counter(), processor_seconds()
    resident = resident_megabytes()
    with tempfile.TemporaryDirectory(dir=case.folder.parent) as scratch:
        outputs = {
            executor.EXAMPLES: standard_artifacts.Examples(),
            executor.STATES: artifacts.StudentStates(),
            executor.CATALOGUE: artifacts.Catalogue(),
        }
        for name, artifact in outputs.items():
            artifact.uri = str(Path(scratch) / name)
        context = base_beam_executor.BaseBeamExecutor.Context(
            beam_pipeline_args=list(beam_args), tmp_dir=scratch, unique_id="1"
        )
        executor.Executor(context).Do(
            {},
            {name: [artifact] for name, artifact in outputs.items()},
            {
                executor.DATA_DIR: str(case.folder),
                executor.CONFIG: case.config,
                executor.AS_OF: "",
                executor.WINDOW_DAYS: 0,
                executor.FINGERPRINT: "",
            },
        )
        seconds = time.perf_counter() - imported
        processor = processor_seconds() - spent
        folder = Path(outputs[executor.EXAMPLES].uri)
        summary = json.loads((folder / executor.SUMMARY_FILE).read_text())
        written = sum(path.stat().st_size for path in folder.rglob("data_tfrecord*"))
    splits = summary["splits"].values()
    return Run(
        events=summary["events"],
        snapshots=sum(split["snapshots"] for split in splits),
        candidates=sum(split.get("candidates", 0) for split in splits),
        seconds=seconds,
        processor_seconds=processor,
        import_seconds=imported - begun,
        megabytes=written / 1e6,
        peak_megabytes=resident_megabytes(),
        imported_megabytes=resident,
        load=load,
    )


def prepare(data: Path, folder: Path) -> None:
    """Checks a data folder and writes what passed, as `goalpath run` does."""
    from schemas.prepare import prepare_data

    prepare_data(data, load_config(data), folder, now=dt.datetime.now(dt.timezone.utc))


def make_data(scratch: Path, name: str, command: Sequence[str]) -> Case:
    """A prepared folder of what a command of goalpath makes, with weekly snapshots."""
    data, folder = scratch / name, scratch / f"{name}-prepared"
    subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *command, "--out", str(data)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    apart(prepare, data, folder)
    return Case(f"{name}, weekly", folder, load_config(data).model_dump_json())


def at_every_event(case: Case) -> Case:
    """The same data with a snapshot at every event."""
    config = GoalpathConfig.model_validate_json(case.config)
    snapshots = config.snapshots.model_copy(update={"cadence": Cadence.EVERY_EVENT})
    changed = config.model_copy(update={"snapshots": snapshots})
    label = case.label.replace("weekly", "every event")
    return dataclasses.replace(case, label=label, config=changed.model_dump_json())


def series_config() -> GoalpathConfig:
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
            "split": {"method": "cohort", "train": ["0", "1"], "eval": ["2", "3"]},
        }
    )


def write_tables(folder: Path, events: int, seed: int) -> None:
    """Writes a prepared folder with about so many events."""
    import pyarrow as pa
    import pyarrow.parquet as pq

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
        table = pa.table(_events(random, rows, events * len(rows) // students))
        pq.write_table(table, folder / "events" / f"part-{part:05d}.parquet")


def _write_catalogue(folder: Path, random: np.random.Generator) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    group = np.repeat(np.arange(AUDIENCES), ENGAGEMENTS_AN_AUDIENCE)
    total = len(group)
    due = START + random.integers(0, WEEKS * 7, total) * DAY
    engagements = {
        "engagement_id": [f"engagement-{n:05d}" for n in range(total)],
        "engagement_type": [f"type {n % 12}" for n in range(total)],
        "audience": group.astype(str),
        "available_from": pa.nulls(total, pa.int64()),
        "available_to": pa.nulls(total, pa.int64()),
        "due": pa.array(due, mask=random.random(total) > 0.05),
        "weight": random.random(total),
    }
    cohorts = {
        "cohort": [str(group) for group in range(AUDIENCES)],
        "starts": [START] * AUDIENCES,
        "closes": [START + WEEKS * 7 * DAY] * AUDIENCES,
        "observed_until": [START + (WEEKS * 7 + 1) * DAY] * AUDIENCES,
    }
    pq.write_table(pa.table(engagements), folder / "engagements.parquet")
    pq.write_table(pa.table(cohorts), folder / "cohorts.parquet")


def _events(
    random: np.random.Generator, students: npt.NDArray[np.int64], count: int
) -> dict[str, object]:
    import pyarrow as pa

    student = np.sort(random.choice(students, count))
    popular = np.minimum(random.geometric(0.02, count), ENGAGEMENTS_AN_AUDIENCE) - 1
    engagement = student % AUDIENCES * ENGAGEMENTS_AN_AUDIENCE + popular
    stage = np.where(random.random(count) < 0.01, random.integers(1, len(STAGES) - 1, count), 0)
    return {
        "student_id": [f"student-{n:08d}" for n in student],
        "engagement_id": [f"engagement-{n:05d}" for n in engagement],
        "timestamp": START + random.integers(0, WEEKS * 7 * DAY, count),
        "response": pa.nulls(count, pa.string()),
        "value": random.integers(1, 30, count).astype(float),
        "stage_after": pa.array(np.array(STAGES)[stage], mask=stage == 0),
    }


def cases(options: argparse.Namespace, scratch: Path) -> Iterator[Case]:
    """Makes the data of one case after the other; those of the series are let go of."""
    if options.oulad:
        command = ["import", "oulad", "--source", str(options.oulad)]
        yield make_data(scratch, "OULAD", command)
    if options.students:
        numbers = {"students": options.students, "seed": options.seed}
        arguments = [text for key, value in numbers.items() for text in (f"--{key}", str(value))]
        simulated = make_data(scratch, "simulated", ["simulate", *arguments])
        yield simulated
        yield at_every_event(simulated)
    for events in options.events:
        with tempfile.TemporaryDirectory(dir=scratch) as own:
            folder = Path(own) / "prepared"
            apart(write_tables, folder, events, options.seed)
            yield Case(f"series, {events:,}", folder, series_config().model_dump_json())


COLUMNS: Final = (
    "data",
    "events",
    "snapshots",
    "candidates a snapshot",
    "seconds",
    "events/s",
    "processor s",
    "events/processor s",
    "MB written",
    "peak MB",
    "load",
)


def describe(case: Case, runs: Sequence[Run]) -> str:
    """A row of the table: medians of the runs."""

    def median(of: Callable[[Run], float]) -> float:
        return statistics.median(of(run) for run in runs)

    seconds, processor = median(lambda run: run.seconds), median(lambda run: run.processor_seconds)
    first = runs[0]
    spread = ""
    if len(runs) > 1:
        spread = f" ({', '.join(f'{run.seconds:.1f}' for run in runs)})"
    cells = (
        case.label,
        f"{first.events:,}",
        f"{first.snapshots:,}",
        f"{first.candidates / max(first.snapshots, 1):.0f}",
        f"{seconds:.1f}{spread}",
        f"{first.events / seconds:,.0f}",
        f"{processor:.1f}",
        f"{first.events / processor:,.0f}",
        f"{first.megabytes:,.0f}",
        f"{max(run.peak_megabytes for run in runs):,.0f}",
        f"{median(lambda run: run.load):.1f}",
    )
    return f"| {' | '.join(cells)} |"


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--oulad", type=Path, help="folder with OULAD's files; without it none")
    parser.add_argument("--students", type=int, default=20_000, help="simulated; 0: none")
    parser.add_argument("--events", type=int, nargs="*", default=SIZES, help="of the series")
    parser.add_argument("--runs", type=int, default=3, help="of each small case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scratch", type=Path, help="folder for up to 10 GB of files")
    parser.add_argument("--beam-args", help="in place of those of `goalpath run`")
    return parser.parse_args()


def main() -> None:
    """Prints the table."""
    options = parse_arguments()
    beam_args = options.beam_args.split() if options.beam_args else LOCAL_BEAM_ARGS
    # What TensorFlow and others say at import would stand between the rows.
    os.environ.update({"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"})
    print(f"{os.cpu_count()} cores, {dt.date.today()}\n")
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}", flush=True)
    measured: list[Run] = []
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        for case in cases(options, Path(scratch)):
            runs = [apart(measure, case, beam_args)]
            if runs[0].events <= SMALL:
                runs += [apart(measure, case, beam_args) for _ in range(options.runs - 1)]
            print(describe(case, runs), flush=True)
            measured += runs
    imports = statistics.median(run.import_seconds for run in measured)
    resident = statistics.median(run.imported_megabytes for run in measured)
    print(f"\nBesides, {imports:.1f} s for imports, after which {resident:,.0f} MB are resident.")


if __name__ == "__main__":
    main()
