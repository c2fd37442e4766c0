"""Times `goalpath simulate` as a whole process, and says what there is to learn.

    python -m benchmarks.simulate [--students 100000] [--profile intense] [--weeks 52]

Prints the seconds, the events and the peak memory of a process that simulates and writes
everything, and, from a smaller simulation of the same world, the AUC that the true
probabilities themselves have: no model can be expected to do better.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import polars as pl

from datasets.simulator.labels import (
    GOAL_LABEL_PREFIX,
    LIKELIHOOD_LABEL,
    RISK_LABEL,
    label_snapshots,
)
from datasets.simulator.parameters import PROFILES, STAGES
from datasets.simulator.simulate import simulate
from datasets.simulator.tables import TRUTH_PREFIX
from schemas import names
from schemas.config import load_config

_LABELS = {
    names.LIKELIHOOD: LIKELIHOOD_LABEL,
    names.RISK: RISK_LABEL,
    **{TRUTH_PREFIX + stage: GOAL_LABEL_PREFIX + stage for stage in STAGES[1:]},
}
_CALL = "from pipeline.cli import main; main()"
# Linux gives kilobytes, macOS bytes.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@click.command()
@click.option("--students", default=100_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--weeks", default=52, show_default=True)
@click.option("--profile", type=click.Choice(list(PROFILES)), default="intense", show_default=True)
@click.option("--auc-students", default=5_000, show_default=True, help="0: no AUC.")
def main(*, students: int, seed: int, weeks: int, profile: str, auc_students: int) -> None:
    """Measure the simulator."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "data"
        seconds = time_process(out, students=students, seed=seed, weeks=weeks, profile=profile)
        events = pl.scan_parquet(out / f"{names.EVENTS}.parquet").select(pl.len()).collect().item()
        bytes_written = sum(path.stat().st_size for path in out.iterdir())
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _RSS_UNIT
    print(f"students {students:,}, events {events:,}, {bytes_written / 1e6:,.0f} MB written")
    print(f"whole process {seconds:.1f} s, {events / seconds:,.0f} events/s")
    print(f"peak memory {peak / 1e6:,.0f} MB")
    if auc_students:
        for probability, value in truth_auc(auc_students, seed, weeks, profile).items():
            print(f"AUC of the true {probability}: {value:.3f}")


def time_process(out: Path, *, students: int, seed: int, weeks: int, profile: str) -> float:
    """Seconds of one `goalpath simulate` from start to exit."""
    options = {"students": students, "seed": seed, "weeks": weeks, "profile": profile, "out": out}
    arguments = [text for key, value in options.items() for text in (f"--{key}", str(value))]
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", _CALL, "simulate", *arguments],
        check=True,
        cwd=Path(__file__).parents[1],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.monotonic() - started


def truth_auc(students: int, seed: int, weeks: int, profile: str) -> dict[str, float]:
    """Probability -> AUC of the truth over all snapshots whose label is known."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "data"
        simulate(out, students=students, seed=seed, weeks=weeks, profile=profile)
        truth, events, changes = (
            pl.read_parquet(out / name)
            for name in (
                names.TRUTH_FILE,
                f"{names.EVENTS}.parquet",
                f"{names.STAGE_CHANGES}.parquet",
            )
        )
        labelled = label_snapshots(truth, events, changes, load_config(out))
    known = {probability: labelled.drop_nulls(label) for probability, label in _LABELS.items()}
    return {
        probability: auc(
            rows.get_column(_LABELS[probability]).to_numpy(),
            rows.get_column(probability).to_numpy(),
        )
        for probability, rows in known.items()
    }


def auc(label: npt.NDArray[np.bool_], score: npt.NDArray[np.float64]) -> float:
    """Area under the ROC curve (Mann-Whitney), ties counted half; NaN with one class."""
    positives = int(label.sum())
    negatives = len(label) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = pl.Series(score).rank("average").to_numpy()
    return float((ranks[label].sum() - positives * (positives + 1) / 2) / positives / negatives)


if __name__ == "__main__":
    main()
